"""State of background work: in /health, and in a table that monitoring reads."""

import sqlite3
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from sqlalchemy import MetaData, select, text
from starlette.testclient import TestClient

import dropout_service.main
import monitoring_service.main
import staffstuddash_service.main
from dropout_service.database import DropoutDatabaseManager
from dropout_service.models import Base as DropoutBase
from dropout_service.settings import Settings as DropoutSettings
from monitoring_service.database import MonitoringDatabase
from monitoring_service.models import Base as MonitoringBase
from monitoring_service.settings import Settings as MonitoringSettings
from shared_db.background_work.table import background_table
from shared_db.connection.database import Database
from shared_web.auth.keys import KeyManager, Scope
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.migrations import HISTORY
from staffstuddash_service.models import Base
from staffstuddash_service.settings import Settings
from tests.e2e.processes import wait_until
from tests.support.databases import LOOPBACK, OpenDatabase, become_owner, engine_on, role_of
from tests.support.factories import a_student
from tests.support.outage import server_to_lose, settled, spool_in, spooling

OFTEN: dict[str, Any] = {"environment": "development", "fallback": "off", "erasing_seconds": 0.05}
RENAME = "ALTER TABLE {}performance_records{} RENAME TO performance_records{}"
ROUTE = "/api/v1/monitoring/background-work"
WORKS = {
    ("dropout", "erasing"),
    ("dropout", "merging"),
    ("dropout", "statistics"),
    ("monitoring", "incidents"),
    ("monitoring", "months"),
    ("monitoring", "rollups"),
    ("monitoring", "snapshots"),
    ("staffstuddash", "erasing"),
    ("staffstuddash", "imports"),
    ("staffstuddash", "refreshing"),
    ("staffstuddash", "statistics"),
}

OWN = {("monitoring", name) for name in ("incidents", "months", "rollups", "snapshots")}


def client_of(app: FastAPI) -> TestClient:
    return TestClient(app, f"http://{LOOPBACK}", client=(LOOPBACK, 50000))


def staffstuddash(database: Database) -> FastAPI:
    settings = Settings(**OFTEN, records_refresh_seconds=0.05, imports_seconds=0.05)
    return staffstuddash_service.main.create_app(DatastoreManager(database), settings)


def dropout(database: Database) -> FastAPI:
    return dropout_service.main.create_app(
        DropoutDatabaseManager(database), DropoutSettings(**OFTEN)
    )


def monitoring(database: Database) -> FastAPI:
    values: dict[str, Any] = {"environment": "development", "fallback": "off"}
    settings = MonitoringSettings(
        **values,
        monitoring_snapshots=True,
        monitoring_months_seconds=9,
        monitoring_rollups_seconds=9,
        monitoring_incidents_seconds=1,
    )
    return monitoring_service.main.create_app(MonitoringDatabase(database), settings)


def check_of(client: TestClient, name: str) -> dict[str, Any]:
    checks: dict[str, Any] = client.get("/health").json()["checks"]
    [check] = checks[f"background:{name}"]
    return dict(check)


def becomes(client: TestClient, name: str, status: str) -> bool:
    """Wait until the work has run and has this status."""
    return wait_until(
        lambda: (check := check_of(client, name))["nextRun"] and check["status"] == status
    )


def move_records(database: Database, before: str = "", after: str = "") -> None:
    """Rename the table of performance records, or rename it back."""
    schema = "" if database.use_fallback else "staffstuddash."
    with database.unit_of_work() as session:
        become_owner(session)
        session.execute(text(RENAME.format(schema, before, after)))


def row_of(database: Database, name: str) -> Any:
    table = background_table(MetaData(schema="staffstuddash"))
    with database.reading() as session:
        return session.execute(select(table).where(table.c.name == name)).one_or_none()


def row_when(database: Database, name: str, *, fails: bool) -> Any:
    """Return the row of the work as soon as it has these values."""
    assert wait_until(
        lambda: (row := row_of(database, name)) is not None and (row.failures > 0) is fails
    )
    return row_of(database, name)


