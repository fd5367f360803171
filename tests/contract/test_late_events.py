"""Late learning events: cost by their number, and independence of the order of arrival."""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, text

from dropout_service.database import DropoutDatabaseManager, EventToStore
from dropout_service.domain.enums import EventType
from dropout_service.models import Base, DailyActivity
from shared_db.connection.database import Database
from tests.support.databases import OpenDatabase
from tests.support.factories import NOON

STORED, LATE = 3000, 50
# The late event and its neighbours; some of them are read more than once.
READ_PER_EVENT = 12
READ = text(
    "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_xact_user_tables"
    " WHERE schemaname = 'dropout' AND relname = 'learning_events'"
)
Figures = list[dict[str, Any]]


def an_event(seconds: float, kind: EventType = EventType.NAVIGATION, **values: Any) -> EventToStore:
    return EventToStore("busy", kind, occurred_at=NOON + timedelta(seconds=seconds), **values)


def an_answer(seconds: float, question: str, *, right: bool, **values: Any) -> EventToStore:
    data = {"correct": right, "answer": int(seconds) % 3}
    return an_event(seconds, EventType.QUESTION_SUBMIT, question_id=question, data=data, **values)


def on_one_day(numbers: Sequence[float]) -> list[EventToStore]:
    return [an_event(n) for n in numbers]


def of_two_courses(numbers: Sequence[float]) -> list[EventToStore]:
    # One course at both ends of the day, the other in between.
    ends = {numbers[0], numbers[-1]} if len(numbers) > LATE else set(numbers)
    return [an_event(n, course="art" if n in ends else "math") for n in numbers]


def to_one_question(numbers: Sequence[float]) -> list[EventToStore]:
    # Over a month; only late answers can be correct.
    hour, is_late = 900, len(numbers) <= LATE
    return [an_answer(n * hour, "q", right=is_late and n % 2 > 1) for n in numbers]


def to_many_questions(numbers: Sequence[float]) -> list[EventToStore]:
    return [an_answer(n, f"q{int(n) % 10}", right=int(n) % 7 == 0) for n in numbers]


def with_session_events(numbers: Sequence[float]) -> list[EventToStore]:
    kinds = (EventType.SESSION_START, EventType.SESSION_END, EventType.NAVIGATION)
    return [an_event(n, kinds[int(n) % 3]) for n in numbers]


@pytest.fixture
def manager(postgres: Database) -> DropoutDatabaseManager:
    return DropoutDatabaseManager(postgres)


def rows_read(manager: DropoutDatabaseManager, events: Sequence[EventToStore]) -> int:
    """Insert events; return the number of event rows that were read for it."""
    with manager.database.unit_of_work() as session:
        session.execute(text("ANALYZE dropout.learning_events, dropout.daily_activity"))
        before: int = session.scalars(READ).one()
    manager.events.add_many(events)
    with manager.database.reading() as session:
        return int(session.scalars(READ).one() - before)


SHAPES = (on_one_day, of_two_courses, to_one_question, to_many_questions, with_session_events)


@pytest.mark.parametrize("shape", SHAPES)
def test_late_events_read_only_their_neighbours(
    manager: DropoutDatabaseManager, shape: Any
) -> None:
    manager.events.add_many(shape(range(STORED)))
    random = Random(0)
    late = [random.uniform(1, STORED - 1) for _ in range(LATE)]

    assert rows_read(manager, shape(late)) < LATE * READ_PER_EVENT
    assert_rollup_matches_events(manager)


def test_session_events_in_order_do_not_read_their_day_again(
    manager: DropoutDatabaseManager,
) -> None:
    manager.events.add_many(with_session_events(range(STORED)))
    next_ones = with_session_events(range(STORED, STORED + LATE))

    assert rows_read(manager, next_ones) < LATE * READ_PER_EVENT
    assert_rollup_matches_events(manager)


def test_the_first_session_event_of_a_day_does_not_read_the_day(
    manager: DropoutDatabaseManager,
) -> None:
    manager.events.add_many([an_event(n * 10) for n in range(STORED)])

    assert rows_read(manager, [an_event(15, EventType.SESSION_START)]) < READ_PER_EVENT
    assert_rollup_matches_events(manager)


