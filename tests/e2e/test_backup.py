"""`veritas backup` and `restore` with the real pg_dump and pg_restore."""

import json
import stat
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from zipfile import ZipFile

import pytest
from sqlalchemy import make_url, text

from dropout_service.database import DropoutDatabaseManager
from monitoring_service.database import MonitoringDatabase
from shared_db.clock import utc_now
from shared_db.connection.database import Database
from staffstuddash_service.datastore import DatastoreManager
from tests.support.databases import engine_on
from tests.support.oulad_fixtures.imported import Run
from tests.support.server import admin_url, create_database, drop_database, new_name
from veritas_cli.commands.backup import count_rows
from veritas_cli.dump.client_tools import fitting_program, libpq_environment
from veritas_cli.migrations import HISTORIES
from veritas_cli.postgres.binaries import major_of

CONTENT = "SELECT count(*), md5(string_agg(t::text, chr(10) ORDER BY t::text)) FROM {} t"


def fill(url: str) -> None:
    database = Database.for_bind(engine_on(url))
    datastore = DatastoreManager(database)
    for number in range(20):
        datastore.add_student(f"s{number}", f'Ada\'s \\ "{number}" ä\n;--')
        datastore.add_assessment(f"s{number}", "exam", "Math", number)
    events = DropoutDatabaseManager(database)
    for days in (40, 20, 1):
        moment = utc_now() - timedelta(days=days)
        answer = {"correct": True, "a": ["\\", "ä"]}
        events.add_learning_event(
            None, "s1", "q1", "QUESTION_SUBMIT", data=answer, occurred_at=moment
        )
        datastore.add_assessment("s1", "quiz", "Art", 50, timestamp=moment)
    datastore.add_assessment("s1", "quiz", "Art", None, excused=True)
    events.predictions.predict("s1")
    for marks in (datastore.assessments, events.assessments):
        marks.add("s2", "quiz", "Art", 120, extra_credit=True, assessment_id="more")
        marks.update("more", {"score": 110.0}, actor="office", reason="Ada's \\ mistake")
        marks.delete("more", actor="office", reason="sent twice")
    MonitoringDatabase(database).add_log("a", "b", data={"response_time": 9999})


def contents(url: str) -> dict[str, tuple[object, ...]]:
    with engine_on(url).connect() as connection:
        return {
            table: tuple(connection.execute(text(CONTENT.format(table))).one())
            for table in count_rows(connection)
        }


@pytest.fixture(scope="module")
def filled_url(template_name: str) -> Iterator[str]:
    """Yield the URL of a database with rows in every service's tables; no test changes them."""
    name = new_name()
    url = create_database(admin_url(), name, template=template_name)
    fill(url)
    yield url
    drop_database(admin_url(), name)


@pytest.fixture(scope="module")
def archive_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of the backup that all tests read."""
    return tmp_path_factory.mktemp("backup")


@pytest.fixture
def archive(filled_url: str, archive_folder: Path, run: Run) -> Path:
    """Return a backup of the filled database, which the first test makes."""
    file = archive_folder / "school.veritas"
    if not file.exists():
        result = run(filled_url, "backup", file)
        assert result.exit_code == 0, result.output
    return file


@pytest.fixture
def own_url(filled_url: str) -> Iterator[str]:
    """Yield the URL of the test's own copy of the filled database."""
    name = new_name()
    yield create_database(admin_url(), name, template=make_url(filled_url).database)
    drop_database(admin_url(), name)


def test_restore_brings_every_table_back(
    filled_url: str, empty_url: str, archive: Path, run: Run
) -> None:
    restored = run(empty_url, "restore", archive)

    assert restored.exit_code == 0, restored.output
    assert contents(empty_url) == contents(filled_url)
    assert sum(int(str(count)) for count, _ in contents(empty_url).values()) > 60
    assert run(empty_url, "check").exit_code == 0


def test_the_manifest_has_rows_and_revisions(archive: Path) -> None:
    with ZipFile(archive) as opened:
        manifest = json.loads(opened.read("manifest.json"))

    assert manifest["rows"]["staffstuddash.students"] == 20
    assert set(manifest["revisions"]) == {history.schema for history in HISTORIES}
    assert all(manifest["revisions"].values())