def test_work_that_fails_is_a_warning_until_it_succeeds(open_own_database: OpenDatabase) -> None:
    database = open_own_database(Base.metadata)
    with client_of(staffstuddash(database)) as client:
        assert becomes(client, "refreshing", "pass")
        passed = row_when(database, "refreshing", fails=False)
        move_records(database, after="_away")
        assert becomes(client, "refreshing", "warn")
        failing, other = check_of(client, "refreshing"), check_of(client, "erasing")
        overall = client.get("/health")
        failed = row_when(database, "refreshing", fails=True)
        move_records(database, before="_away")
        assert becomes(client, "refreshing", "pass")
        again = row_when(database, "refreshing", fails=False)

    error = "OperationalError" if database.use_fallback else "ProgrammingError"
    assert (overall.status_code, overall.json()["status"]) == (200, "warn")
    assert "performance_records" not in overall.text
    assert (failing["lastError"], other["status"]) == (error, "pass")
    assert failing["output"] == f"{failing['failures']} failed in a row: {error}"
    assert failing["observedValue"] >= 0
    assert failing["time"] is not None
    assert (passed.failures, passed.last_error, passed.period_seconds) == (0, None, 0.05)
    assert (failed.last_error, failed.last_success_at >= passed.last_success_at) == (error, True)
    assert again.last_success_at > failed.last_success_at
    assert (again.last_error, again.next_run_at > again.last_started_at) == (error, True)


@pytest.fixture
def services(private_url: str) -> dict[str, Database]:
    """Give the database of each service, in its role, on one server."""
    metadata = {
        "staffstuddash": Base.metadata,
        "dropout": DropoutBase.metadata,
        "monitoring": MonitoringBase.metadata,
    }
    engine = engine_on(private_url)
    return {
        name: Database.for_bind(engine, role=role_of(tables)) for name, tables in metadata.items()
    }


def works_in(answer: Any) -> set[tuple[str, str]]:
    return {(item["service"], item["name"]) for item in answer["items"]}


def test_monitoring_lists_the_work_of_all_services(services: dict[str, Database]) -> None:
    with client_of(monitoring(services["monitoring"])) as client, ExitStack() as others:
        silent = client.get(ROUTE).json()["missing_because"]
        others.enter_context(client_of(staffstuddash(services["staffstuddash"])))
        others.enter_context(client_of(dropout(services["dropout"])))
        assert wait_until(lambda: works_in(client.get(ROUTE).json()) == WORKS)
        listed = client.get(ROUTE).json()
        move_records(services["staffstuddash"], after="_away")
        assert wait_until(
            lambda: any(item["failures"] > 0 for item in client.get(ROUTE).json()["items"])
        )
        failing = client.get(ROUTE).json()["items"]

    assert silent["staffstuddash"] == silent["dropout"] == "has reported nothing yet"
    assert listed["missing_because"] == {}
    assert {item["status"] for item in listed["items"]} == {"pass"}
    assert all(item["age_seconds"] >= 0 for item in listed["items"])
    assert [item["name"] for item in failing if item["status"] == "warn"] == ["refreshing"]
    assert [item["last_error"] for item in failing if item["failures"]] == ["ProgrammingError"]


def test_a_service_that_was_not_migrated_is_named_and_the_others_are_listed(
    services: dict[str, Database], private_url: str
) -> None:
    with client_of(monitoring(services["monitoring"])) as client:
        assert wait_until(lambda: works_in(client.get(ROUTE).json()) == OWN)
        revisions = HISTORY.revisions()
        before = revisions[revisions.index("20261129_background_work") - 1]
        HISTORY.downgrade(engine_on(private_url), before)
        with services["dropout"].unit_of_work() as session:
            become_owner(session)
            session.execute(text("REVOKE ALL ON dropout.published_background_work FROM PUBLIC"))
            session.execute(
                text(f"REVOKE USAGE ON SCHEMA dropout FROM {role_of(MonitoringBase.metadata)}")
            )
        answer = client.get(ROUTE)

    assert answer.status_code == 200
    assert works_in(answer.json()) == OWN
    reason = "its view cannot be read: run `veritas migrate`"
    assert answer.json()["missing_because"] == {"dropout": reason, "staffstuddash": reason}


