"""Overload is not an outage: a slow server refuses inserts, and they are never spooled."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text
from starlette.testclient import TestClient

from shared_db.connection.database import Database
from shared_web.auth.keys import KeyManager, Scope
from tests.e2e.processes import wait_until
from tests.support.databases import engine_on
from tests.support.factories import a_learning_event, a_student
from tests.support.outage import spool_in, spooling

API = "/api/v1"
LOCKS = {
    "staffstuddash": "LOCK TABLE staffstuddash.students",
    "dropout": "LOCK TABLE dropout.students",
}
THREADS = 8
NO_PERIODIC_WORK: dict[str, Any] = {
    "records_refresh_seconds": 0,
    "erasing_seconds": 0,
    "imports_seconds": 0,
}
PATHS: dict[str, tuple[str, Any]] = {
    "staffstuddash": ("/students", a_student(id="new")),
    "dropout": ("/events", a_learning_event(id="new")),
}


@pytest.fixture
def key(private_url: str) -> str:
    return KeyManager(Database.for_bind(engine_on(private_url))).add_key("test", [Scope.ADMIN])


@pytest.fixture
def locker(private_url: str) -> Iterator[Connection]:
    """Yield a connection that blocks writers."""
    with engine_on(private_url).connect() as connection:
        yield connection


@pytest.fixture
def observer(private_url: str) -> Iterator[Connection]:
    """Yield a connection that sees sessions waiting for a lock."""
    with engine_on(private_url).connect() as connection:
        yield connection.execution_options(isolation_level="AUTOCOMMIT")


def waiting(observer: Connection, what: str = "count(*)") -> int:
    # Other tests wait for locks on the same server.
    here = "datname = current_database() AND wait_event_type = 'Lock'"
    query = f"SELECT {what} FROM pg_stat_activity WHERE {here}"
    return int(observer.scalar(text(query)) or 0)


@pytest.mark.parametrize("service", LOCKS)
@pytest.mark.parametrize("is_cut", [False, True])
def test_a_slow_server_spools_nothing(
    private_url: str,
    key: str,
    locker: Connection,
    observer: Connection,
    tmp_path: Path,
    service: str,
    is_cut: bool,
) -> None:
    path, body = PATHS[service]
    settings: dict[str, Any] = {"database_adding_seconds": 30 if is_cut else 0.4}
    with (
        spooling(private_url, key, tmp_path, service, **settings) as client,
        ThreadPoolExecutor(3) as threads,
    ):
        locker.execute(text(LOCKS[service]))
        answers = [threads.submit(client.post, f"{API}{path}", json=body) for _ in range(2)]
        answers.append(threads.submit(client.post, f"{API}{path}/batch", json=[body]))
        if is_cut:
            while not all(answer.done() for answer in answers):
                waiting(observer, "count(pg_terminate_backend(pid))")
        refused = [answer.result() for answer in answers]
        ready = client.get("/readyz").json()
        locker.rollback()
        # As a client does; on a busy machine the time of an insert may be too short again.
        assert wait_until(lambda: client.post(f"{API}{path}", json=body).status_code == 201)

    assert [answer.status_code for answer in refused] == [503] * 3
    assert {answer.json()["type"] for answer in refused} == {"urn:veritas:problem:database-busy"}
    assert all(int(answer.headers["Retry-After"]) > 0 for answer in refused)
    assert (ready["storage"], ready["spool"]["waiting"]) == ("postgresql", 0)
    assert spool_in(tmp_path, service).all_entries() == []


def test_health_warns_of_a_damaged_spool_until_it_is_salvaged(
    private_url: str, key: str, tmp_path: Path
) -> None:
    spool = spool_in(tmp_path)
    spool.open()
    spool.close()
    spool.path.write_bytes(b"\xff" * 5000)
    with spooling(private_url, key, tmp_path) as client:
        damaged = client.get("/health").json()
        ready = client.get("/readyz")
        spool.damaged_files()[0].unlink()
        sound = client.get("/health").json()

    assert (damaged["status"], damaged["checks"]["spool:damaged"][0]["status"]) == ("warn", "warn")
    assert (ready.status_code, sound["status"]) == (200, "pass")
    assert "spool:damaged" not in sound["checks"]


def answer_of(client: TestClient) -> int:
    return client.get("/readyz").status_code


def test_health_probes_are_answered_while_all_threads_wait(
    private_url: str, key: str, locker: Connection, observer: Connection, tmp_path: Path
) -> None:
    patient: dict[str, Any] = dict.fromkeys(
        ("database_statement_timeout_seconds", "database_lock_timeout_seconds"), 20
    )
    with (
        spooling(private_url, key, tmp_path, request_threads=THREADS, **patient) as client,
        ThreadPoolExecutor(60) as threads,
    ):
        assert client.post(f"{API}/students", json=a_student()).status_code == 201
        locker.execute(text("LOCK TABLE staffstuddash.students"))
        reads = [threads.submit(client.get, f"{API}/students") for _ in range(50)]
        assert wait_until(lambda: waiting(observer) == THREADS)
        statuses = [answer_of(client), client.get("/health").status_code]
        are_waiting = not any(read.done() for read in reads)
        locker.rollback()
        read = [read.result().status_code for read in reads]

    assert (statuses, are_waiting) == ([200, 200], True)
    assert read == [200] * 50


@pytest.mark.parametrize("path", ["/students?search=ada", "/dashboard/cohort"])
def test_expensive_reads_are_limited_and_do_not_block_others(
    private_url: str, key: str, locker: Connection, observer: Connection, tmp_path: Path, path: str
) -> None:
    with (
        spooling(private_url, key, tmp_path, expensive_reads=2, **NO_PERIODIC_WORK) as client,
        ThreadPoolExecutor(40) as threads,
    ):
        client.post(f"{API}/students", json=a_student(id="s001"))
        locker.execute(text("LOCK TABLE staffstuddash.performance_records, staffstuddash.students"))
        reads = [threads.submit(client.get, f"{API}{path}") for _ in range(2)]
        assert wait_until(lambda: waiting(observer) == 2)
        refused = [threads.submit(client.get, f"{API}{path}") for _ in range(20)]
        refused_answers = [read.result() for read in refused]
        cheap = client.get(f"{API}/concepts")
        at_work = waiting(observer)
        locker.rollback()
        answers = [read.result().status_code for read in reads]
        afterwards = client.get(f"{API}{path}").status_code

    assert {answer.status_code for answer in refused_answers} == {503}
    assert {answer.json()["type"] for answer in refused_answers} == {
        "urn:veritas:problem:overloaded"
    }
    assert {answer.headers["Retry-After"] for answer in refused_answers} == {"1"}
    assert (cheap.status_code, at_work) == (200, 2)
    assert (answers, afterwards) == ([200, 200], 200)
