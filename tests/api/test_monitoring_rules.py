"""Rules by source, judging again, searching and clearing, over HTTP on both stores."""

from typing import Any
from urllib.parse import unquote

import pytest
from starlette.testclient import TestClient

from monitoring_service.settings import Settings
from shared_db.clock import utc_now
from shared_db.errors import ConfigurationError
from tests.support.factories import NOON, a_system_event

BASE = "/api/v1/monitoring"
STRICT = {"thresholds": {"response_time": {"warning": 100, "critical": 200}}}


def post_event(client: TestClient, **values: Any) -> dict[str, Any]:
    answer = client.post(f"{BASE}/events", json=a_system_event(**values))
    assert answer.status_code == 201, answer.text
    event: dict[str, Any] = answer.json()
    return event


def limits(answer: Any) -> dict[str, tuple[float, float]]:
    return {t["metric"]: (t["warning"], t["critical"]) for t in answer.json()["thresholds"]}


@pytest.mark.parametrize("name", ["web/api", "web%2Fapi", "a/b/c", "web%0Aapi"])
def test_the_name_of_a_source_may_contain_slashes_and_line_breaks(
    monitoring_client: TestClient, name: str
) -> None:
    changed = monitoring_client.put(f"{BASE}/rules/{name}", json=STRICT)
    source = unquote(name)
    event = post_event(monitoring_client, source=source, data={"response_time": 150})

    assert changed.json()["source"] == source
    assert event["status"] == "WARNING"
    assert limits(monitoring_client.get(f"{BASE}/rules/{name}"))["response_time"] == (100, 200)
    assert monitoring_client.delete(f"{BASE}/rules/{name}").status_code == 204


@pytest.mark.parametrize("query", ["-" * 33, "- " * 33, "x " + "-" * 500, "--x"])
def test_words_with_repeated_dashes_are_refused(monitoring_client: TestClient, query: str) -> None:
    """PostgreSQL nests a negation for each dash, up to a limit of its stack."""
    answers = [
        monitoring_client.get(f"{BASE}/logs", params={"q": query}),
        monitoring_client.post(f"{BASE}/logs/query", json={"q": query}),
    ]

    assert [answer.status_code for answer in answers] == [422, 422]
    assert "dashes" in answers[0].text


def test_single_dashes_are_part_of_words(monitoring_client: TestClient) -> None:
    answer = monitoring_client.get(f"{BASE}/logs", params={"q": "node-17 -database - x"})

    assert answer.status_code == 200


def test_a_source_has_limits_of_its_own(monitoring_client: TestClient) -> None:
    default = monitoring_client.get(f"{BASE}/rules/catalogue")
    changed = monitoring_client.put(f"{BASE}/rules/catalogue", json=STRICT)
    event = post_event(monitoring_client, data={"response_time": 150})
    other = post_event(monitoring_client, event_id="e2", source="b", data={"response_time": 150})
    removed = monitoring_client.delete(f"{BASE}/rules/catalogue")

    assert limits(default)["response_time"] == (1000, 5000)
    assert limits(changed)["response_time"] == (100, 200)
    assert (event["status"], event["severity"], other["status"]) == ("WARNING", 0.75, "NORMAL")
    assert removed.status_code == 204
    assert limits(monitoring_client.get(f"{BASE}/rules/catalogue")) == limits(default)
    assert monitoring_client.delete(f"{BASE}/rules/catalogue").status_code == 404


