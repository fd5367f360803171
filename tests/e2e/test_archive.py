"""`veritas archive` as its user runs it: months to files and back, with awkward values."""

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete
from typer.testing import Result

from monitoring_service.database import EventToStore, MonitoringDatabase
from monitoring_service.database.event_keys import event_key
from monitoring_service.database.months import first_of_month
from monitoring_service.models import EventKey, MonitoringLog, MonitoringResult
from shared_db.clock import utc_now
from shared_db.connection.database import Database
from tests.support.databases import engine_on
from tests.support.oulad_fixtures.imported import Run

pytest.importorskip("duckdb")

Archive = Callable[..., Result]
AWKWARD = 'a "quoted", \\N and\nnew\r\nlines\t; \u00e9 \U0001f600 \u2028'


@pytest.fixture
def monitoring(private_url: str) -> Iterator[MonitoringDatabase]:
    """Give a manager; events of two closed months and of now are stored, and one that came late."""
    manager = MonitoringDatabase(Database.for_bind(engine_on(private_url)))
    months = closed_months()
    for month in months:
        manager.months.prepare(month.date())
    values = {"error_rate": 0.9, "text": AWKWARD, "empty": "", "number": 1e-7}
    events = [
        EventToStore("web", "request", message="", timestamp=months[0], event_id="first"),
        EventToStore(
            "w,eb", "request", "c", AWKWARD, values, {"a": [None]}, months[0] + HOUR, "awkward"
        ),
        EventToStore("mail", "sent", timestamp=months[1] + HOUR, event_id="second"),
        EventToStore("mail", "sent", timestamp=months[0] - timedelta(days=400), event_id="late"),
        EventToStore("web", "request", event_id="now"),
    ]
    assert {result.outcome for result in manager.events.add_many(events)} == {"stored"}
    yield manager
    manager.database.close()


HOUR = timedelta(hours=1)


def closed_months() -> list[datetime]:
    """Return the beginnings of the months before the last one and the last one but two."""
    today = utc_now().date()
    found = []
    for back in (5, 3):
        day = first_of_month(today)
        for _ in range(back):
            day = first_of_month(day - timedelta(days=1))
        found.append(datetime(day.year, day.month, day.day, tzinfo=UTC))
    return found


@pytest.fixture
def archive(run: Run, private_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Archive:
    """Give a function that runs the command."""
    monkeypatch.setenv("ARCHIVE_PATH", str(tmp_path / "archives"))

    def run_archive(*arguments: str) -> Result:
        return run(private_url, "archive", *arguments)

    return run_archive


def stored(manager: MonitoringDatabase) -> dict[str, tuple[object, ...]]:
    logs, _ = manager.get_logs()
    return {
        log.id: (
            log.source, log.component, log.message, log.data, log.context, log.timestamp,
            log.created_at, log.status, log.severity,
            None if log.result is None else (log.result.reasoning, log.result.failed_rules),
        )
        for log in logs
    }  # fmt: skip


def test_months_go_to_files_and_come_back_as_they_were(
    monitoring: MonitoringDatabase, archive: Archive, tmp_path: Path
) -> None:
    before, statistics = stored(monitoring), monitoring.get_statistics()
    names = [f"{month:%Y-%m}" for month in closed_months()]

    looked = archive("--keep-months", "1", "--dry-run")
    assert (looked.exit_code, stored(monitoring)) == (0, before)
    assert all(name in looked.output for name in names)

    kept = archive("--keep-months", "3", "--dry-run").output
    assert (names[0] in kept, names[1] in kept) == (True, False)
    assert names[1] in archive("--keep-months", "2", "--dry-run").output

    moved = archive("--keep-months", "1")
    assert moved.exit_code == 0, moved.output
    assert set(stored(monitoring)) == {"now"}
    assert monitoring.get_statistics()["total_logs"] == 1
    manifest = json.loads((tmp_path / f"archives/logs-{names[0]}.json").read_text())
    assert (manifest["rows"], manifest["name"]) == (3, names[0])
    assert [file.name for file in (tmp_path / "archives").iterdir() if "partial" in file.name] == []

    asked = archive("query", "SELECT id, message FROM logs WHERE source = 'w,eb'")
    assert (asked.exit_code, "awkward" in asked.output, "new" in asked.output) == (0, True, True)
    assert archive("query", "SELECT * FROM read_text('/etc/hostname')").exit_code == 1
    assert names[1] in archive("list").output

    for name in names:
        assert archive("restore", name).exit_code == 0
    assert "0 of 1 events" in archive("restore", names[1]).output
    assert stored(monitoring) == before
    assert monitoring.get_statistics() == statistics
    # Archived again, as after an interruption between the file and the drop.
    assert archive("--keep-months", "1").exit_code == 0
    assert set(stored(monitoring)) == {"now"}


def test_an_interrupted_restore_loses_nothing_with_the_next_archive(
    monitoring: MonitoringDatabase, archive: Archive
) -> None:
    before = stored(monitoring)
    name = f"{closed_months()[0]:%Y-%m}"
    archive("--keep-months", "1")
    archive("restore", name)
    # As if the restore had ended after one of the three events.
    with monitoring.database.unit_of_work() as session:
        for id_ in ("awkward", "late"):
            session.execute(delete(MonitoringLog).where(MonitoringLog.id == id_))
            session.execute(delete(MonitoringResult).where(MonitoringResult.event_id == id_))
            session.execute(delete(EventKey).where(EventKey.id == event_key(id_)))

    assert archive("--keep-months", "1").exit_code == 0
    assert "late" not in stored(monitoring)
    assert "3 of 3 events" in archive("restore", name).output
    assert stored(monitoring) == {id_: before[id_] for id_ in ("first", "awkward", "late", "now")}


def test_a_damaged_archive_is_not_restored(
    monitoring: MonitoringDatabase, archive: Archive, tmp_path: Path
) -> None:
    archive("--keep-months", "1")
    [name, _] = [f"{month:%Y-%m}" for month in closed_months()]
    file = tmp_path / f"archives/logs-{name}.parquet"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)

    refused = archive("restore", name)

    assert (refused.exit_code, "checksum" in refused.output) == (1, True)
    assert "There is no archive 1999-01" in archive("restore", "1999-01").output
    assert set(stored(monitoring)) == {"now"}


def test_old_archives_are_deleted(
    monitoring: MonitoringDatabase,
    archive: Archive,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    archive("--keep-months", "1")
    assert set(stored(monitoring)) == {"now"}
    monkeypatch.setenv("RETENTION_ARCHIVES_DAYS", str((utc_now() - closed_months()[1]).days - 10))

    deleted = archive()

    assert deleted.output.count("RETENTION_ARCHIVES_DAYS") == 2
    assert list((tmp_path / "archives").iterdir()) == []
