"""Properties of the health of all systems, and the examples of docs/scores.md."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitoring_service.domain.findings import HealthStatus
from monitoring_service.domain.health import (
    NO_RECENT_EVENTS,
    WINDOW_MINUTES,
    SourceMinute,
    health_of,
    health_status,
)


def a_minute(age: float, severity: float, source: str = "db", events: int = 1) -> SourceMinute:
    """Return a minute of events that all have this severity."""
    return SourceMinute(source, age, {HealthStatus.NORMAL: events}, severity * events)


minutes = st.lists(
    st.builds(
        a_minute,
        st.floats(0, WINDOW_MINUTES),
        st.floats(0, 1),
        st.sampled_from(["db", "web"]),
        st.integers(1, 1000),
    ),
    max_size=40,
)


def severity(*heard: SourceMinute) -> float:
    found = health_of(heard).severity
    assert found is not None
    return found


def after(bad_minutes: int) -> list[SourceMinute]:
    """Return half an hour with bad last minutes."""
    return [a_minute(age, 1.0 if age < bad_minutes else 0.0) for age in range(WINDOW_MINUTES + 1)]


@pytest.mark.parametrize(
    ("heard", "expected", "status"),
    [
        ([a_minute(0, 1)], 0.5, HealthStatus.WARNING),
        ([a_minute(10, 1)], 0.2, HealthStatus.NORMAL),
        ([a_minute(0, 1), a_minute(1, 1)], 0.65, HealthStatus.CRITICAL),
        (after(3), 0.30, HealthStatus.WARNING),
        (after(10), 0.67, HealthStatus.CRITICAL),
        ([a_minute(age, 0.001, events=1000) for age in range(30)], 0.001, HealthStatus.NORMAL),
    ],
)
def test_the_examples_of_the_documentation(
    heard: list[SourceMinute], expected: float, status: HealthStatus
) -> None:
    health = health_of(heard)

    assert health.severity == pytest.approx(expected, abs=0.005)
    assert health.status is status


@given(minutes)
def test_the_severity_is_that_of_the_worst_source(heard: list[SourceMinute]) -> None:
    health = health_of(heard)

    if not heard:
        assert (health.status, health.severity, health.missing_because) == (
            None,
            None,
            NO_RECENT_EVENTS,
        )
        return
    assert health.severity is not None
    assert 0 <= health.severity <= 1
    assert health.severity == max(health.sources.values())
    assert health.status is health_status(health.severity)


@settings(max_examples=30)
@given(minutes.filter(bool), st.integers(1, 1000))
def test_normal_events_of_another_source_do_not_lower_the_severity(
    heard: list[SourceMinute], count: int
) -> None:
    others = [a_minute(age, 0, "other", count) for age in range(WINDOW_MINUTES)]

    assert severity(*heard, *others) == severity(*heard)


@given(minutes.filter(bool), st.floats(0, 1), st.floats(0, 1))
def test_a_worse_minute_never_lowers_the_severity(
    heard: list[SourceMinute], one: float, other: float
) -> None:
    lower, higher = sorted((one, other))

    before = severity(*heard, a_minute(0, lower))
    after_it = severity(*heard, a_minute(0, higher))

    assert before <= after_it + 1e-12


@given(st.floats(0, WINDOW_MINUTES), st.floats(0, WINDOW_MINUTES), st.floats(0.01, 1))
def test_older_minutes_count_less(one: float, other: float, bad: float) -> None:
    newer, older = sorted((one, other))

    assert severity(a_minute(newer, bad)) >= severity(a_minute(older, bad))


@given(minutes.filter(bool), st.integers(1, 10_000))
def test_the_number_of_events_in_a_minute_does_not_count(
    heard: list[SourceMinute], events: int
) -> None:
    few = severity(*heard, a_minute(0, 1, events=1))
    many = severity(*heard, a_minute(0, 1, events=events))

    assert few == pytest.approx(many)


def test_minutes_older_than_the_window_do_not_count() -> None:
    assert health_of([a_minute(WINDOW_MINUTES + 1, 1)]).status is None
    assert health_of([a_minute(0, 1)]).status_of_source("nobody") is None
