"""Erasures after a restore: real backups, and a search of a whole dump for traces of a student."""

import re
import stat
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from dropout_service.database import DropoutDatabaseManager
from shared_db.clock import utc_now
from shared_db.connection.database import Database
from shared_db.pseudonyms import pseudonym_of
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.errors import StudentErased
from tests.support.databases import engine_on
from tests.support.oulad_fixtures.imported import Run
from veritas_cli.dump.client_tools import fitting_program, libpq_environment
from veritas_cli.migrations import SCHEMAS
from veritas_cli.postgres.binaries import major_of

MARKS = ("xanthippe", "Xanthippe", "former-x")


def managers(url: str) -> tuple[DatastoreManager, DropoutDatabaseManager]:
    database = Database.for_bind(engine_on(url))
    return DatastoreManager(database), DropoutDatabaseManager(database)


def pg_dump(url: str) -> str:
    """Return the rows of all schemas as the program of PostgreSQL writes them."""
    engine = engine_on(url)
    with engine.connect() as connection:
        server = str(connection.scalar(text("SHOW server_version")))
    program = fitting_program("pg_dump", major_of(server)).path("pg_dump")
    done = subprocess.run(
        [str(program), "--inserts"],
        env=dict(libpq_environment(engine.url)),
        check=True,
        capture_output=True,
        text=True,
    )
    assert all(f"CREATE SCHEMA {schema}" in done.stdout for schema in SCHEMAS)
    return done.stdout


def tables_with(url: str, mark: str) -> set[str]:
    """Return the tables with a row that contains the mark, in a dump of all schemas."""
    found = re.findall(r"^INSERT INTO (\S+) VALUES .*" + mark, pg_dump(url), re.MULTILINE)
    return set(found)


def fill(url: str) -> None:
    datastore, dropout = managers(url)
    for id_, name in (("xanthippe", "Xanthippe"), ("former-x", "Xanthippe"), ("ada", "Ada")):
        datastore.add_student(id_, name, f"{id_}@school.example")
        datastore.add_draft(id_, "essay", f"I am {name}.")
        datastore.add_assessment(id_, "quiz", "Math", 50)
        datastore.actions.add(id_, "teacher", "call", data={"about": name})
        dropout.events.add(None, id_, f"question of {id_}", "QUESTION_SUBMIT")
    datastore.merging.merge("former-x", "xanthippe", actor="office")
    datastore.holds.put("xanthippe", "a claim of Xanthippe", actor="office")


def test_a_merge_leaves_the_former_id_in_aliases_alone(private_url: str) -> None:
    fill(private_url)
    managers(private_url)[1].merging.merge("former-x", "xanthippe")

    aliases = {"staffstuddash.aliases", "dropout.aliases"}
    assert tables_with(private_url, "'former-x'") == aliases
    assert tables_with(private_url, "former-x@school") == set()


@pytest.fixture
def backup(private_url: str, tmp_path: Path, run: Run) -> Path:
    """Give the backup of a school with a held student, of whom the hold is lifted afterwards."""
    fill(private_url)
    file = tmp_path / "backups" / "school.veritas"
    file.parent.mkdir()
    made = run(private_url, "backup", file)
    assert made.exit_code == 0, made.output
    managers(private_url)[0].holds.lift("xanthippe", actor="office")
    return file


def erase(run: Run, url: str) -> None:
    done = run(url, "erase", "xanthippe", "--yes")
    assert done.exit_code == 0, done.output


def require_erased(url: str, restored: str) -> None:
    dump = pg_dump(url)
    assert [mark for mark in MARKS if mark in dump] == []
    assert "Ada" in dump
    assert "erased again" in restored
    datastore, dropout = managers(url)
    for id_ in ("xanthippe", "former-x"):
        with pytest.raises(StudentErased):
            datastore.add_student(id_, "Xanthippe")
        assert dropout.students.erased_among([id_]) == {id_}
    assert datastore.get_student("ada").name == "Ada"
    assert len(dropout.events.search("ada").items) == 1


def test_a_held_student_is_not_erased_by_the_command(
    private_url: str, backup: Path, run: Run
) -> None:
    datastore, dropout = managers(private_url)
    datastore.holds.put("xanthippe", "a claim", actor="office")

    refused = run(private_url, "erase", "former-x", "--yes")

    assert refused.exit_code == 1
    assert "/students/xanthippe/hold" in refused.output
    assert datastore.get_student("xanthippe").id == "xanthippe"
    assert len(dropout.events.search("xanthippe").items) == 1
    assert backup.exists()


