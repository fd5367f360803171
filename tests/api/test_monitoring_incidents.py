"""Incidents and days of health over HTTP, on both stores."""

from datetime import timedelta

import pytest
from starlette.testclient import TestClient

from monitoring_service.database import MonitoringDatabase
from shared_db.clock import utc_now
from tests.support.factories import a_system_event

BASE = "/api/v1/monitoring"
INCIDENTS = f"{BASE}/incidents"


@pytest.fixture
def incident(monitoring_client: TestClient, monitoring: MonitoringDatabase) -> str:
    """Give the id of an incident of the source `web/api`."""
    now = utc_now()
    events = [
        a_system_event(
            event_id=f"e{n}",
            source="web/api",
            timestamp=(now - timedelta(seconds=n)).isoformat(),
            data={"level": "FATAL"},
        )
        for n in range(4)
    ]
    assert monitoring_client.post(f"{BASE}/events/batch", json=events).json()["stored"] == 4
    assert monitoring.incident_work.run() == 4
    [found] = monitoring_client.get(INCIDENTS).json()["items"]
    return str(found["id"])


def test_an_incident_is_read_with_its_events(monitoring_client: TestClient, incident: str) -> None:
    found = monitoring_client.get(f"{INCIDENTS}/{incident}").json()

    assert (found["source"], found["cause"], found["state"]) == (
        "web/api",
        "critical_events",
        "open",
    )
    assert found["cause_values"] == {"events": 3, "latest": 5}
    assert (found["event_count"], found["worst_severity"], found["notes"]) == (4, 1.0, [])
    assert [event["event_id"] for event in found["events"]] == ["e0", "e1", "e2", "e3"]
    assert found["events"][0]["result"]["status"] == "CRITICAL"


def test_it_is_handled_and_repeated_requests_are_replays(
    monitoring_client: TestClient, incident: str
) -> None:
    path = f"{INCIDENTS}/{incident}"
    first, again = (monitoring_client.post(f"{path}/acknowledge") for _ in range(2))
    key = {"Idempotency-Key": "k1"}
    note, repeated = (
        monitoring_client.post(f"{path}/notes", json={"text": "disk full"}, headers=key)
        for _ in range(2)
    )
    over, over_again = (monitoring_client.post(f"{path}/resolve") for _ in range(2))
    late = monitoring_client.post(f"{path}/acknowledge")
    found = monitoring_client.get(path).json()

    assert [one.status_code for one in (first, again, note, repeated, over)] == [
        200,
        200,
        201,
        201,
        200,
    ]
    for one, repeat in ((first, again), (note, repeated), (over, over_again)):
        assert one.json() == repeat.json()
        assert "Idempotent-Replay" not in one.headers
        assert repeat.headers["Idempotent-Replay"] == "true"
    assert first.json()["acknowledged_by"] == over.json()["resolved_by"] == "development"
    assert note.json()["author"] == "development"
    assert late.headers["Idempotent-Replay"] == "true"
    assert (found["state"], found["resolution"]) == ("resolved", "person")
    assert [each["text"] for each in found["notes"]] == ["disk full"]


def test_refusals_say_what_is_wrong(monitoring_client: TestClient, incident: str) -> None:
    path = f"{INCIDENTS}/{incident}"
    note = {"id": "n1", "text": "one"}
    stored = monitoring_client.post(f"{path}/notes", json=note)
    other = monitoring_client.post(f"{path}/notes", json={**note, "text": "two"})
    monitoring_client.post(f"{path}/resolve")
    over = monitoring_client.post(f"{path}/acknowledge")
    absent = monitoring_client.get(f"{INCIDENTS}/nothing")

    assert (stored.status_code, other.status_code, over.status_code) == (201, 409, 409)
    assert over.json()["type"].endswith("incident-over")
    assert "opens another one" in over.json()["detail"]
    assert (absent.status_code, absent.json()["incident_id"]) == (404, "nothing")
    assert monitoring_client.post(f"{path}/notes", json={"text": ""}).status_code == 422


def test_incidents_are_filtered(monitoring_client: TestClient, incident: str) -> None:
    def found(**params: str) -> list[str]:
        return [
            one["id"] for one in monitoring_client.get(INCIDENTS, params=params).json()["items"]
        ]

    assert found(state="open", source="web/api") == [incident]
    assert found(state__in="acknowledged,resolved") == []
    assert found(worst_severity__gte="0.9", cause="critical_events") == [incident]
    assert found(severity__gt="1") == []
    assert monitoring_client.get(INCIDENTS, params={"state": "gone"}).status_code == 422


def test_days_are_those_of_the_time_zone(
    monitoring_client: TestClient, monitoring: MonitoringDatabase, incident: str
) -> None:
    assert incident
    monitoring.health.record()
    answer = monitoring_client.get(
        f"{BASE}/health/days", params={"days": 2, "timezone": "Asia/Kolkata"}
    ).json()
    refused = [
        monitoring_client.get(f"{BASE}/health/days", params=params).status_code
        for params in ({"days": 0}, {"days": 93}, {"timezone": "Mars"})
    ]
    before, today = answer["days"]

    assert before["status"] is before["normal_minutes"] is None
    assert before["missing_minutes"] == 1440
    assert today["warning_minutes"] + today["critical_minutes"] == 1
    assert answer["timezone"] == "Asia/Kolkata"
    assert [one["source"] for one in answer["sources"]] == ["web/api"]
    assert answer["sources"][0]["days"] == answer["days"]
    assert refused == [422] * 3
