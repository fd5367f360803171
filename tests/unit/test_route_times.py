"""Times of routes from a text of Prometheus' format, with its own client as the other side."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, Histogram, generate_latest

from veritas_web.domain.system.route_times import RouteTimes, percentile, slowest
from veritas_web.services.operations.metrics import parsed

LABELS = ("http_request_method", "http_route", "http_response_status_code")
LIMITS = (0.1, 0.5, 1.0)
PATH = '/api/v1/students/{student_id} with "quotes"\\'


def metrics(*requests: tuple[str, str, int, float]) -> str:
    """Return the text of a service that has answered these requests."""
    registry = CollectorRegistry()
    name = "http_server_request_duration_seconds"
    times = Histogram(name, "Time.", LABELS, registry=registry, buckets=LIMITS)
    Histogram("other_seconds", "Other.", registry=registry).observe(1)
    for method, route, status, seconds in requests:
        times.labels(method, route, str(status)).observe(seconds)
    return generate_latest(registry).decode()


def rows(*requests: tuple[str, str, int, float]) -> list[RouteTimes]:
    return slowest("monitoring", parsed(metrics(*requests)))


def test_routes_are_summed_over_their_statuses_and_sorted_by_time() -> None:
    quick = [("GET", "/quick", 200, 0.01)] * 40
    slow = [("GET", PATH, 200, 0.6)] * 18 + [("GET", PATH, 503, 0.6)] * 2
    rare = [("POST", "/rare", 200, 0.9)] * 19
    first, second = rows(*quick, *slow, *rare)

    assert (first.route, first.requests, first.error_share) == (PATH, 20, 0.1)
    # All are between 0.5 and 1, evenly spread: 95 of 100 are below this place.
    assert first.seconds == pytest.approx(0.975)
    assert second.seconds == pytest.approx(0.095)
    assert (second.route, first.is_more) == ("/quick", False)


def test_beyond_the_last_limit_only_that_is_known() -> None:
    beyond, within = rows(
        *([("GET", "/beyond", 200, 30.0)] * 20), *([("GET", "/within", 200, 0.7)] * 20)
    )

    assert (beyond.route, beyond.seconds, beyond.is_more) == ("/beyond", 1.0, True)
    assert (within.route, within.is_more) == ("/within", False)


def test_without_requests_nothing_is_estimated() -> None:
    assert rows() == []
    assert percentile({}) is None
    assert percentile({0.1: 0, inf: 0}) is None


@given(st.lists(st.floats(0, 3), min_size=1))
def test_the_estimate_is_in_the_bucket_of_the_real_percentile(seconds: list[float]) -> None:
    ordered = sorted(seconds)
    real = ordered[max(0, -(-19 * len(ordered) // 20) - 1)]
    counts = {limit: sum(each <= limit for each in seconds) for limit in (*LIMITS, inf)}
    found = percentile(counts)

    assert found is not None
    estimate, is_more = found
    if is_more:
        assert (estimate, real > LIMITS[-1]) == (LIMITS[-1], True)
    else:
        upper = min(limit for limit in LIMITS if estimate <= limit)
        lower = max([0.0, *(limit for limit in LIMITS if limit < upper)])
        assert lower <= real <= upper or estimate == pytest.approx(lower)


def test_another_format_is_refused() -> None:
    with pytest.raises((ValueError, KeyError)):
        list(parsed('http_server_request_duration_seconds_bucket{le="1"} 3\n'))
    with pytest.raises(ValueError, match=r".*"):
        list(parsed("<html>{not metrics}"))
