"""Spools of a running service: a full one, and one of an earlier release."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.factories import a_student
from tests.support.outage import server_to_lose, settled, spooling
from veritas_cli.postgres.server import LocalPostgres

API = "/api/v1"
RELEASES = Path(__file__).parents[1] / "releases"


@pytest.fixture(scope="module")
def server_and_key() -> Iterator[tuple[LocalPostgres, str]]:
    """Give a server that the tests of this file stop and start again."""
    with server_to_lose() as (server, key):
        yield server, key


def test_a_full_spool_refuses_inserts_and_fails_readiness(
    server_and_key: tuple[LocalPostgres, str], tmp_path: Path
) -> None:
    server, key = server_and_key
    with spooling(server.url, key, tmp_path, spool_max_rows=2) as client:
        client.get(f"{API}/students")
        server.stop()
        for id_ in ("f1", "f2"):
            spooled = client.post(f"{API}/students", json=a_student(id=id_))
            assert spooled.headers["Veritas-Storage"] == "spool"
        refused = client.post(f"{API}/students", json=a_student(id="f3"))
        ready = client.get("/readyz")
        health = client.get("/health")
        metrics = client.get("/metrics").text
        server.start()

        assert settled(client)
        afterwards = client.post(f"{API}/students", json=a_student(id="f3"))

    assert refused.status_code == 503
    assert refused.json()["type"] == "urn:veritas:problem:database-unavailable"
    assert "the spool is full" in refused.json()["detail"]
    assert (ready.status_code, "spool is full" in ready.json()["detail"]) == (503, True)
    assert (health.status_code, health.json()["status"]) == (503, "fail")
    assert health.json()["checks"]["spool:waiting"][0]["observedValue"] == 2
    assert afterwards.status_code == 201
    assert {
        "veritas_spool_usable 1.0",
        "veritas_spool_pending_rows 2.0",
        "veritas_spool_full 1.0",
        "veritas_spool_rejected_rows 0.0",
        "veritas_database_circuit_open 1.0",
        'veritas_database_connections{state="in_use"} 0.0',
    } <= set(metrics.splitlines())


def test_a_spool_of_the_first_release_is_replayed(
    server_and_key: tuple[LocalPostgres, str], tmp_path: Path
) -> None:
    server, key = server_and_key
    with closing(sqlite3.connect(tmp_path / "staffstuddash-spool.db")) as file:
        file.executescript((RELEASES / "spool_1.sql").read_text())
    with spooling(server.url, key, tmp_path) as client:
        assert settled(client)
        marks = client.get(f"{API}/students/s1/assessments").json()["items"]
        health = client.get("/health").json()

    assert sorted(mark["id"] for mark in marks) == ["m1", "m3"]
    assert (health["status"], health["checks"]["spool:waiting"][0]["refused"]) == ("warn", 1)