def test_in_memory_monitoring_lists_its_own_work_only() -> None:
    database = Database.in_memory(MonitoringBase.metadata)
    with client_of(monitoring(database)) as client:
        assert wait_until(lambda: works_in(client.get(ROUTE).json()) == OWN)
        answer = client.get(ROUTE).json()
    database.close()

    assert works_in(answer) == OWN
    reason = "not available without PostgreSQL"
    assert answer["missing_because"] == {"dropout": reason, "staffstuddash": reason}


def test_a_state_that_cannot_be_written_does_not_stop_the_work_and_is_logged_once(
    services: dict[str, Database], caplog: pytest.LogCaptureFixture
) -> None:
    database = services["staffstuddash"]
    with database.unit_of_work() as session:
        become_owner(session)
        session.execute(text("DROP TABLE staffstuddash.background_work CASCADE"))
    with client_of(staffstuddash(database)) as client:
        assert becomes(client, "refreshing", "pass")
        assert becomes(client, "erasing", "pass")
        status = client.get("/health").json()["status"]

    assert status == "pass"
    assert caplog.text.count("the state of background work cannot be stored") == 1


def test_a_spool_that_cannot_be_read_is_a_warning_and_logged_once(
    private_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    database = Database.for_bind(engine_on(private_url))
    key = KeyManager(database).add_key("test", [Scope.ADMIN])
    with spooling(private_url, key, tmp_path) as client:
        assert becomes(client, "replay", "pass")
        with closing(sqlite3.connect(spool_in(tmp_path).path)) as saboteur:
            saboteur.execute("DROP TABLE spool")
        assert wait_until(lambda: check_of(client, "replay")["failures"] > 2)
        health = client.get("/health").json()
        failed = row_when(database, "replay", fails=True)

    assert health["checks"]["background:replay"][0]["status"] == "warn"
    assert (health["status"], failed.last_error) == ("fail", "SpoolUnavailable")
    assert caplog.text.count("nothing can be replayed") == 1


def test_an_outage_is_logged_once_for_each_work_and_replay_logs_for_itself(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    often: dict[str, Any] = {"erasing_seconds": 0.05, "records_refresh_seconds": 0.05}
    with server_to_lose() as (server, key), spooling(server.url, key, tmp_path, **often) as client:
        assert becomes(client, "refreshing", "pass")
        assert becomes(client, "replay", "pass")
        assert client.get("/api/v1/students").status_code == 200  # the key is known from now on
        server.stop()
        assert client.post("/api/v1/students", json=a_student()).status_code == 201
        assert wait_until(lambda: check_of(client, "refreshing")["failures"] > 9)
        away = check_of(client, "refreshing")
        server.start()
        assert settled(client)
        assert becomes(client, "refreshing", "pass")
        assert wait_until(lambda: check_of(client, "replay")["rows"] == 1)
        database = Database.for_bind(engine_on(server.url))
        replayed = row_when(database, "replay", fails=False)

    logged = caplog.text + capsys.readouterr().out
    assert (away["status"], away["lastError"]) == ("warn", "DatabaseUnavailable")
    failures = [line for line in logged.splitlines() if "periodic work failed" in line]
    # The first failure may be a lost connection, the second an unavailable server.
    assert 0 < len([line for line in failures if "refreshing" in line]) <= 2
    assert "periodic work succeeds again" in logged
    assert logged.count("state of background work cannot be stored") == 0
    assert (replayed.failures, replayed.period_seconds) == (0, None)
    assert replayed.last_success_at is not None