def test_session_events_of_other_students_are_not_read(manager: DropoutDatabaseManager) -> None:
    kinds = (EventType.SESSION_START, EventType.NAVIGATION)
    others = [
        EventToStore(f"s{n % 300}", kinds[n % 2], occurred_at=NOON + timedelta(seconds=n))
        for n in range(STORED)
    ]
    manager.events.add_many(others)

    assert rows_read(manager, on_one_day(range(LATE))) < LATE * READ_PER_EVENT


def rollup(manager: DropoutDatabaseManager, student_id: str = "busy") -> Figures:
    names = {*DailyActivity.__table__.columns.keys()} - {"student_id"}
    query = select(DailyActivity).where(DailyActivity.student_id == student_id)
    with manager.database.reading() as session:
        rows = session.scalars(query.order_by(DailyActivity.day, DailyActivity.course)).all()
        return [{name: getattr(row, name) for name in names} for row in rows]


def assert_rollup_matches_events(manager: DropoutDatabaseManager) -> None:
    kept = rollup(manager)
    with manager.database.unit_of_work() as session:
        session.execute(delete(DailyActivity))
    manager.events.rebuild_daily_activity()
    assert kept == rollup(manager)


AN_EVENT = st.fixed_dictionaries(
    {
        # Few instants, so that events coincide; before and after a midnight.
        "minutes": st.sampled_from([0, 1, 20, 31, 70, 719, 720, 721, 751, 1500]),
        "kind": st.sampled_from(
            [
                EventType.QUESTION_SUBMIT,
                EventType.QUESTION_SUBMIT,
                EventType.NAVIGATION,
                EventType.SESSION_START,
                EventType.SESSION_END,
                EventType.RESOURCE_VIEW,
            ]
        ),
        "question_id": st.sampled_from([None, "q1", "q1", "q2"]),
        "course": st.sampled_from([None, "art"]),
        "data": st.fixed_dictionaries(
            {}, optional={"correct": st.booleans(), "answer": st.integers(0, 1)}
        ),
    }
)


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[list[int]]]:
    """Draw events, and batches of their indexes in random order."""
    events = draw(st.lists(AN_EVENT, min_size=2, max_size=14))
    order = draw(st.permutations(range(len(events))))
    cuts = sorted(draw(st.sets(st.integers(1, len(events) - 1))))
    ends = [*cuts, len(events)]
    return events, [list(order[a:b]) for a, b in zip([0, *cuts], ends, strict=True)]


def test_any_order_of_arrival_gives_the_same_days(open_database: OpenDatabase) -> None:
    manager = DropoutDatabaseManager(open_database(Base.metadata))
    names: Iterator[str] = (f"s{n}" for n in range(10_000))

    def sent(student_id: str, events: list[dict[str, Any]], numbers: list[int]) -> None:
        manager.events.add_many(
            [
                EventToStore(
                    student_id,
                    events[n]["kind"],
                    id=f"{student_id}-{n:02}",
                    question_id=events[n]["question_id"],
                    course=events[n]["course"],
                    data=events[n]["data"],
                    occurred_at=NOON + timedelta(minutes=events[n]["minutes"]),
                )
                for n in numbers
            ]
        )

    @settings(max_examples=15)
    @given(arrivals())
    def holds(arrival: tuple[list[dict[str, Any]], list[list[int]]]) -> None:
        events, batches = arrival
        in_order, at_random = next(names), next(names)
        sent(in_order, events, list(range(len(events))))
        for batch in batches:
            sent(at_random, events, batch)
        kept = rollup(manager, at_random)
        assert kept == rollup(manager, in_order)
        with manager.database.unit_of_work() as session:
            session.execute(delete(DailyActivity))
        rebuild(manager)
        assert kept == rollup(manager, at_random)

    holds()


def rebuild(manager: DropoutDatabaseManager) -> None:
    after: str | None = ""
    while after is not None:
        after = manager.events.rebuild_daily_activity(after=after)
