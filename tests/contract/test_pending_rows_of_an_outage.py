"""Pending rows over HTTP: rows of an outage wait, and a running service recomputes."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from shared_db.spool.replay_queue import ReplayQueue
from tests.e2e.processes import wait_until
from tests.support.factories import NOON, a_learning_event, days
from tests.support.outage import server_to_lose, spool_in, spooling
from veritas_cli.postgres.server import LocalPostgres

API = "/api/v1"
AS_OF = {"as_of": (NOON + days(40)).isoformat()}
DIFFERENT_MEMBERS = {"id", "student_id", "created_at"}


@pytest.fixture(scope="module")
def server_and_key() -> Iterator[tuple[LocalPostgres, str]]:
    """Give a server that the test takes away and brings back."""
    with server_to_lose() as (server, key):
        yield server, key


@pytest.fixture
def client(server_and_key: tuple[LocalPostgres, str], tmp_path: Path) -> Iterator[TestClient]:
    """Give a client of a dropout service that recomputes often."""
    server, key = server_and_key
    settings = {"recomputing_seconds": 0.2, "erasing_seconds": 0}
    with spooling(server.url, key, tmp_path, "dropout", **settings) as client:
        yield client


def send(client: TestClient, student: str, *on_days: int) -> list[Any]:
    """Send an event on each day and return the responses."""
    bodies = (
        a_learning_event(
            id=f"{student}-{day}",
            student_id=student,
            event_type="RESOURCE_VIEW",
            question_id=None,
            occurred_at=(NOON + days(day)).isoformat(),
        )
        for day in on_days
    )
    return [client.post(f"{API}/events", json=body) for body in bodies]


def of(client: TestClient, student: str, what: str, **named: str) -> Any:
    return client.post(f"{API}/students/{student}/{what}", json={**AS_OF, **named}).json()


def latest(client: TestClient, student: str, what: str) -> Any:
    return client.get(f"{API}/students/{student}/{what}/latest").json()


def is_recomputed(client: TestClient, what: str) -> bool:
    return bool(latest(client, "ada", what)["pending_rows"] == 0)


def content(answer: Any) -> Any:
    return {name: value for name, value in answer.items() if name not in DIFFERENT_MEMBERS}


def test_features_and_predictions_of_an_outage_are_recomputed(
    server_and_key: tuple[LocalPostgres, str], client: TestClient, tmp_path: Path
) -> None:
    server, _ = server_and_key
    send(client, "ada", 0, 4, 8)
    send(client, "twin", 0, 4, 8, 31, 39)
    other = spool_in(tmp_path, "dropout")
    # As if another worker replayed slowly.
    with ReplayQueue(other).replay_lock() as is_ours:
        server.stop()
        away = send(client, "ada", 31, 39)
        server.start()
        assert wait_until(lambda: client.get(f"{API}/students").status_code == 200)
        kinds = ("features", "predictions")
        early = {kind: of(client, "ada", kind, id=f"early-{kind}") for kind in kinds}
        twin = {kind: of(client, "twin", kind) for kind in kinds}
    other.close()

    assert is_ours
    assert {answer.headers["Veritas-Storage"] for answer in away} == {"spool"}
    for kind in kinds:
        assert (early[kind]["pending_rows"], twin[kind]["pending_rows"]) == (2, 0)
        assert content(early[kind]) != content(twin[kind]) | {"pending_rows": 2}
        assert wait_until(partial(is_recomputed, client, kind))
        assert content(latest(client, "ada", kind)) == content(twin[kind])
    listed = client.get(f"{API}/students/ada/predictions").json()["items"]
    assert sorted(one["pending_rows"] for one in listed) == [0, 2]


def test_a_spool_that_cannot_be_opened_leaves_the_number_unknown(
    server_and_key: tuple[LocalPostgres, str], tmp_path: Path
) -> None:
    server, key = server_and_key
    (tmp_path / "file").touch()
    with spooling(server.url, key, tmp_path / "file", "dropout") as client:
        send(client, "bob", 0, 4, 8)

        assert of(client, "bob", "features")["pending_rows"] is None
