"""Import of files in batches on both stores: as a whole or not at all, in bounded memory."""

from pathlib import Path
from typing import Any

import pytest
from rich.progress import Progress

from shared_db.results import OnConflict, Outcome
from shared_web.problems import InvalidRequest
from staffstuddash_service.datastore import DatastoreManager, TableKind
from tests.support.dumps import dump
from tests.support.rosters import fill
from veritas_cli.csv_import.file import TableFile
from veritas_cli.csv_import.importer import CsvImport
from veritas_cli.csv_import.report import TableReport
from veritas_cli.errors import CommandFailure

UPDATE = OnConflict.UPDATE


@pytest.fixture
def school(datastore: DatastoreManager) -> DatastoreManager:
    """Give a school of students s001 to s005 and the class 5a."""
    fill(datastore, students=5)
    return datastore


def run(
    school: DatastoreManager, folder: Path, kind: TableKind, table: str, **options: Any
) -> TableReport:
    """Import a table two rows at a time."""
    file = folder / "table.csv"
    file.write_bytes(table.encode(options.pop("codec", "utf-8")))
    task = CsvImport(TableFile(file), kind, school, Progress(disable=True), batch_rows=2, **options)
    task.run()
    return task.report


def counts(report: TableReport) -> tuple[int, int, int, int]:
    stored, changed, repeated = (
        report.outcomes[name] for name in (Outcome.STORED, Outcome.CHANGED, Outcome.REPEATED)
    )
    return stored, changed, repeated, report.refused


def marks(*scores: object) -> str:
    rows = [f"a{n},s00{n},exam,Math,{score}" for n, score in enumerate(scores, 1)]
    return "\n".join(["id,student_id,type,subject,score", *rows])


def test_rows_of_many_batches_are_stored_once(school: DatastoreManager, tmp_path: Path) -> None:
    first = run(school, tmp_path, TableKind.ASSESSMENTS, marks(1, 2, 3, 4, 5))
    before = dump(school.database)
    again = run(school, tmp_path, TableKind.ASSESSMENTS, marks(1, 2, 3, 4, 5))

    assert (first.read, counts(first)) == (5, (5, 0, 0, 0))
    assert (again.read, counts(again)) == (5, (0, 0, 5, 0))
    assert dump(school.database) == before
    assert school.performance.get("s005").mean_percentage == 5


def test_one_refused_row_stores_nothing(school: DatastoreManager, tmp_path: Path) -> None:
    before = dump(school.database)
    found: list[tuple[object, ...]] = []
    report = TableReport(on_refusal=lambda *row: found.append(row))

    run(school, tmp_path, TableKind.ASSESSMENTS, marks(1, 2, "x", 4, 5, 6), report=report)

    assert counts(report) == (4, 0, 0, 2)
    assert [row[:3] for row in found] == [(4, 5, "score"), (7, 2, "student_id")]
    assert report.examples[0].startswith("line 4, column 5: score: ")
    assert dump(school.database) == before


def test_a_dry_run_stores_nothing(school: DatastoreManager, tmp_path: Path) -> None:
    before = dump(school.database)

    report = run(school, tmp_path, TableKind.ASSESSMENTS, marks(1, 2, 3), is_dry=True)

    assert counts(report) == (3, 0, 0, 0)
    assert dump(school.database) == before


def test_changes_need_the_option(school: DatastoreManager, tmp_path: Path) -> None:
    run(school, tmp_path, TableKind.ASSESSMENTS, marks(1, 2, 3))
    before = dump(school.database)
    refused = run(school, tmp_path, TableKind.ASSESSMENTS, marks(1, 2, 4))
    unchanged = dump(school.database)
    updated = run(school, tmp_path, TableKind.ASSESSMENTS, marks(1, 2, 4), on_conflict=UPDATE)

    assert (counts(refused), unchanged) == ((0, 0, 2, 1), before)
    assert counts(updated) == (0, 1, 2, 0)
    assert school.performance.get("s003").mean_percentage == 4


TABLES = {
    TableKind.STUDENTS: "id;name\nn1;Änne\nn2;Grace\nn3;Alan\n",
    TableKind.PEOPLE: "id;name\nn1;Änne\nn2;Grace\nn3;Alan\n",
    TableKind.CLASSES: "id;title\nn1;Änne\nn2;Art\nn3;Math\n",
    TableKind.ENROLMENTS: "student_id;class_id\ns001;5a\ns002;5a\ns003;5a\n",
}


@pytest.mark.parametrize("kind", TABLES)
@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "cp1252"])
def test_every_kind_and_encoding_is_read(
    school: DatastoreManager, tmp_path: Path, kind: TableKind, codec: str
) -> None:
    report = run(school, tmp_path, kind, TABLES[kind], codec=codec)

    assert counts(report) == (3, 0, 0, 0)
    if kind is TableKind.STUDENTS:
        assert school.students.get("n1").name == "Änne"


def test_rows_need_ids(school: DatastoreManager, tmp_path: Path) -> None:
    with pytest.raises(InvalidRequest, match="--map id:COLUMN"):
        run(school, tmp_path, TableKind.STUDENTS, "name\nAda\n")

    report = run(school, tmp_path, TableKind.STUDENTS, "id,name\nn1,Ada\n,Grace\n")
    assert (counts(report), report.examples) == ((1, 0, 0, 1), ["line 3: body: has no id"])


@pytest.mark.parametrize(
    ("table", "failure"),
    [
        ("id,name\n", "no rows"),
        ("id,nickname\nn1,Ada\n", "column 2"),
        ("id,name\nn1,Ada\nn2,Grace\nn3,Alan\n" + 'n4,"Edsger\n', "line 5, column 2"),
    ],
)
def test_a_table_that_cannot_be_read_stores_nothing(
    school: DatastoreManager, tmp_path: Path, table: str, failure: str
) -> None:
    before = dump(school.database)

    with pytest.raises(InvalidRequest) as refusal:
        run(school, tmp_path, TableKind.STUDENTS, table)

    assert failure in refusal.value.detail
    assert dump(school.database) == before


def test_a_file_of_another_encoding_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "table.csv"
    file.write_bytes(b"id,name\nn1,\x81\n")

    with pytest.raises(CommandFailure, match="line 2"):
        TableFile(file)
    with pytest.raises(CommandFailure, match="cannot be read"):
        TableFile(tmp_path / "none.csv")
