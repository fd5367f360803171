"""Events of the systems over HTTP, on both stores."""

import pytest
from starlette.testclient import TestClient

from tests.support.factories import NOON, a_system_event, days

EVENTS = "/api/v1/monitoring/events"
LOGS = "/api/v1/monitoring/logs"


def test_an_ordinary_event_is_normal(monitoring_client: TestClient) -> None:
    answer = monitoring_client.post(EVENTS, json=a_system_event(data={"response_time": 120}))

    assert answer.status_code == 201
    assert (answer.json()["status"], answer.json()["severity"]) == ("NORMAL", 0)
    assert answer.json()["result"] is None


def test_a_slow_answer_is_a_warning_that_names_the_value(monitoring_client: TestClient) -> None:
    event = monitoring_client.post(EVENTS, json=a_system_event(data={"response_time": 3000})).json()

    assert event["status"] == "WARNING"
    assert event["severity"] == pytest.approx(0.75)
    assert event["result"]["reasoning"] == "response_time is 3000 ms, the limit is 1000 ms."
    assert event["result"]["failed_rules"] == ["response_time_threshold"]
    assert event["result"]["suggestions"]
    assert monitoring_client.get(f"{LOGS}/e001").json() == event


def test_the_gravest_finding_decides(monitoring_client: TestClient) -> None:
    data = {"response_time": 1000, "error_rate": 0.9}
    event = monitoring_client.post(EVENTS, json=a_system_event(data=data)).json()

    assert (event["status"], event["severity"]) == ("CRITICAL", 1)
    assert event["result"]["failed_rules"] == ["error_rate_threshold", "response_time_threshold"]


def test_a_repeated_event_answers_as_before(monitoring_client: TestClient) -> None:
    body = a_system_event(data={"error_rate": 0.1}, metadata={"host": "a"})
    first = monitoring_client.post(EVENTS, json=body)
    again = monitoring_client.post(EVENTS, json=body)
    other = monitoring_client.post(EVENTS, json=a_system_event(data={"error_rate": 0.2}))

    assert (again.json(), again.headers["Idempotent-Replay"]) == (first.json(), "true")
    assert other.status_code == 409


def test_logs_are_read_back_in_pages_the_latest_first(monitoring_client: TestClient) -> None:
    batch = [
        a_system_event(
            event_id=f"e{day}",
            timestamp=(NOON + days(day)).isoformat(),
            source="a" if day % 2 else "b",
            data={"response_time": 9000} if day == 4 else None,
        )
        for day in range(5)
    ]
    answer = monitoring_client.post(f"{EVENTS}/batch", json=batch).json()
    assert answer["stored"] == 5

    first = monitoring_client.get(LOGS, params={"limit": 3}).json()
    rest = monitoring_client.get(LOGS, params={"after": first["next"]}).json()
    of_a = monitoring_client.get(LOGS, params={"source": "a"}).json()

    logs = first["items"] + rest["items"]
    assert [log["event_id"] for log in logs] == ["e4", "e3", "e2", "e1", "e0"]
    assert logs[0]["result"]["status"] == "CRITICAL"
    assert [log["event_id"] for log in of_a["items"]] == ["e3", "e1"]


def test_an_unknown_event_is_not_found(monitoring_client: TestClient) -> None:
    assert monitoring_client.get(f"{LOGS}/nothing").status_code == 404