def test_a_batch_is_judged_by_the_rules_of_each_source(monitoring_client: TestClient) -> None:
    monitoring_client.put(f"{BASE}/rules/*", json=STRICT)
    monitoring_client.put(
        f"{BASE}/rules/b", json={"thresholds": {"response_time": {"warning": 500, "critical": 900}}}
    )
    batch = [
        a_system_event(event_id=source, source=source, data={"response_time": 300})
        for source in ("a", "b")
    ]
    monitoring_client.post(f"{BASE}/events/batch", json=batch)

    assert monitoring_client.get(f"{BASE}/logs/a").json()["status"] == "CRITICAL"
    assert monitoring_client.get(f"{BASE}/logs/b").json()["status"] == "NORMAL"


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"thresholds": {}},
        {"thresholds": {"latency": {"warning": 5}}},
        {"thresholds": {"latency": {"warning": 5, "critical": 5}}},
        {"thresholds": {"latency": {"warning": "5", "critical": 6}}},
        {"thresholds": {"a b": {"warning": 5, "critical": 6}}},
        {"thresholds": {"latency": {"warning": 5, "critical": 6, "unit": "ms"}}},
        {"thresholds": {"latency": {"warning": 6, "critical": 5}}},
        {"thresholds": {"free_disk": {"warning": 5, "critical": 5}}},
    ],
    ids=str,
)
def test_limits_that_make_no_sense_are_refused(
    monitoring_client: TestClient, body: dict[str, Any]
) -> None:
    assert monitoring_client.put(f"{BASE}/rules/a", json=body).status_code == 422
    assert monitoring_client.delete(f"{BASE}/rules/a").status_code == 404


def test_lower_values_can_be_the_worse_ones(monitoring_client: TestClient) -> None:
    lower = {"thresholds": {"free_disk": {"warning": 10, "critical": 5}}}
    changed = monitoring_client.put(f"{BASE}/rules/catalogue", json=lower)
    events = [
        post_event(monitoring_client, event_id=f"e{value}", data={"free_disk": value})
        for value in (90, 10.5, 10, 7.5, 5, 0)
    ]

    assert changed.status_code == 200, changed.text
    assert changed.json()["thresholds"][-1] == {
        "metric": "free_disk",
        "warning": 10,
        "critical": 5,
        "is_lower_worse": True,
        "unit": "",
        "suggestion": "Look at what this source does when free_disk is low; its limit was set by "
        "hand.",
    }
    assert [(event["status"], event["severity"]) for event in events] == [
        ("NORMAL", 0),
        ("NORMAL", 0),
        ("WARNING", 0.5),
        ("WARNING", 0.75),
        ("CRITICAL", 1),
        ("CRITICAL", 1),
    ]
    assert events[3]["result"]["reasoning"] == "free_disk is 7.5, the limit is 10."


def test_exchanged_limits_of_a_default_metric_are_refused(monitoring_client: TestClient) -> None:
    exchanged = {"thresholds": {"response_time": {"warning": 2000, "critical": 300}}}
    answer = monitoring_client.put(f"{BASE}/rules/a", json=exchanged)

    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert error["field"] == "thresholds"
    assert "response_time: critical must be above warning" in error["message"]


@pytest.mark.parametrize(
    ("setting", "limits"),
    [
        ('{"*": {"latency": {"warning": 5, "critical": 6}}}', {"*": {"latency": (5, 6)}}),
        ('{"db": {"free_disk": {"warning": 9, "critical": 3}}}', {"db": {"free_disk": (9, 3)}}),
    ],
)
def test_limits_may_come_from_the_settings(
    monkeypatch: pytest.MonkeyPatch, setting: str, limits: dict[str, Any]
) -> None:
    monkeypatch.setenv("MONITORING_THRESHOLDS", setting)
    assert Settings.load().limits == limits


def test_wrong_limits_in_the_settings_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    setting = '{"*": {"latency": {"warning": 5, "critical": 4}}}'
    monkeypatch.setenv("MONITORING_THRESHOLDS", setting)
    with pytest.raises(ConfigurationError, match="MONITORING_THRESHOLDS"):
        Settings.load()


