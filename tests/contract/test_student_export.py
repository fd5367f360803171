"""Export of a student by a service: all of their rows and no other's, on both stores."""

import io
import json
import tracemalloc
from tempfile import TemporaryFile
from typing import Any
from zipfile import ZipFile

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import DeclarativeBase

from dropout_service.database import DropoutDatabaseManager
from dropout_service.database import export as dropout_export
from dropout_service.errors import StudentErased as ErasedInDropout
from dropout_service.errors import StudentNotFound as NotInDropout
from dropout_service.models import Base as DropoutBase
from shared_db.connection.database import Database
from shared_db.personal_data import STUDENT, declaration_of
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.datastore import export as staffstuddash_export
from staffstuddash_service.errors import StudentErased, StudentMerged, StudentNotFound
from staffstuddash_service.models import Base as StaffstuddashBase
from staffstuddash_service.models import Student
from tests.support.databases import OpenDatabase, engine_on
from tests.support.factories import NOON
from tests.support.marked_rows import insert_marked_rows, mark_of
from tests.support.services import PARTS

ADA, BOB = "ada-marked", "bob-marked"
# Tombstones of erased students, files until their import ends, and mails until their delivery.
NOT_EXPORTED = {"deletions", "import_pieces", "mails"}
BASES: dict[str, tuple[type[DeclarativeBase], Any]] = {
    "staffstuddash": (StaffstuddashBase, staffstuddash_export.PART),
    "dropout": (DropoutBase, dropout_export.PART),
}


def write(service: str, manager: Any, student_id: str) -> ZipFile:
    """Return the opened export of a student."""
    file = io.BytesIO()
    options = {"actor": "office"} if service == "staffstuddash" else {}
    manager.exports.write_zip(student_id, file, **options)
    return ZipFile(file)


def texts(archive: ZipFile) -> dict[str, str]:
    return {name: archive.read(name).decode() for name in archive.namelist()}


@pytest.mark.parametrize("service", BASES)
def test_every_table_with_data_of_students_is_exported(service: str) -> None:
    """Found by the register, while the export follows the keys of the tables."""
    base, part = BASES[service]
    registered = {
        table.name
        for table in base.metadata.sorted_tables
        for column in table.columns
        if STUDENT in getattr(declaration_of(column), "subjects", ())
    }

    exported = {table.name for table in part.owned([ADA])}

    assert exported == registered - NOT_EXPORTED
    assert len(exported) > 10


@pytest.mark.parametrize("service", BASES)
def test_the_rows_of_every_table_are_in_it_and_no_other_student(
    service: str, open_database: OpenDatabase
) -> None:
    base, part = BASES[service]
    manager = PARTS[service].manager(open_database(base.metadata))
    with manager.database.unit_of_work() as session:
        for mark in (ADA, BOB):
            insert_marked_rows(session, base.metadata, mark)

    found = texts(write(service, manager, ADA))

    tables = [table for table in part.owned([ADA]) if table.name != "students"]
    for table in tables:
        # The page, too; tables without a text column have the ids of their parents.
        mark = mark_of(str(table.name), ADA) if "id" in table.c else ADA
        assert mark in found[f"{table.name}.json"], table.name
        assert f"<h2>{table.name.replace('_', ' ').capitalize()}</h2>" in found["index.html"]
    assert ADA in found["students.json"]
    assert BOB not in "".join(found.values())
    assert BOB not in "".join(found)


@pytest.mark.parametrize("service", BASES)
def test_the_files_are_json_and_their_fields_are_explained(
    service: str, open_database: OpenDatabase
) -> None:
    base, part = BASES[service]
    manager = PARTS[service].manager(open_database(base.metadata))
    with manager.database.unit_of_work() as session:
        insert_marked_rows(session, base.metadata, ADA)

    archive = write(service, manager, ADA)

    fields = json.loads(archive.read("fields.json"))
    assert set(fields) == {table.name for table in part.owned([ADA])}
    for table, described in fields.items():
        rows = json.loads(archive.read(f"{table}.json"))
        assert all(set(row) == set(described["fields"]) for row in rows)
        for field in described["fields"].values():
            assert field["meaning"]
            assert field["purpose"]
            assert field["kept"]
    marks = "assessment_logs" if service == "staffstuddash" else "assessments"
    assert fields[marks]["fields"]["score"]["meaning"] == "Null: does not count"


