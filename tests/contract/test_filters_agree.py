"""Whatever is asked for, both stores find the same rows, and those that Python would."""

import operator
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from monitoring_service.database import EventToStore, MonitoringDatabase
from monitoring_service.models import Base
from shared_db.connection.database import Database
from shared_db.queries.filters import Filter, Operator
from tests.support.factories import NOON, days

TEXTS = ["a", "A", "ab", "aB%", "a_b", "%", "_", "ö", "Ö", "ßa", "a\\b", "'", '"a"', "1", "true"]
NUMBERS: list[float] = [0, 1, -1, 1.5, 250, 250.5, 1e15, -0.25, 9007199254740993]
JSON: list[Any] = [*TEXTS, *NUMBERS, True, False, None, [1], {"a": 1}, [{"a": 1}], "", "250"]

ROWS = {
    f"e{n:03}": EventToStore(
        source=TEXTS[n % len(TEXTS)],
        event_type="request",
        message=None if n % 7 == 0 else TEXTS[(5 * n) % len(TEXTS)],
        data={
            "k": JSON[n % len(JSON)],
            "in": {"deep": JSON[(3 * n) % len(JSON)], "x.y": JSON[(7 * n) % len(JSON)]},
            "in.x": {"y": JSON[(11 * n) % len(JSON)]} if n % 3 else 1,
        },
        timestamp=NOON + days(n),
        event_id=f"e{n:03}",
    )
    for n in range(60)
}

COMPARISONS: dict[Operator, Callable[[Any, Any], bool]] = {
    Operator.EQ: operator.eq,
    Operator.NE: operator.ne,
    Operator.GT: operator.gt,
    Operator.GTE: operator.ge,
    Operator.LT: operator.lt,
    Operator.LTE: operator.le,
    Operator.CONTAINS: operator.contains,
    Operator.STARTSWITH: lambda stored, wanted: stored.startswith(wanted),
}


def is_of_one_type(stored: Any, wanted: Any) -> bool:
    if isinstance(wanted, bool) or isinstance(stored, bool) or wanted is None:
        return type(stored) is type(wanted)
    return isinstance(stored, str) is isinstance(wanted, str) and isinstance(
        stored, str | int | float
    )


def is_met(wanted: Filter, row: EventToStore) -> bool:
    """Return the result of the same filter in Python."""
    values = wanted.value if wanted.operator is Operator.IN else (wanted.value,)
    compare = COMPARISONS[Operator.EQ if wanted.operator is Operator.IN else wanted.operator]
    return any(
        is_of_one_type(stored, value) and compare(stored, value)
        for stored in values_at(getattr(row, wanted.field), wanted.path)
        for value in values
    )


def values_at(stored: Any, path: tuple[str, ...]) -> list[Any]:
    """Return the values that the path can mean, with dots between keys or inside of them."""
    if not path:
        return [stored]
    found = []
    for end in range(1, len(path) + 1):
        key = ".".join(path[:end])
        if isinstance(stored, dict) and key in stored:
            found += values_at(stored[key], path[end:])
    return found


@pytest.fixture(scope="module")
def in_memory() -> Iterator[MonitoringDatabase]:
    """Give the manager with the rows in memory."""
    database = Database.in_memory(Base.metadata)
    manager = MonitoringDatabase(database)
    manager.events.add_many(list(ROWS.values()))
    yield manager
    database.close()


@pytest.fixture
def on_postgresql(postgres: Database) -> MonitoringDatabase:
    """Give the manager with the same rows on PostgreSQL."""
    manager = MonitoringDatabase(postgres)
    manager.events.add_many(list(ROWS.values()))
    return manager


texts = st.sampled_from(TEXTS)
columns = st.sampled_from(["source", "message"])
paths = st.sampled_from([("k",), ("in", "deep"), ("nothing",), ("k", "a"), ("in", "x", "y")])
ordered = st.sampled_from([Operator.EQ, Operator.NE, Operator.GT, Operator.GTE, Operator.LTE])
on_text = st.sampled_from([Operator.EQ, Operator.NE, Operator.CONTAINS, Operator.STARTSWITH])
truths = st.sampled_from([True, False])

filters = st.one_of(
    st.builds(Filter, columns, on_text, texts),
    st.builds(Filter, columns, st.just(Operator.IN), st.lists(texts, min_size=1).map(tuple)),
    st.builds(Filter, st.just("data"), on_text | ordered, texts, paths),
    st.builds(Filter, st.just("data"), ordered, st.sampled_from(NUMBERS), paths),
    st.builds(Filter, st.just("data"), st.sampled_from([Operator.EQ, Operator.NE]), truths, paths),
    st.builds(
        Filter,
        st.just("data"),
        st.just(Operator.IN),
        st.lists(texts | st.sampled_from(NUMBERS) | truths, min_size=1, max_size=5).map(tuple),
        paths,
    ),
)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(wanted=st.lists(filters, min_size=1, max_size=2))
@example(wanted=[Filter("data", Operator.IN, (1.5, 9007199254740993), ("k",))])
def test_both_stores_find_what_python_would(
    in_memory: MonitoringDatabase, on_postgresql: MonitoringDatabase, wanted: list[Filter]
) -> None:
    expected = {id_ for id_, row in ROWS.items() if all(is_met(f, row) for f in wanted)}

    found = [
        {log.id for log in manager.get_logs(filters=wanted, count=False)[0]}
        for manager in (in_memory, on_postgresql)
    ]

    assert found == [expected, expected]


def test_null_is_found_only_where_it_is_written(
    in_memory: MonitoringDatabase, on_postgresql: MonitoringDatabase
) -> None:
    null = Filter("data", Operator.EQ, None, ("k",))
    absent = Filter("data", Operator.EQ, None, ("nothing",))
    written = {id_ for id_, row in ROWS.items() if row.data and row.data["k"] is None}

    for manager in (in_memory, on_postgresql):
        assert {log.id for log in manager.get_logs(filters=[null])[0]} == written
        assert manager.get_logs(filters=[absent])[1] == 0
