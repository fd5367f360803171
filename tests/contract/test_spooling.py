"""Inserts while PostgreSQL is away: accepted, read back, stored once it is available again."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.e2e.processes import wait_until
from tests.support.factories import a_learning_event, a_student, a_system_event, an_assessment
from tests.support.outage import server_to_lose, settled, spool_in, spooling
from veritas_cli.postgres.server import LocalPostgres

API = "/api/v1"
A_DRAFT = {"assignment_id": "essay", "content": "The sky is blue."}


@pytest.fixture(scope="module")
def server_and_key() -> Iterator[tuple[LocalPostgres, str]]:
    """Give a server that the tests of this file stop and start again."""
    with server_to_lose() as (server, key):
        yield server, key


@pytest.fixture
def server(server_and_key: tuple[LocalPostgres, str]) -> LocalPostgres:
    return server_and_key[0]


@pytest.fixture
def client(server_and_key: tuple[LocalPostgres, str], tmp_path: Path) -> Iterator[TestClient]:
    """Give a client of a service that spools; its key was verified once."""
    server, key = server_and_key
    with spooling(server.url, key, tmp_path) as client:
        assert client.get(f"{API}/students").status_code == 200
        yield client


def posted(client: TestClient, path: str, body: Any, **headers: str) -> Any:
    answer = client.post(f"{API}{path}", json=body, headers=headers)
    assert answer.status_code in (200, 201), answer.text
    assert answer.headers["Veritas-Storage"] == "spool"
    assert answer.json()["pending"] is True
    return answer.json()


def problem_of(answer: Any) -> str:
    return str(answer.json()["type"]).rpartition(":")[2]


def test_rows_of_an_outage_are_stored_once_and_in_order(
    server: LocalPostgres, client: TestClient, tmp_path: Path
) -> None:
    client.post(f"{API}/students", json=a_student(id="known"))
    server.stop()
    student = posted(client, "/students", a_student(id="new"))
    posted(client, "/assessments", an_assessment(id="m1", student_id="new", score=80))
    drafts = [
        posted(client, "/students/new/drafts", {**A_DRAFT, "id": id_, "content": text})
        for id_, text in {"d1": "One.", "d2": "One two.", "d3": "One two three."}.items()
    ]
    posted(client, "/students/known/actions", {"action": "talk"}, **{"Idempotency-Key": "k1"})
    answer = posted(client, "/students/known/answers", {"text": "I was ill."})
    posted(client, "/concepts", {"id": "c1", "concept": "sums", "subject": "Math", "difficulty": 2})
    batch = posted(client, "/students/batch", [a_student(id="b1"), a_student(id="b2")])
    found = client.get(f"{API}/students/new")
    waiting = client.get("/readyz").json()
    health = client.get("/health")
    server.start()

    assert settled(client)
    assert [draft["version"] for draft in drafts] == [None] * 3
    assert [draft["word_count"] for draft in drafts] == [1, 2, 3]
    assert (batch["stored"], batch["repeated"], batch["refused"]) == (2, 0, 0)
    assert (found.status_code, found.json()) == (200, student)
    assert (waiting["storage"], waiting["spool"]["waiting"]) == ("spool", 10)
    assert (health.status_code, health.json()["status"]) == (200, "warn")
    stored = client.get(f"{API}/students/new")
    student.pop("pending")
    assert stored.json() == student
    assert "Veritas-Storage" not in stored.headers
    listed = client.get(f"{API}/students/new/drafts").json()["items"]
    assert {draft["id"]: draft["version"] for draft in listed} == {"d1": 1, "d2": 2, "d3": 3}
    assert client.get(f"{API}/students/new/performance").json()["assessment_count"] == 1
    assert len(client.get(f"{API}/students/known/actions").json()["items"]) == 2
    [shown, _] = client.get(f"{API}/students/known/shown-actions").json()["items"]
    assert shown == {name: value for name, value in answer.items() if name != "pending"}
    assert {"b1", "b2"} <= {s["id"] for s in client.get(f"{API}/students").json()["items"]}
    again = client.post(f"{API}/students", json=a_student(id="new"))
    assert (again.status_code, again.headers["Idempotent-Replay"]) == (201, "true")
    assert spool_in(tmp_path).all_entries() == []


def test_a_repeated_row_is_a_replay_and_other_content_a_conflict(
    server: LocalPostgres, client: TestClient
) -> None:
    server.stop()
    first = client.post(f"{API}/students", json=a_student(id="twice"))
    again = client.post(f"{API}/students", json=a_student(id="twice"))
    other = client.post(f"{API}/students", json=a_student(id="twice", name="Somebody Else"))
    batch = client.post(f"{API}/students/batch", json=[a_student(id="twice"), {"id": "x"}])
    server.start()

    assert settled(client)
    assert (first.status_code, again.status_code, again.json()) == (201, 201, first.json())
    assert "Idempotent-Replay" not in first.headers
    assert again.headers["Idempotent-Replay"] == "true"
    assert (other.status_code, problem_of(other)) == (409, "student-exists")
    assert [item["outcome"] for item in batch.json()["items"]] == ["repeated", "refused"]


def test_reads_and_changes_of_an_outage_are_refused_not_empty(
    server: LocalPostgres, client: TestClient
) -> None:
    client.post(f"{API}/students", json=a_student(id="there"))
    server.stop()
    answers = [
        client.get(f"{API}/students/there"),
        client.get(f"{API}/students"),
        client.get(f"{API}/students/there/assessments"),
        client.patch(f"{API}/students/there", json={"name": "New"}),
        client.delete(f"{API}/students/there"),
    ]
    bad = client.post(f"{API}/students", json={"id": "bad", "name": ""})
    unknown_key = client.get(f"{API}/students", headers={"Authorization": "Bearer veritas_unknown"})
    server.start()

    assert settled(client)
    for answer in [*answers, unknown_key]:
        assert (answer.status_code, problem_of(answer)) == (503, "database-unavailable")
        assert int(answer.headers["Retry-After"]) > 0
    assert bad.status_code == 422
    assert client.get(f"{API}/students/bad").status_code == 404


def test_a_rejected_row_stays_with_its_problem_until_it_is_retried(
    server: LocalPostgres, client: TestClient, tmp_path: Path
) -> None:
    client.post(f"{API}/students", json=a_student(id="taken"))
    server.stop()
    posted(client, "/students", a_student(id="taken", name="Somebody Else"))
    posted(client, "/assessments", an_assessment(id="of-nobody", student_id="late"))
    server.start()
    assert settled(client)
    problems = {entry.id: entry.problem for entry in spool_in(tmp_path).all_entries()}
    health = client.get("/health").json()
    client.post(f"{API}/students", json=a_student(id="late"))
    retried = spool_in(tmp_path).retry(["of-nobody"])
    assert settled(client)

    assert problems == {
        "taken": "The id is stored with other content",
        "of-nobody": "There is no such student",
    }
    assert health["status"] == "warn"
    assert health["checks"]["spool:waiting"][0]["refused"] == 2
    assert retried == 1
    assert {entry.id for entry in spool_in(tmp_path).all_entries()} == {"taken"}
    assert client.get(f"{API}/students/late/performance").json()["assessment_count"] == 1


@pytest.mark.usefixtures("client")  # which verified the key
def test_a_service_starts_without_its_database_and_admits_known_keys(
    server_and_key: tuple[LocalPostgres, str], tmp_path: Path
) -> None:
    server, key = server_and_key
    server.stop()
    with spooling(server.url, key, tmp_path) as restarted:
        posted(restarted, "/students", a_student(id="early"))
        server.start()
        assert settled(restarted)
        stored = restarted.get(f"{API}/students/early")

    assert stored.status_code == 200
    assert "pending" not in stored.json()


def test_without_a_spool_inserts_are_refused(
    server_and_key: tuple[LocalPostgres, str], tmp_path: Path
) -> None:
    server, key = server_and_key
    no_folder = tmp_path / "file"
    no_folder.write_text("")
    with spooling(server.url, key, no_folder) as client:
        server.stop()
        answer = client.post(f"{API}/students", json=a_student(id="refused"))
        ready = client.get("/readyz")
        server.start()

    assert (answer.status_code, problem_of(answer)) == (503, "database-unavailable")
    assert ready.status_code == 503


def test_a_standby_is_read_and_inserts_are_spooled(
    server: LocalPostgres, client: TestClient
) -> None:
    client.post(f"{API}/students", json=a_student(id="before"))
    signal = server.folder.data / "standby.signal"
    server.stop()
    signal.touch()
    server.start()
    assert wait_until(lambda: client.get(f"{API}/students/before").status_code == 200)
    posted(client, "/students", a_student(id="meanwhile"))
    ready = client.get("/readyz").json()
    changed = client.patch(f"{API}/students/before", json={"name": "New"})
    read = client.get(f"{API}/students/before")
    server.stop()
    signal.unlink()
    server.start()

    assert settled(client)
    assert (ready["storage"], ready["spool"]["waiting"]) == ("spool", 1)
    assert "read-only" in ready["warning"]
    assert (changed.status_code, problem_of(changed)) == (503, "database-unavailable")
    assert read.status_code == 200
    assert client.get(f"{API}/students/meanwhile").status_code == 200


@pytest.mark.parametrize(
    ("service", "path", "body", "id_field", "stored_at"),
    [
        ("monitoring", "/monitoring/events", a_system_event(), "event_id", "/monitoring/logs/{}"),
        (
            "dropout",
            "/events",
            a_learning_event(student_id="heard"),
            "id",
            "/students/heard/events",
        ),
    ],
)
def test_events_of_an_outage_are_stored_with_their_results(
    server_and_key: tuple[LocalPostgres, str],
    tmp_path: Path,
    service: str,
    path: str,
    body: dict[str, Any],
    id_field: str,
    stored_at: str,
) -> None:
    server, key = server_and_key
    with spooling(server.url, key, tmp_path, service) as client:
        first = client.post(f"{API}{path}", json={**body, id_field: "e0"})
        assert first.status_code == 201, first.text
        server.stop()
        single = posted(client, path, {**body, id_field: "e1"})
        again = posted(client, path, {**body, id_field: "e1"})
        batch = posted(client, f"{path}/batch", [{**body, id_field: id_} for id_ in ("e1", "e2")])
        read = client.get(f"{API}{stored_at.format('e1')}")
        server.start()
        assert settled(client)
        stored = client.get(f"{API}{stored_at.format('e2')}")
        health = client.get("/health").json()

    assert again == single
    assert [item["outcome"] for item in batch["items"]] == ["repeated", "stored"]
    assert health["status"] == "pass"
    assert stored.status_code == 200
    if service == "monitoring":
        assert (single["status"], single["severity"]) == (None, None)
        assert (read.status_code, read.json()["pending"]) == (200, True)
        assert stored.json()["status"] == "NORMAL"
    else:
        assert read.status_code == 503
        assert {event["id"] for event in stored.json()["items"]} == {"e0", "e1", "e2"}


def test_assessments_and_students_of_dropout_are_spooled(
    server_and_key: tuple[LocalPostgres, str], tmp_path: Path
) -> None:
    server, key = server_and_key
    mark = {"id": "own-mark", "student_id": "own", "type": "exam", "subject": "Art", "score": 9}
    with spooling(server.url, key, tmp_path, "dropout") as client:
        assert client.get(f"{API}/students").status_code == 200
        server.stop()
        posted(client, "/assessments", mark)
        student = posted(client, "/students", a_student(id="own"))
        server.start()
        assert settled(client)
        found = client.get(f"{API}/students/own").json()
        marks = client.get(f"{API}/students/own/assessments").json()["items"]

    assert found["name"] == student["name"]
    assert [mark["id"] for mark in marks] == ["own-mark"]