def test_the_log_alone_erases_again_in_a_new_database(
    private_url: str,
    empty_url: str,
    backup: Path,
    tmp_path: Path,
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    log = tmp_path / "log" / "erasures.log"
    log.parent.mkdir()
    monkeypatch.setenv("ERASURE_LOG", str(log))
    erase(run, private_url)
    monkeypatch.delenv("ERASURE_LOG")

    content = log.read_text()
    assert stat.S_IMODE(log.stat().st_mode) == 0o600
    assert pseudonym_of("xanthippe") in content
    assert pseudonym_of("former-x") in content
    assert not any(mark in content for mark in MARKS)
    restored = run(empty_url, "restore", backup, "--erasures", log)

    assert restored.exit_code == 0, restored.output
    require_erased(empty_url, restored.output)
    again = run(empty_url, "retention")
    assert again.exit_code == 0, again.output
    assert again.output.endswith("0 rows were deleted by age.\n")


def test_a_replaced_database_knows_its_erasures(private_url: str, backup: Path, run: Run) -> None:
    erase(run, private_url)

    restored = run(private_url, "restore", backup, "--replace")

    assert restored.exit_code == 0, restored.output
    require_erased(private_url, restored.output)


def test_a_later_backup_leaves_the_log_for_an_earlier_one(
    private_url: str, empty_url: str, backup: Path, run: Run
) -> None:
    erase(run, private_url)
    later = backup.parent / "later.veritas"
    assert run(private_url, "backup", later).exit_code == 0

    restored = run(empty_url, "restore", backup)

    assert restored.exit_code == 0, restored.output
    require_erased(empty_url, restored.output)


def test_a_damaged_log_stops_a_restore_before_anything_changes(
    empty_url: str, backup: Path, run: Run
) -> None:
    log = backup.parent / "erasures.log"
    log.write_text("2026-11-29T12:00:00+00:00 xanthippe\n")

    refused = run(empty_url, "restore", backup)

    assert refused.exit_code == 1
    assert "erasures.log, line 1" in refused.output
    assert "xanthippe" not in refused.output
    with engine_on(empty_url).connect() as connection:
        assert connection.scalar(text("SELECT to_regclass('staffstuddash.students')")) is None


def test_retention_counts_and_deletes_in_all_services(
    private_url: str, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    datastore, dropout = managers(private_url)
    old = utc_now() - timedelta(days=40)
    for id_ in ("ada", "bob"):
        datastore.add_student(id_, id_)
        datastore.add_assessment(id_, "quiz", "Math", 50, topic=f"trace-{id_}", timestamp=old)
        dropout.events.add(None, id_, f"trace-{id_}", "QUESTION_SUBMIT", occurred_at=old)
    datastore.merging.merge("bob", "carl", actor="office")  # dropout has not followed yet
    datastore.holds.put("carl", "a claim", actor="office")
    monkeypatch.setenv("RETENTION_MARKS_DAYS", "30")
    monkeypatch.setenv("RETENTION_EVENTS_DAYS", "30")

    dry = run(private_url, "retention", "--dry-run")
    done = run(private_url, "retention")
    again = run(private_url, "retention", "--dry-run")

    def counts(output: str) -> dict[str, list[str]]:
        rows = [line.split() for line in output.splitlines()]
        return {row[0]: row[2:] for row in rows if row[2] == "30"}

    assert dry.exit_code == done.exit_code == 0, dry.output + done.output
    oldest = old.date().isoformat()
    assert counts(dry.output)["staffstuddash.assessment_logs"] == ["30", "1", "1", oldest]
    assert counts(dry.output)["dropout.learning_events"] == ["30", "1", "1", oldest]
    deleted = dict(line.split()[:2] for line in done.output.splitlines()[:-1])
    assert deleted == {
        "staffstuddash.assessment_logs": "1",
        "dropout.daily_activity": "1",
        "dropout.learning_events": "1",
    }
    assert {row[1] for row in counts(again.output).values()} == {"0"}
    assert tables_with(private_url, "trace-ada") == set()
    assert "staffstuddash.assessment_logs" in tables_with(private_url, "trace-bob")