def test_judging_again_says_what_changed(monitoring_client: TestClient) -> None:
    now = utc_now().isoformat()
    post_event(monitoring_client, data={"response_time": 150}, timestamp=now)
    post_event(monitoring_client, event_id="old", data={"response_time": 150})
    monitoring_client.put(f"{BASE}/rules/*", json=STRICT)

    again = monitoring_client.post(f"{BASE}/analysis/re-evaluate", params={"lookback_minutes": 5})

    assert again.json() == {
        "examined": 1,
        "changed": 1,
        "transitions": {"NORMAL to WARNING": 1},
        "changes": [
            {
                "event_id": "e001",
                "source": "catalogue",
                "status_before": "NORMAL",
                "status": "WARNING",
                "severity_before": 0,
                "severity": 0.75,
            }
        ],
        "next": None,
    }
    assert monitoring_client.get(f"{BASE}/logs/e001").json()["result"]["status"] == "WARNING"
    assert monitoring_client.get(f"{BASE}/logs/old").json()["status"] == "NORMAL"


def test_cleaning_up_deletes_what_is_old(monitoring_client: TestClient) -> None:
    post_event(monitoring_client, data={"level": "ERROR"})
    post_event(monitoring_client, event_id="e2", timestamp=utc_now().isoformat())

    done = monitoring_client.post(f"{BASE}/maintenance/cleanup", params={"older_than_hours": 24})

    assert done.json() == {"deleted": 1, "is_complete": True}
    assert monitoring_client.get(f"{BASE}/logs/e001").status_code == 404
    assert monitoring_client.get(f"{BASE}/stats").json()["status_distribution"]["WARNING"] == 0
    for wrong in ({}, {"older_than_hours": 0}, {"older_than_hours": "nan"}):
        answer = monitoring_client.post(f"{BASE}/maintenance/cleanup", params=wrong)
        assert answer.status_code == 422


@pytest.fixture
def talkative(monitoring_client: TestClient) -> TestClient:
    """Give a client of a service with messages."""
    messages = [
        "Connection to the database timed out",
        "The database is full",
        "connection restored",
        None,
    ]
    for number, message in enumerate(messages):
        values = {"message": message} if message else {}
        post_event(monitoring_client, event_id=f"e{number}", **values)
    return monitoring_client


def found(client: TestClient, **params: Any) -> list[str]:
    answer = client.get(f"{BASE}/logs", params=params)
    assert answer.status_code == 200, answer.text
    return sorted(item["event_id"] for item in answer.json()["items"])


def test_a_query_may_come_in_the_body(talkative: TestClient) -> None:
    def query(**body: Any) -> Any:
        return talkative.post(f"{BASE}/logs/query", json=body)

    post_event(talkative, event_id="slow", data={"response_time": 2000}, source="db")
    since = {"timestamp__gte": NOON.isoformat()}

    everything = query(count="exact").json()
    slow = query(filter={"data.response_time__gt": 250, **since}).json()
    listed = query(filter={"event_id__in": ["e0", "slow"], "source__ne": "db"}, q="database").json()
    inside = query(filter={"data.response_time__in": [2000, None, "x"], **since}).json()

    assert everything["count"] == 5
    assert [item["event_id"] for item in slow["items"]] == ["slow"]
    assert [item["event_id"] for item in listed["items"]] == ["e0"]
    assert [item["event_id"] for item in inside["items"]] == ["slow"]


@pytest.mark.parametrize(
    ("condition", "named"),
    [
        ({"nonsense": 1}, "nonsense"),
        ({"source": 5}, "source"),
        ({"source__in": "a,b"}, "source__in"),
        ({"severity__gt": "0.5"}, "severity__gt"),
        ({"status": "BAD"}, "status"),
        ({"timestamp__gte": 5}, "timestamp__gte"),
        ({"data.x": {"a": 1}}, "data.x"),
        ({"data.x__in": 5}, "data.x__in"),
        ({"data.x": 1}, "timestamp__gte"),
        ({"data.x__gt": True}, "data.x__gt"),
        ([], "object"),
    ],
    ids=str,
)
def test_a_body_that_is_not_understood_is_refused(
    monitoring_client: TestClient, condition: Any, named: str
) -> None:
    answer = monitoring_client.post(f"{BASE}/logs/query", json={"filter": condition})

    assert answer.status_code == 422
    [error] = answer.json()["errors"]
    assert error["field"] == "filter"
    assert named in error["message"]
