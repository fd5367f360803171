"""Comparison of series from rollups with the events themselves."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from math import ceil, floor
from typing import Any

import pytest
from hypothesis import strategies as st
from sqlalchemy import select

from monitoring_service.database import EventToStore, MonitoringDatabase
from monitoring_service.database.rollups.sketch import PERCENTILES
from monitoring_service.database.timeseries import GroupBy, Point, Series
from monitoring_service.models import MonitoringLog
from shared_db.clock import utc_now
from shared_db.queries.dialects import Operator
from shared_db.queries.filters import Filter

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
# All events meet it, and rollups cannot.
EVERYTHING = Filter("event_type", Operator.EQ, "request")
_FIGURES = ("start", "group", "count", "measured", "max")
_ids = count()


def midnight(days_ago: int) -> datetime:
    """Return the start of a day in UTC."""
    today = utc_now().astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    return today - days_ago * DAY


def an_event(source: str, at: datetime, **data: float) -> EventToStore:
    """Return an event with an id of its own."""
    return EventToStore(source, "request", data=data, timestamp=at, event_id=f"e{next(_ids)}")


def a_series(draw: Callable[[Any], Any]) -> Series:
    """Return a series of the last five days."""
    late = midnight(4) + draw(st.timedeltas(timedelta(0), 2 * DAY))
    start = draw(st.sampled_from([midnight(4), late]))
    some = [Filter("source", Operator.IN, sources) for sources in (["s0", "s2", "no"], ["s1"])]
    return Series(
        start,
        draw(st.sampled_from([start + 2 * DAY, utc_now(), midnight(0) + DAY])),
        draw(st.sampled_from([3_600, 21_600, 86_400])),
        draw(st.sampled_from([None, GroupBy.SOURCE])),
        draw(st.sampled_from([("x",), ("y",), None, ("absent",)])),
        filters=draw(st.sampled_from([(), *((one,) for one in some)])),
    )


def assert_equal(manager: MonitoringDatabase, series: Series) -> bool:
    """Compare a series with its events; return True if rollups were used."""
    series = replace(series, percentiles=True)
    found = manager.timeseries.compute(series)
    by_events = replace(series, filters=(*series.filters, EVERYTHING))
    exact = manager.timeseries.compute(by_events)
    assert not exact.from_rollups
    assert _figures(found.points) == _figures(exact.points)
    numbers = _numbers(manager, series)
    for near, true in zip(found.points, exact.points, strict=True):
        assert (near.mean or 0) == pytest.approx(true.mean or 0, rel=1e-12)
        known = sorted(numbers[true.start, true.group])
        for name, share in PERCENTILES.items():
            _assert_near(getattr(near, name), getattr(true, name), known, share)
    return found.from_rollups


def _figures(points: Sequence[Point]) -> list[tuple[Any, ...]]:
    return [tuple(getattr(point, name) for name in _FIGURES) for point in points]


def _assert_near(near: float | None, true: float | None, known: list[float], share: float) -> None:
    """Compare percentiles: within 1 % of the larger of the two numbers that they lie between."""
    if near is None or true is None:
        assert near is true is None
        assert not known
        return
    rank = share * (len(known) - 1)
    largest = max(abs(known[floor(rank)]), abs(known[ceil(rank)]))
    assert abs(near - true) <= max(0.01001 * largest, 1e-300), (near, true, known)


def _numbers(
    manager: MonitoringDatabase, series: Series
) -> dict[tuple[datetime, str | None], list[float]]:
    """Return the numbers of the metric by bucket and group."""
    query = select(MonitoringLog).where(
        MonitoringLog.timestamp >= series.start, MonitoringLog.timestamp < series.end
    )
    wanted = [source for one in series.filters for source in one.value]
    found = defaultdict[tuple[datetime, str | None], list[float]](list)
    if series.metric is None:
        return found
    [metric] = series.metric
    with manager.database.reading() as session:
        for log in session.scalars(query):
            if metric in (log.data or {}) and (not wanted or log.source in wanted):
                at = log.timestamp.timestamp() // series.bucket_seconds * series.bucket_seconds
                group = log.source if series.group_by else None
                number = max(min(float((log.data or {})[metric]), 8e307), -8e307)
                found[datetime.fromtimestamp(at, UTC), group].append(number)
    return found
