"""Batches under an Idempotency-Key while PostgreSQL is away: stored once."""

from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from tests.support.factories import a_learning_event
from tests.support.outage import server_to_lose, settled, spooling

API = "/api/v1"
KEY = {"Idempotency-Key": "import-1"}


def outcomes(client: TestClient, path: str, batch: list[dict[str, Any]]) -> list[str]:
    answer = client.post(f"{API}{path}", json=batch, headers=KEY)
    assert answer.status_code == 200, answer.text
    return [item["outcome"] for item in answer.json()["items"]]


def test_a_batch_is_stored_once_before_during_and_after_an_outage(tmp_path: Path) -> None:
    students = [{"name": "Ada"}, {"name": "Grace"}]
    event = a_learning_event(student_id="s1")
    del event["id"]
    events = [event, event]
    with (
        server_to_lose() as (server, key),
        spooling(server.url, key, tmp_path) as staff,
        spooling(server.url, key, tmp_path, "dropout") as dropout,
    ):
        both = ((staff, "/students/batch", students), (dropout, "/events/batch", events))
        before = [outcomes(client, path, batch[:1]) for client, path, batch in both]
        server.stop()
        during = [outcomes(*one) for one in both]
        again = [outcomes(*one) for one in both]
        other = outcomes(staff, "/students/batch", [{"name": "Ada"}, {"name": "Alan"}])
        server.start()
        assert settled(staff)
        assert settled(dropout)
        after = [outcomes(*one) for one in both]
        names = [one["name"] for one in staff.get(f"{API}/students").json()["items"]]
        stored = dropout.get(f"{API}/students/s1/events").json()["items"]

    assert before == [["stored"]] * 2
    # Whether the first item is stored already cannot be known without the database.
    assert during == [["stored", "stored"]] * 2
    assert again == [["repeated", "repeated"]] * 2
    assert other == ["repeated", "refused"]
    assert after == [["repeated", "repeated"]] * 2
    assert sorted(names) == ["Ada", "Grace"]
    assert len(stored) == 2