def test_drafts_are_text_files_with_harmless_names(datastore: DatastoreManager) -> None:
    datastore.add_student(ADA, "<script>alert(1)</script>", "a@school.example")
    content = "=cmd|' /C calc'!A0\n<img src=x onerror=alert(1)>"
    datastore.add_draft(ADA, "../../etc/passwd\\<b>", content, timestamp=NOON)
    datastore.add_draft(ADA, "..", content, timestamp=NOON)

    found = texts(write("staffstuddash", datastore, ADA))

    names = [name for name in found if name.startswith("drafts/")]
    assert names == ["drafts/0001--version-1.txt", "drafts/0002-etc-passwd-b-version-1.txt"]
    assert {found[name] for name in names} == {content}
    page = found["index.html"]
    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;script&gt;" in page
    assert "default-src &#x27;none&#x27;" in page
    assert json.loads(found["students.json"])[0]["name"] == "<script>alert(1)</script>"


def test_rows_under_former_ids_are_exported(datastore: DatastoreManager) -> None:
    datastore.add_student("former", "Ada")
    datastore.add_assessment("former", "quiz", "Former subject", 50, timestamp=NOON)
    datastore.add_student(ADA, "Ada")
    datastore.merging.merge("former", ADA, actor="office")

    found = texts(write("staffstuddash", datastore, ADA))

    assert "Former subject" in found["assessment_logs.json"]
    assert json.loads(found["aliases.json"])[0]["old_id"] == "former"
    with pytest.raises(StudentMerged):
        write("staffstuddash", datastore, "former")


def test_an_export_is_logged_and_contains_its_own_line(datastore: DatastoreManager) -> None:
    datastore.add_student(ADA, "Ada")

    archive = write("staffstuddash", datastore, ADA)

    [action] = datastore.actions.search_by_student(ADA).items
    assert (action.action, action.actor, action.data) == ("student.exported", "office", None)
    assert json.loads(archive.read("action_logs.json"))[0]["id"] == action.id


def test_absent_and_erased_students_are_refused(
    datastore: DatastoreManager, open_database: OpenDatabase
) -> None:
    dropout = DropoutDatabaseManager(open_database(DropoutBase.metadata))
    datastore.students.erase("erased")
    dropout.students.erase("erased")

    with pytest.raises(StudentNotFound):
        write("staffstuddash", datastore, "nobody")
    with pytest.raises(StudentErased):
        write("staffstuddash", datastore, "erased")
    with pytest.raises(NotInDropout):
        write("dropout", dropout, "nobody")
    with pytest.raises(ErasedInDropout):
        write("dropout", dropout, "erased")
    assert "student.exported" not in {action.action for action in datastore.actions.search().items}


def test_a_snapshot_reads_one_state(private_url: str) -> None:
    """On PostgreSQL a plain reading transaction would see the row that came meanwhile."""
    database = Database.for_bind(engine_on(private_url))
    datastore = DatastoreManager(database)
    count = select(func.count()).select_from(Student)

    with database.snapshot() as session:
        before = session.scalar(count)
        datastore.add_student(ADA, "Ada")
        after = session.scalar(count)
    with database.reading() as session:
        at_the_end = session.scalar(count)

    assert (before, after, at_the_end) == (0, 0, 1)


def test_many_rows_are_streamed(private_url: str) -> None:
    """The memory does not grow with the rows, which are 25 MB here."""
    database = Database.for_bind(engine_on(private_url))
    dropout = DropoutDatabaseManager(database)
    dropout.students.add(ADA)
    with database.unit_of_work() as session:
        session.execute(text(_MANY_EVENTS), {"student": ADA, "data": json.dumps({"x": "y" * 1000})})
    with TemporaryFile() as file:
        tracemalloc.start()
        try:
            dropout.exports.write_zip(ADA, file)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        with ZipFile(file) as archive:
            size = archive.getinfo("learning_events.json").file_size
            page = archive.getinfo("index.html").file_size

    assert size > 25_000_000
    assert peak < 5_000_000
    assert page < 5_000_000


_MANY_EVENTS = """
INSERT INTO dropout.learning_events
    (id, student_id, event_type, data, occurred_at, day, recorded_at, digest)
SELECT 'event-' || number, :student, 'NAVIGATION', CAST(:data AS jsonb), now(), 20000, now(),
    '\\x00'
FROM generate_series(1, 20000) AS number
"""
