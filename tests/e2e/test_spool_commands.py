"""`veritas spool` beside services without a database."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from shared_db.connection.database import Database
from shared_db.spool.queue import Spool
from staffstuddash_service.datastore import DatastoreManager, StudentToStore
from staffstuddash_service.datastore.students import STUDENT
from staffstuddash_service.models import Base
from staffstuddash_service.settings import Settings
from tests.support.factories import NOON
from veritas_cli.main import app
from veritas_cli.processes.ports import free_port

Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command on the spools of a machine, represented by a folder."""

    def run_on(machine: str, *arguments: str) -> Result:
        monkeypatch.setenv("SPOOL_PATH", str(tmp_path / machine))
        return CliRunner().invoke(app, ["spool", *arguments])

    return run_on


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    """Return the spool of staffstuddash on machine `a`: two students wait, one was refused."""
    spool = Spool.of_service(tmp_path / "a", "staffstuddash")
    url = f"postgresql://ada:secret@127.0.0.1:{free_port()}/school"
    database = Database.from_settings("test", Base.metadata, Settings(database_url=url))
    manager = DatastoreManager(database)
    manager.spool.attach(spool)
    for id_ in ("s1", "s2", "s3"):
        name = f"Pupil\u2028{id_}\u0085"  # some programs end a line there
        assert manager.add_student(id_, name, f"{id_}@school.example").is_pending
    spool.reject([(spool.pending(1)[0], "There is no such student")])
    database.close()
    return spool


@pytest.mark.usefixtures("spool")
def test_status_shows_waiting_and_refused_rows_without_content(run: Run) -> None:
    result = run("a", "status")

    assert result.exit_code == 1
    assert "staffstuddash" in result.output
    assert "student s1, tried 1 times: There is no such student" in result.output
    assert "Pupil" not in result.output
    assert run("nowhere", "status").exit_code == 0


def test_refused_rows_are_retried_or_discarded(run: Run, spool: Spool) -> None:
    retried = run("a", "retry")
    assert "1 rows" in retried.output
    assert spool.state().refused == 0
    spool.reject([(spool.pending(1)[0], "no")])

    assert run("a", "discard", "s1", "s2", "--yes").exit_code == 0
    assert [entry.id for entry in spool.all_entries()] == ["s2", "s3"]


def test_a_row_is_named_by_its_id_or_its_kind_and_id(run: Run, spool: Spool) -> None:
    other = Spool.of_service(spool.path.parent, "dropout")
    other.append([replace(spool.pending(1)[0], kind="assessment", id="s1")])
    other.reject([(other.pending(1)[0], "no")])

    assert run("a", "discard", "student:s1", "assessment:s2", "--yes").exit_code == 0
    assert [entry.id for entry in spool.all_entries()] == ["s2", "s3"]
    assert "1 rows are tried again" in run("a", "retry", "assessment:s1").output
    other.close()


@pytest.mark.parametrize("named", ["zo\u00eb", "zoe\u0308", "student:zo\u00eb"], ids=ascii)
def test_a_row_is_named_in_either_unicode_form(run: Run, tmp_path: Path, named: str) -> None:
    spool = Spool.of_service(tmp_path / "a", "staffstuddash")
    spool.append([STUDENT.entry(StudentToStore("Zoe", id="zoe\u0308", accepted_at=NOON))])
    spool.reject([(spool.pending(1)[0], "There is no such student")])

    retried = run("a", "retry", named)

    assert retried.output.startswith("1 rows")
    assert spool.pending(1)[0].id == "zoe\u0308"
    spool.close()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes files for others")
def test_the_service_can_read_a_spool_imported_by_root(
    run: Run, spool: Spool, tmp_path: Path
) -> None:
    folder = tmp_path / "b"
    folder.mkdir()
    os.chown(folder, 1234, 1234)

    assert run("b", "import", str(spool.path)).exit_code == 0
    assert {file.stat().st_uid for file in folder.iterdir()} == {1234}


def test_waiting_rows_move_to_another_machine(run: Run, spool: Spool, tmp_path: Path) -> None:
    target = tmp_path / "carried.jsonl"
    exported = run("a", "export", str(target))
    over_it = run("a", "export", str(target))
    first = run("b", "import", str(target))
    again = run("b", "import", str(target))
    whole = run("c", "import", str(spool.path))
    carried = Spool.of_service(tmp_path / "b", "staffstuddash").all_entries()

    assert exported.exit_code == 0
    assert over_it.exit_code == 1
    assert target.stat().st_mode & 0o077 == 0
    lines = target.read_text(encoding="utf-8").strip().split("\n")
    assert [json.loads(line)["id"] for line in lines] == ["s1", "s2", "s3"]
    assert "3 rows wait to be stored, 0 were here" in first.output
    assert "0 rows wait to be stored, 3 were here" in again.output
    assert "3 rows wait" in whole.output
    assert [(e.id, e.digest, e.accepted_at, e.subject, e.problem) for e in carried] == [
        (e.id, e.digest, e.accepted_at, e.subject, None) for e in spool.all_entries()
    ]


@pytest.mark.parametrize(
    "line",
    ["no json", "{}", '{"service": "x", "kind": "y", "accepted_at": "2026-01-01", "addition": {}}'],
)
def test_a_file_that_is_no_export_is_refused_in_one_line(
    run: Run, tmp_path: Path, line: str
) -> None:
    file = tmp_path / "other.txt"
    file.write_text(line)
    result = run("a", "import", str(file))

    assert (result.exit_code, result.output.count("\n")) == (1, 1)


def test_a_damaged_spool_is_named_and_the_others_are_shown(run: Run, spool: Spool) -> None:
    other = Spool.of_service(spool.path.parent, "dropout")
    other.append([replace(spool.pending(1)[0], kind="assessment", id="a1", problem=None)])
    other.close()
    spool.close()
    with spool.path.open("r+b") as header:
        header.write(b"\xff" * 100)

    in_place = run("a", "status")
    spool.open()
    aside = run("a", "status")
    file = str(spool.damaged_files()[0])
    salvaged = run("a", "salvage", file)
    after = run("a", "status")

    assert (in_place.exit_code, aside.exit_code, salvaged.exit_code, after.exit_code) == (
        1,
        1,
        0,
        0,
    )
    assert "damaged" in in_place.output
    assert "dropout" in in_place.output
    assert f"veritas spool salvage {file}" in aside.output
    assert "3 rows wait to be stored, 0 were here, 0 could not be read" in salvaged.output
    assert [entry.id for entry in spool.all_entries()] == ["s1", "s2", "s3"]
    assert spool.damaged_files() == []


def test_only_a_spool_set_aside_is_salvaged(run: Run, spool: Spool, tmp_path: Path) -> None:
    in_use = run("a", "salvage", str(spool.path))
    nowhere = run("a", "salvage", str(tmp_path / "staffstuddash-spool.db.damaged-1"))

    assert (in_use.exit_code, nowhere.exit_code) == (1, 1)
    assert "in use under its own name" in in_use.output
    assert nowhere.output.count("\n") == 1
