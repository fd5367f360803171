"""Repeated requests about a row that was changed since: replays and conflicts, on both stores."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from shared_db.spool.queue import Spool
from shared_db.spool.replay import SpoolReplayer
from tests.support.databases import OpenDatabase
from tests.support.factories import NOON, a_student
from tests.support.services import PARTS
from veritas_cli.services import SPOOLABLE_TYPES

API = "/api/v1"
KEY = {"Idempotency-Key": "form-17"}
CONCEPT = {"id": "c1", "concept": "sums", "subject": "Math", "difficulty": 2}
CHANGED_CONCEPT = {"id": "c1", "concept": "sums", "subject": "Math", "difficulty": 3}

# Service, path, first content, changed content.
ROWS = [
    pytest.param("staffstuddash", "/students", a_student(), a_student(name="Ada King"), id="staff"),
    pytest.param("dropout", "/students", a_student(), a_student(name="Ada King"), id="dropout"),
    pytest.param("staffstuddash", "/concepts", CONCEPT, CHANGED_CONCEPT, id="concept"),
]


@pytest.fixture
def clients(
    dropout_client: TestClient, staffstuddash_client: TestClient
) -> Mapping[str, TestClient]:
    return {"dropout": dropout_client, "staffstuddash": staffstuddash_client}


def difference(new: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in new.items() if old[name] != value}


@pytest.mark.parametrize(("service", "path", "first", "changed"), ROWS)
def test_only_the_stored_content_is_a_replay(
    clients: Mapping[str, TestClient],
    service: str,
    path: str,
    first: dict[str, Any],
    changed: dict[str, Any],
) -> None:
    client = clients[service]
    client.post(f"{API}{path}", json=first)
    answer = client.patch(f"{API}{path}/{first['id']}", json=difference(changed, first))
    assert answer.status_code == 200

    present = client.post(f"{API}{path}", json=changed)
    earlier = client.post(f"{API}{path}", json=first)

    assert (present.status_code, present.headers.get("Idempotent-Replay")) == (201, "true")
    assert present.json() == answer.json()
    assert earlier.status_code == 409


@pytest.mark.parametrize("service", ["staffstuddash", "dropout"])
def test_a_request_with_its_key_is_a_replay_after_a_change(
    clients: Mapping[str, TestClient], service: str
) -> None:
    client, body = clients[service], {"name": "Ada Lovelace"}
    id_ = client.post(f"{API}/students", json=body, headers=KEY).json()["id"]
    client.patch(f"{API}/students/{id_}", json={"name": "Ada King"})

    again = client.post(f"{API}/students", json=body, headers=KEY)
    other = client.post(f"{API}/students", json={"name": "Grace"}, headers=KEY)

    assert (again.status_code, again.json()["name"]) == (201, "Ada King")
    assert again.headers["Idempotent-Replay"] == "true"
    assert other.status_code == 409


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    """Give an empty spool, closed after the test."""
    spool = Spool(tmp_path / "spool.db")
    yield spool
    spool.close()


@pytest.mark.parametrize("service", ["staffstuddash", "dropout"])
def test_a_row_stored_before_its_removal_from_the_spool_keeps_a_change(
    open_database: OpenDatabase, spool: Spool, service: str
) -> None:
    parts = PARTS[service]
    manager: Any = parts.manager(open_database(parts.metadata))
    types = {type_.name: type_ for type_ in SPOOLABLE_TYPES[service]}
    student = types["student"]
    sent = student.item(name="Ada Lovelace", email=None, id="s001", accepted_at=NOON)
    spool.append([student.entry(sent)])
    # The process was killed here, after the insert and before the removal.
    student.replay(manager, [sent])
    actor = {"actor": "office"} if service == "staffstuddash" else {}
    manager.students.update("s001", {"name": "Ada King"}, **actor)

    SpoolReplayer(manager.database, spool, manager, list(types.values())).replay_all()

    assert spool.all_entries() == []
    assert manager.students.get("s001").name == "Ada King"


def test_a_student_known_by_events_is_replaced_and_not_named_anew(
    dropout_client: TestClient,
) -> None:
    path = f"{API}/students/s001"
    mark = {"id": "a1", "student_id": "s001", "type": "quiz", "subject": "Math", "score": 40}
    dropout_client.post(f"{API}/assessments", json={**mark, "submitted_at": NOON.isoformat()})

    replaced = dropout_client.put(path, json={"name": "Ada King"})
    other = dropout_client.post(f"{API}/students", json=a_student())
    nameless = dropout_client.put(path, json={})

    assert (replaced.status_code, replaced.json()["name"]) == (200, "Ada King")
    assert other.status_code == 409
    assert (nameless.json()["name"], nameless.json()["email"]) == (None, None)


def test_changes_of_unknown_and_erased_students_are_refused(dropout_client: TestClient) -> None:
    unknown = dropout_client.patch(f"{API}/students/nobody", json={"name": "Ada"})
    empty = dropout_client.patch(f"{API}/students/nobody", json={})

    assert (unknown.status_code, empty.status_code) == (404, 422)
    assert dropout_client.get(f"{API}/students").json()["items"] == []


@pytest.mark.parametrize("sent_at", [NOON.isoformat(), None])
def test_a_corrected_mark_is_compared_with_its_present_content(
    staffstuddash_client: TestClient, sent_at: str | None
) -> None:
    client, marks = staffstuddash_client, f"{API}/assessments"
    client.post(f"{API}/students", json=a_student())
    mark = {"id": "m1", "student_id": "s001", "type": "quiz", "subject": "Math", "score": 40}
    mark |= {} if sent_at is None else {"timestamp": sent_at}
    stored = client.post(marks, json=mark).json()
    unchanged = client.post(marks, json=mark)
    client.patch(f"{marks}/m1", json={"score": 0, "reason": "typing error"})

    present = client.post(marks, json={**mark, "score": 0, "timestamp": stored["timestamp"]})
    first = client.post(marks, json=mark)
    batch = client.post(f"{marks}/batch", json=[mark])

    assert (unchanged.status_code, unchanged.headers.get("Idempotent-Replay")) == (201, "true")
    assert (present.status_code, present.headers.get("Idempotent-Replay")) == (201, "true")
    assert (first.status_code, batch.json()["refused"]) == (409, 1)
    assert client.get(f"{API}/students/s001/performance").json()["mean_percentage"] == 0