def test_a_backup_is_for_its_owner_only_and_never_overwritten(
    archive: Path, filled_url: str, run: Run
) -> None:
    before = archive.read_bytes()
    again = run(filled_url, "backup", archive)

    assert stat.S_IMODE(archive.stat().st_mode) == 0o600
    assert again.exit_code == 1
    assert "exists already" in again.output
    assert archive.read_bytes() == before


def test_restore_refuses_a_database_with_rows_without_replace(
    own_url: str, archive: Path, run: Run
) -> None:
    before = contents(own_url)
    DatastoreManager(Database.for_bind(engine_on(own_url))).add_student("later", "Later")

    refused = run(own_url, "restore", archive)
    assert refused.exit_code == 1
    assert "--replace" in refused.output
    assert contents(own_url) != before

    assert run(own_url, "restore", archive, "--replace").exit_code == 0
    assert contents(own_url) == before


@pytest.mark.parametrize("damage", ["cut off", "altered", "no zip", "missing"])
def test_a_damaged_file_changes_nothing(
    filled_url: str, archive: Path, run: Run, damage: str, tmp_path: Path
) -> None:
    before = contents(filled_url)
    whole = archive.read_bytes()
    middle = len(whole) // 2
    damaged = tmp_path / "damaged.veritas"
    if damage != "missing":
        damaged.write_bytes(
            {
                "cut off": whole[:middle],
                "altered": whole[:middle] + bytes([whole[middle] ^ 1]) + whole[middle + 1 :],
                "no zip": b"PGDMP",
            }[damage]
        )

    result = run(filled_url, "restore", damaged, "--replace")

    assert result.exit_code == 1
    assert result.output.count("\n") == 1
    assert damaged.name in result.output
    assert contents(filled_url) == before


def test_a_failed_restore_keeps_the_old_tables(
    filled_url: str, archive: Path, run: Run, tmp_path: Path
) -> None:
    # The manifest has a row more than the dump, which is found only at the end.
    wrong = tmp_path / "wrong.veritas"
    with ZipFile(archive) as source, ZipFile(wrong, "w") as target:
        manifest = json.loads(source.read("manifest.json"))
        manifest["rows"]["staffstuddash.students"] += 1
        target.writestr("database.dump", source.read("database.dump"))
        target.writestr("manifest.json", json.dumps(manifest))
    before = contents(filled_url)

    result = run(filled_url, "restore", wrong, "--replace")

    assert result.exit_code == 1
    assert "staffstuddash.students" in result.output
    assert contents(filled_url) == before


def test_a_failed_backup_leaves_no_file(tmp_path: Path, empty_url: str, run: Run) -> None:
    file = tmp_path / "no such folder" / "school.veritas"

    result = run(empty_url, "backup", file)

    assert result.exit_code == 1
    assert "cannot be written" in result.output
    assert list(tmp_path.iterdir()) == []


def test_no_command_line_has_the_password(
    filled_url: str, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with engine_on(filled_url).connect() as connection:
        server = connection.scalar(text("SHOW server_version")) or ""
    real = fitting_program("pg_dump", major_of(server)).path("pg_dump")
    folder = tmp_path / "bin"
    folder.mkdir()
    seen = tmp_path / "arguments"
    wrapper = folder / "pg_dump"
    wrapper.write_text(f'#!/bin/sh\necho "$@" >> {seen}\nexec {real} "$@"\n')
    wrapper.chmod(0o755)
    # This folder is searched first, and of equal versions the first one is used.
    monkeypatch.setenv("POSTGRES_BIN", str(folder))
    url = make_url(filled_url)
    url = url if url.password else url.set(password="hunter2")  # noqa: S106 - an example

    result = run(url.render_as_string(hide_password=False), "backup", tmp_path / "file")

    assert result.exit_code == 0, result.output
    assert "--snapshot" in seen.read_text()
    assert str(url.password) not in seen.read_text()
    assert libpq_environment(url)["PGPASSWORD"] == url.password


def test_a_missing_program_is_named() -> None:
    with pytest.raises(Exception, match=r"pg_dump of PostgreSQL 99 or newer; installed: \d"):
        fitting_program("pg_dump", 99)
