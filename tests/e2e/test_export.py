"""`veritas export`: one ZIP of both services and the spools of this machine."""

import stat
from pathlib import Path
from zipfile import ZipFile

import pytest

from dropout_service.database import DropoutDatabaseManager
from shared_db.connection.database import Database
from shared_db.spool.queue import Spool
from staffstuddash_service.datastore import DatastoreManager
from tests.support.databases import engine_on
from tests.support.factories import NOON
from tests.support.oulad_fixtures.imported import Run
from tests.support.waiting_rows import events, wait_in


@pytest.fixture
def database(private_url: str) -> Database:
    """Give a database with rows of two students, one of them merged."""
    database = Database.for_bind(engine_on(private_url))
    datastore, dropout = DatastoreManager(database), DropoutDatabaseManager(database)
    for id_ in ("former", "ada", "bob"):
        datastore.add_student(id_, f"Name of {id_}")
        datastore.add_draft(id_, "essay", f"Draft by {id_}.", timestamp=NOON)
        dropout.events.add(None, id_, f"question-of-{id_}", "QUESTION_SUBMIT", occurred_at=NOON)
    # dropout has not followed this merge yet.
    datastore.merging.merge("former", "ada", actor="office")
    return database


@pytest.fixture
def spool_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Set and return the folder of the spools."""
    folder = tmp_path / "spools"
    monkeypatch.setenv("SPOOL_PATH", str(folder))
    return folder


def texts(file: Path) -> dict[str, str]:
    with ZipFile(file) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name).decode() for name in archive.namelist()}


def wait(folder: Path, student: str) -> None:
    spool = Spool.of_service(folder, "dropout")
    spool.open()
    wait_in(spool, *events(student, 1, course=f"course-of-{student}"))
    spool.close()


@pytest.mark.usefixtures("database")
def test_both_services_and_the_spools_are_in_one_file(
    private_url: str, spool_path: Path, tmp_path: Path, run: Run, database: Database
) -> None:
    wait(spool_path, "ada")
    wait(spool_path, "bob")
    file = tmp_path / "ada.zip"

    done = run(private_url, "export", "former", file)

    assert done.exit_code == 0, done.output
    found = texts(file)
    assert {"index.html", "staffstuddash/index.html", "dropout/index.html"} <= found.keys()
    assert "Name of ada" in found["staffstuddash/students.json"]
    for id_ in ("ada", "former"):
        assert f"question-of-{id_}" in found["dropout/learning_events.json"]
    drafts = [name for name in found if name.startswith("staffstuddash/drafts/")]
    assert {found[name] for name in drafts} == {"Draft by ada.", "Draft by former."}
    assert "course-of-ada" in found["spools/dropout.jsonl"]
    assert "bob" not in "".join([*found, *found.values()])
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path for path in tmp_path.iterdir() if path.suffix == ".partial"] == []
    rows = dict(line.rsplit(maxsplit=2)[:2] for line in done.output.splitlines()[:5])
    assert rows["staffstuddash.action_logs"] == "2"  # the merge and the export
    [action, _] = DatastoreManager(database).actions.search_by_student("ada").items
    assert (action.action, action.actor) == ("student.exported", "veritas export")


@pytest.mark.usefixtures("database", "spool_path")
def test_a_file_is_replaced_only_by_force(private_url: str, tmp_path: Path, run: Run) -> None:
    file = tmp_path / "ada.zip"
    file.write_text("other")

    refused = run(private_url, "export", "ada", file)
    kept = file.read_text()
    forced = run(private_url, "export", "ada", file, "--force")

    assert (refused.exit_code, kept, forced.exit_code) == (1, "other", 0)
    assert "--force" in refused.output
    assert "staffstuddash/students.json" in texts(file)


@pytest.mark.usefixtures("spool_path")
def test_absent_and_erased_students_are_refused(
    private_url: str, database: Database, tmp_path: Path, run: Run
) -> None:
    DatastoreManager(database).students.erase("bob")
    results = [
        run(private_url, "export", "nobody", tmp_path / "a.zip"),
        run(private_url, "export", "bob", tmp_path / "b.zip"),
        run(private_url, "export", "ada", tmp_path / "no-folder" / "c.zip"),
    ]

    assert [result.exit_code for result in results] == [1, 1, 1]
    said = [result.output for result in results]
    assert ["no student" in said[0].lower(), "deleted" in said[1], "cannot be" in said[2]] == [
        True
    ] * 3
    assert [len(text.splitlines()) for text in said] == [1, 1, 1]
    assert list(tmp_path.glob("*.zip")) == []


@pytest.mark.usefixtures("database")
def test_a_student_who_only_waits_is_exported(
    private_url: str, spool_path: Path, tmp_path: Path, run: Run
) -> None:
    wait(spool_path, "new")

    done = run(private_url, "export", "new", tmp_path / "new.zip")

    assert done.exit_code == 0, done.output
    assert "course-of-new" in texts(tmp_path / "new.zip")["spools/dropout.jsonl"]
