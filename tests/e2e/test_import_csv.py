"""`veritas import csv`: the account of a file, its options, and the exit status."""

import csv
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from staffstuddash_service.datastore import DatastoreManager
from tests.e2e.test_import import managers
from veritas_cli.main import app


@pytest.fixture
def datastore(monkeypatch: pytest.MonkeyPatch, private_url: str) -> DatastoreManager:
    """Give the datastore of the test's own database, which the command uses."""
    monkeypatch.setenv("DATABASE_URL", private_url)
    monkeypatch.setenv("COLUMNS", "200")
    return managers(private_url)[1]


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["import", "csv", *map(str, arguments)])


def test_a_file_is_imported_with_a_map(datastore: DatastoreManager, tmp_path: Path) -> None:
    file = tmp_path / "students.csv"
    file.write_text("Student No;First;Last;Grade\ns1;Ada;King;5\ns2;Grace;Hopper;5\n")
    options = ("students", file, "--map", "id:Student No,name:First+Last")

    dry = run(*options, "--dry-run")
    assert [student.id for student in datastore.students.search()] == []
    first, again = run(*options), run(*options)

    assert [result.exit_code for result in (dry, first, again)] == [0, 0, 0]
    assert "it was a dry run" in dry.output
    assert "2 rows read: 2 stored, 0 changed, 0 already there, 0 refused." in first.output
    assert "2 rows read: 0 stored, 0 changed, 2 already there, 0 refused." in again.output
    assert [student.name for student in datastore.students.search()] == ["Ada King", "Grace Hopper"]


def test_refused_rows_are_named_and_the_status_is_1(
    datastore: DatastoreManager, tmp_path: Path
) -> None:
    datastore.students.add("s1", "Ada")
    file, refused = tmp_path / "students.csv", tmp_path / "refused.csv"
    file.write_text("id,name,email\ns1,Ada King,\ns2,Grace,nobody\ns3,Alan,\n")

    result = run("students", file, "--refused", refused)

    assert result.exit_code == 1
    assert "students.csv, line 2, column 1: id: is stored with other content" in result.output
    assert "line 3, column 3: email: " in result.output
    assert "Nothing was stored" in result.output
    assert [student.id for student in datastore.students.search()] == ["s1"]
    with refused.open(newline="") as rows:
        assert [row[:3] for row in csv.reader(rows)][1:] == [["2", "1", "id"], ["3", "3", "email"]]

    file.write_text("id,name\ns1,Ada King\ns3,Alan\n")
    updated = run("students", file, "--on-conflict", "update")
    assert (updated.exit_code, datastore.students.get("s1").name) == (0, "Ada King")
    assert "1 stored, 1 changed" in updated.output
    [action] = datastore.actions.search_by_student("s1")
    assert (action.action, action.actor) == ("student.changed", "veritas import csv")


def test_a_wrong_file_or_map_is_one_line(datastore: DatastoreManager, tmp_path: Path) -> None:
    file = tmp_path / "students.csv"
    file.write_text("No,Name\ns1,Ada\n")

    results = [
        run("students", tmp_path / "none.csv"),
        run("students", file, "--map", "nickname:Name"),
        run("students", file, "--map", "id:Number,name:Name"),
    ]

    assert [result.exit_code for result in results] == [1, 1, 1]
    assert "none.csv cannot be read" in results[0].output
    assert "nickname, which is none of" in results[1].output
    assert "there is no column Number" in results[2].output
    assert list(datastore.students.search()) == []
