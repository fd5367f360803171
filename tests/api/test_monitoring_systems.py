"""Health of the systems over HTTP, on both stores."""

from datetime import timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from monitoring_service.database import MonitoringDatabase
from shared_db.clock import utc_now
from tests.support.factories import NOON, a_system_event

BASE = "/api/v1/monitoring"
HOUR = timedelta(hours=1)


@pytest.fixture
def client(monitoring_client: TestClient) -> TestClient:
    """Give a client of a service that has heard something for six hours, and now."""
    events = [
        a_system_event(
            event_id=f"e{n}",
            source="web" if n % 2 else "db",
            component="search" if n < 4 else None,
            timestamp=(NOON + n * HOUR / 2).isoformat(),
            data={"response_time": 100 * n, "timings": {"search": n}, "note": "x" if n else 3},
        )
        for n in range(12)
    ]
    now = a_system_event(
        event_id="now", source="db", timestamp=utc_now().isoformat(), data={"level": "FATAL"}
    )
    answer = monitoring_client.post(f"{BASE}/events/batch", json=[*events, now])
    assert answer.json()["stored"] == 13
    return monitoring_client


def get(client: TestClient, path: str, **params: Any) -> Any:
    answer = client.get(f"{BASE}{path}", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_statistics(client: TestClient) -> None:
    stats = get(client, "/stats")

    assert (stats["total_logs"], stats["unique_sources"]) == (13, 2)
    assert stats["status_distribution"] == {"NORMAL": 10, "WARNING": 2, "CRITICAL": 1}
    assert stats["oldest_log"] == "2026-03-02T12:00:00Z"


def test_health_tells_the_troubled_sources(client: TestClient) -> None:
    health = get(client, "/health")

    [troubled] = health["troubled_sources"]
    assert (health["status"], troubled["source"], troubled["status"]) == (
        "WARNING",
        "db",
        "WARNING",
    )
    # The next minute may begin while the test runs: 2^(-1/5) / (1 + 2^(-1/5)) is 0.47.
    assert health["severity"] == troubled["severity"] == pytest.approx(0.5, abs=0.04)
    assert health["counts"] == {"NORMAL": 0, "WARNING": 0, "CRITICAL": 1}


def test_health_is_not_known_before_anything_was_heard(monitoring_client: TestClient) -> None:
    health = get(monitoring_client, "/health")

    assert (health["status"], health["severity"]) == (None, None)
    assert health["missing_because"] == "no event in the last 30 minutes"
    assert get(monitoring_client, "/stats")["total_logs"] == 0
    assert get(monitoring_client, "/sources")["items"] == []


def test_the_history_is_filtered_and_counted(
    client: TestClient, monitoring: MonitoringDatabase
) -> None:
    for minute in range(5):
        monitoring.health.record(NOON + timedelta(minutes=minute, seconds=7))

    late = get(client, "/health/history", minute__gte="2026-03-02T12:03:00Z", count="exact")
    first = get(client, "/health/history", limit=2)
    rest = get(client, "/health/history", after=first["next"])

    assert [item["minute"] for item in late["items"]] == [
        "2026-03-02T12:04:00Z",
        "2026-03-02T12:03:00Z",
    ]
    assert late["count"] == 2
    assert late["items"][0]["normal_count"] == 1
    assert len(first["items"]) + len(rest["items"]) == 5
    assert get(client, "/health/history", status="CRITICAL")["items"] == []


def test_sources_are_filtered(client: TestClient) -> None:
    assert [s["source"] for s in get(client, "/sources")["items"]] == ["db", "web"]
    assert [s["source"] for s in get(client, "/sources", warning__gt=0)["items"]] == ["db", "web"]
    recent = get(client, "/sources", last_seen__gte="2026-04-01T00:00:00Z")["items"]
    assert [(s["source"], s["status"], s["critical"], s["total"]) for s in recent] == [
        ("db", "WARNING", 1, 7)
    ]


def series(client: TestClient, **params: Any) -> list[tuple[Any, ...]]:
    day = {"start": NOON.isoformat(), "end": (NOON + 6 * HOUR).isoformat()}
    points = get(client, "/analytics/timeseries", **day, **params)["points"]
    return [(p["start"][11:16], p["group"], p["count"], p["mean"], p["max"]) for p in points]


def test_a_series_counts_and_measures(client: TestClient) -> None:
    assert series(client, bucket="6h", metric="response_time") == [
        ("12:00", None, 12, 550, 1100),
    ]
    assert series(client, bucket="1h", metric="timings.search")[:2] == [
        ("12:00", None, 2, 0.5, 1),
        ("13:00", None, 2, 2.5, 3),
    ]
    assert series(client, bucket="6h") == [("12:00", None, 12, None, None)]


def test_a_series_by_group_and_filter(client: TestClient) -> None:
    by_source = series(client, bucket="6h", group_by="source", metric="response_time")
    by_component = series(client, bucket="6h", group_by="component")
    only_web = series(client, bucket="6h", source="web", status__ne="NORMAL")

    assert by_source == [("12:00", "db", 6, 500, 1000), ("12:00", "web", 6, 600, 1100)]
    assert {(group, count) for _, group, count, _, _ in by_component} == {
        ("search", 4),
        (None, 8),
    }
    assert [count for _, _, count, _, _ in only_web] == [1]
    assert [g for _, g, *_ in series(client, bucket="6h", group_by="status")] == [
        "NORMAL",
        "WARNING",
    ]


def test_a_transformed_series_has_every_bucket(client: TestClient) -> None:
    asked = {"start": NOON.isoformat(), "end": (NOON + 8 * HOUR).isoformat(), "bucket": "1h"}

    def points(**params: Any) -> Any:
        return get(client, "/analytics/timeseries", **asked, **params)

    rate = points(transform="rate")
    average = points(transform="moving_average", window=2, metric="response_time")
    seasonal = points(transform="seasonal")

    assert [point["count"] for point in rate["points"]] == [2] * 6 + [0] * 2
    assert rate["points"][0]["transformed"] == pytest.approx(2 / 3600)
    assert rate["points"][7]["transformed"] == 0
    assert [point["transformed"] for point in average["points"]][:3] == [None, 150, 350]
    assert average["points"][7]["transformed"] is None
    # A season is a day.
    assert (rate["missing_because"], seasonal["transform"]) == (None, "seasonal")
    assert "too few buckets" in seasonal["missing_because"]
    assert {point["trend"] for point in seasonal["points"]} == {None}
    week = {"start": (NOON - 60 * HOUR).isoformat(), "end": (NOON + 12 * HOUR).isoformat()}
    parts = get(client, "/analytics/timeseries", **week, bucket="6h", transform="seasonal")
    assert parts["missing_because"] is None
    known = [point for point in parts["points"] if point["trend"] is not None]
    assert len(known) == len(parts["points"]) - 4
    for point in known:
        whole = point["trend"] + point["seasonal"] + point["residual"]
        assert whole == pytest.approx(point["count"])


def test_what_is_no_number_is_counted_but_not_measured(client: TestClient) -> None:
    day = {"start": NOON.isoformat(), "end": (NOON + 6 * HOUR).isoformat()}
    [point] = get(client, "/analytics/timeseries", bucket="6h", metric="note", **day)["points"]

    assert (point["count"], point["measured"], point["mean"]) == (12, 1, 3)


def test_values_of_any_size_have_a_series(monitoring_client: TestClient) -> None:
    values = [1e200, -1e200, 1.7e308, 1.7e308, -1.7e308, -1.7e308, 5e-324, 2**62]
    for n, value in enumerate(values):
        event = a_system_event(event_id=f"e{n}", source="a" if n < 2 else "b", data={"x": value})
        assert monitoring_client.post(f"{BASE}/events", json=event).status_code == 201
    monitoring_client.post(
        f"{BASE}/events/batch",
        json=[
            a_system_event(event_id=f"c{n}", source="c", data={"x": 1.7e308}) for n in range(100)
        ],
    )

    by_source = series(monitoring_client, bucket="6h", group_by="source", metric="x")

    assert [(group, count, largest) for _, group, count, _, largest in by_source] == [
        ("a", 2, 1e200),
        ("b", 6, 1.7e308),
        ("c", 100, 1.7e308),
    ]
    means = {group: mean for _, group, _, mean, _ in by_source}
    assert means["a"] == 0
    assert abs(means["b"]) < 1e294
    assert means["c"] == pytest.approx(1.7e308)


def test_percentiles_of_values_of_any_size(
    monitoring_client: TestClient, monitoring: MonitoringDatabase
) -> None:
    if monitoring.use_fallback:
        pytest.skip("percentiles need PostgreSQL")
    for n, value in enumerate([-1.7e308, 1.7e308, 5e-324]):
        event = a_system_event(event_id=f"e{n}", data={"x": value})
        monitoring_client.post(f"{BASE}/events", json=event)
    day = {"start": NOON.isoformat(), "end": (NOON + HOUR).isoformat()}

    [point] = get(
        monitoring_client, "/analytics/timeseries", metric="x", percentiles="true", **day
    )["points"]

    assert (point["p50"], point["p99"]) == (5e-324, pytest.approx(8e307, rel=0.1))


def test_a_metric_may_be_one_key_with_dots(monitoring_client: TestClient) -> None:
    for n, data in enumerate(
        [{"http.ms": 10}, {"http": {"ms": 20}}, {"http": {"ms": "x"}, "http.ms": 60}]
    ):
        monitoring_client.post(f"{BASE}/events", json=a_system_event(event_id=f"e{n}", data=data))

    assert series(monitoring_client, bucket="6h", metric="http.ms") == [("12:00", None, 3, 30, 60)]


def test_events_without_the_metric_have_no_part_in_percentiles(
    monitoring_client: TestClient, monitoring: MonitoringDatabase
) -> None:
    if monitoring.use_fallback:
        pytest.skip("percentiles need PostgreSQL")
    for data in ({"x": 1}, {"x": 3}, {}, {}, {}):
        monitoring.add_log("web", "request", data=data, timestamp=NOON)
    day = {"start": NOON.isoformat(), "end": (NOON + HOUR).isoformat()}

    [point] = get(
        monitoring_client, "/analytics/timeseries", metric="x", percentiles="true", **day
    )["points"]

    assert (point["count"], point["measured"], point["p50"]) == (5, 2, 2)


def test_percentiles_need_postgresql(client: TestClient, monitoring: MonitoringDatabase) -> None:
    day = {"start": NOON.isoformat(), "end": (NOON + 6 * HOUR).isoformat()}
    asked = {"bucket": "6h", "metric": "response_time", "percentiles": "true", **day}
    answer = client.get(f"{BASE}/analytics/timeseries", params=asked)

    if monitoring.use_fallback:
        assert answer.status_code == 501
        assert answer.json()["type"] == "urn:veritas:problem:needs-postgresql"
    else:
        [point] = answer.json()["points"]
        assert (point["p50"], point["p95"], point["p99"]) == pytest.approx((550, 1045, 1089))


def test_a_series_without_times_is_of_the_last_day(client: TestClient) -> None:
    points = get(client, "/analytics/timeseries", bucket="1d")["points"]

    assert sum(point["count"] for point in points) == 1


@pytest.mark.parametrize(
    "asked",
    [
        {"bucket": "7m"},
        {"group_by": "message"},
        {"metric": "a b"},
        {"metric": "a'); DROP TABLE x"},
        {"bucket": "1m", "start": "2026-03-01T00:00:00Z", "end": "2026-03-03T00:00:00Z"},
        {"start": "2026-03-02T00:00:00Z", "end": "2026-03-02T00:00:00Z"},
        {"nonsense": "1"},
    ],
    ids=str,
)
def test_a_series_that_cannot_be_given_is_refused(
    monitoring_client: TestClient, asked: dict[str, str]
) -> None:
    assert monitoring_client.get(f"{BASE}/analytics/timeseries", params=asked).status_code == 422
