"""Learning events over HTTP, on both stores."""

import json

from starlette.testclient import TestClient

from tests.support.factories import NOON, a_learning_event, days

EVENTS = "/api/v1/events"
BATCH = f"{EVENTS}/batch"


def ids_of(client: TestClient, student_id: str = "s001") -> list[str]:
    page = client.get(f"/api/v1/students/{student_id}/events").json()
    return [event["id"] for event in page["items"]]


def test_an_event_creates_its_student(dropout_client: TestClient) -> None:
    assert dropout_client.get("/api/v1/students/s001/events").status_code == 404

    stored = dropout_client.post(EVENTS, json=a_learning_event(data={"correct": True}))

    assert stored.status_code == 201
    assert stored.json()["data"] == {"correct": True}
    assert ids_of(dropout_client) == ["evt001"]


def test_an_event_without_id_and_time_gets_both(dropout_client: TestClient) -> None:
    body = {"student_id": "s001", "event_type": "HINT_REQUEST"}
    first = dropout_client.post(EVENTS, json=body).json()
    second = dropout_client.post(EVENTS, json=body).json()

    assert first["id"] != second["id"]
    assert first["occurred_at"] == first["recorded_at"]


def test_a_repeated_event_is_stored_once_and_a_changed_one_rejected(
    dropout_client: TestClient,
) -> None:
    dropout_client.post(EVENTS, json=a_learning_event())
    again = dropout_client.post(EVENTS, json=a_learning_event())
    other = dropout_client.post(EVENTS, json=a_learning_event(question_id="q2"))

    assert (again.status_code, again.headers["Idempotent-Replay"]) == (201, "true")
    assert other.status_code == 409
    assert ids_of(dropout_client) == ["evt001"]


def test_a_batch_has_an_outcome_for_each_item(dropout_client: TestClient) -> None:
    dropout_client.post(EVENTS, json=a_learning_event(id="known"))
    batch = [
        a_learning_event(id="new"),
        a_learning_event(id="known"),
        a_learning_event(id="known", question_id="q2"),
        a_learning_event(id="bad", event_type="DANCING"),
        a_learning_event(id="new"),
        "no object",
    ]

    answer = dropout_client.post(BATCH, json=batch)

    assert answer.status_code == 200
    items = answer.json()["items"]
    assert [item["outcome"] for item in items] == [
        "stored",
        "repeated",
        "refused",
        "refused",
        "repeated",
        "refused",
    ]
    assert [answer.json()[name] for name in ("stored", "repeated", "refused")] == [1, 2, 3]
    assert items[3]["errors"][0]["field"] == "event_type"
    assert sorted(ids_of(dropout_client)) == ["known", "new"]


def test_a_batch_may_be_sent_as_ndjson(dropout_client: TestClient) -> None:
    lines = [
        json.dumps(a_learning_event(id="a")),
        "{broken",
        "",
        json.dumps(a_learning_event(id="b")),
    ]

    answer = dropout_client.post(
        BATCH, content="\r\n".join(lines), headers={"content-type": "application/x-ndjson"}
    )

    assert [item["outcome"] for item in answer.json()["items"]] == ["stored", "refused", "stored"]
    assert sorted(ids_of(dropout_client)) == ["a", "b"]


def test_the_latest_event_comes_first(dropout_client: TestClient) -> None:
    for day in (1, 3, 2):
        moment = (NOON + days(day)).isoformat()
        dropout_client.post(EVENTS, json=a_learning_event(id=f"e{day}", occurred_at=moment))

    assert ids_of(dropout_client) == ["e3", "e2", "e1"]
