"""Daily rollup on both stores: equal to the totals of the events, in any order of arrival."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import chain, islice
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select

from dropout_service.database import DropoutDatabaseManager, EventToStore
from dropout_service.domain.enums import EventType
from dropout_service.models import Base, DailyActivity
from tests.support.databases import OpenDatabase
from tests.support.factories import NOON, days

SUBMIT = EventType.QUESTION_SUBMIT
AnEvent = tuple[int, EventType, str | None, str | None, bool | None]


def rollup(manager: DropoutDatabaseManager, student_id: str = "s001") -> list[dict[str, Any]]:
    columns = DailyActivity.__table__.columns.keys()
    query = select(DailyActivity).where(DailyActivity.student_id == student_id)
    with manager.database.reading() as session:
        rows = session.scalars(query.order_by(DailyActivity.day, DailyActivity.course)).all()
        return [{name: getattr(row, name) for name in columns} for row in rows]


def rebuilt(manager: DropoutDatabaseManager, student_id: str = "s001") -> list[dict[str, Any]]:
    with manager.database.unit_of_work() as session:
        session.execute(delete(DailyActivity).where(DailyActivity.student_id == student_id))
    after: str | None = ""
    while after is not None:
        after = manager.events.rebuild_daily_activity(after=after, limit=2)
    return rollup(manager, student_id)


def an_answer(number: int, **values: Any) -> EventToStore:
    described = {
        "id": f"e{number}",
        "question_id": f"q{number % 3}",
        "course": "math",
        "occurred_at": NOON + days(number),
        "data": {"correct": number % 2 == 0, "answer": number % 4},
    }
    return EventToStore("s001", SUBMIT, **{**described, **values})


def test_a_day_has_totals_per_course(db_manager: DropoutDatabaseManager) -> None:
    quarter = timedelta(minutes=15)
    db_manager.events.add_many(
        [
            an_answer(0),
            an_answer(1, occurred_at=NOON + quarter),
            EventToStore("s001", EventType.HINT_REQUEST, occurred_at=NOON + 2 * quarter),
            EventToStore("s001", EventType.NAVIGATION, occurred_at=NOON + days(1)),
        ]
    )

    outside, math, next_day = rollup(db_manager)

    assert (outside["course"], outside["events"], outside["hints"]) == ("", 1, 1)
    assert (math["course"], math["submissions"], math["graded"], math["correct"]) == (
        "math",
        2,
        2,
        1,
    )
    assert (math["questions_new"], math["questions_solved"]) == (2, 1)
    assert (math["sessions"], math["session_seconds"]) == (1, pytest.approx(900))
    assert next_day["day"] == outside["day"] + 1


def test_replays_do_not_count_twice(db_manager: DropoutDatabaseManager) -> None:
    batch = [an_answer(number) for number in range(6)]
    db_manager.events.add_many(batch)
    once = rollup(db_manager)
    db_manager.events.add_many([*batch, *batch])
    db_manager.events.add(
        "e0",
        "s001",
        "q0",
        "QUESTION_SUBMIT",
        course="math",
        data={"correct": True, "answer": 0},
        occurred_at=NOON,
    )

    assert rollup(db_manager) == once
    assert sum(row["events"] for row in once) == 6


def test_the_order_of_arrival_does_not_matter(db_manager: DropoutDatabaseManager) -> None:
    for number in (4, 1, 7, 0, 3, 6, 2, 5):
        db_manager.events.add_many([an_answer(number)])

    kept = rollup(db_manager)

    assert [row["questions_new"] for row in kept] == [1, 1, 1, 0, 0, 0, 0, 0]
    assert [row["questions_solved"] for row in kept] == [1, 0, 1, 0, 1, 0, 0, 0]
    assert kept == rebuilt(db_manager)


def test_a_growing_day_always_matches_its_events(
    db_manager: DropoutDatabaseManager,
) -> None:
    kinds = (
        EventType.NAVIGATION,
        EventType.NAVIGATION,
        EventType.SESSION_START,  # from here on a pause alone begins no session
        EventType.NAVIGATION,
        EventType.SESSION_END,
        EventType.NAVIGATION,
        SUBMIT,
    )
    sessions = []
    for hour, kind in enumerate(kinds):
        at = NOON + timedelta(hours=hour)
        db_manager.events.add_many([EventToStore("s001", kind, occurred_at=at)])
        kept = rollup(db_manager)
        sessions.append(kept[0]["sessions"])
        assert kept == rebuilt(db_manager)

    assert sessions == [1, 2, 2, 2, 2, 3, 3]


def test_the_rollup_matches_the_events(open_own_database: OpenDatabase) -> None:
    manager = DropoutDatabaseManager(open_own_database(Base.metadata))
    students = iter(range(10_000))
    an_event = st.tuples(
        st.integers(0, 96),
        st.sampled_from([SUBMIT, SUBMIT, *EventType]),
        st.sampled_from([None, "q1", "q2"]),
        st.sampled_from([None, "art"]),
        st.sampled_from([None, True, False]),
    )

    @settings(max_examples=15)
    @given(st.lists(st.lists(an_event, max_size=8), max_size=4), st.booleans())
    def holds(sent: list[list[AnEvent]], is_in_time: bool) -> None:
        student_id = f"s{next(students)}"
        manager.students.add(student_id)
        batches = in_time(sent) if is_in_time else sent
        for batch in batches:
            manager.events.add_many(
                [
                    EventToStore(
                        student_id,
                        kind,
                        question_id=question,
                        course=course,
                        data={"correct": right, "answer": hours % 2},
                        occurred_at=NOON + timedelta(hours=hours),
                    )
                    for hours, kind, question, course, right in batch
                ]
            )
        kept = rollup(manager, student_id)
        assert sum(row["events"] for row in kept) == sum(map(len, batches))
        assert kept == rebuilt_alone(manager, student_id)

    holds()


def in_time(batches: list[list[AnEvent]]) -> list[list[AnEvent]]:
    events = iter(sorted(chain(*batches), key=lambda event: event[0]))
    return [list(islice(events, len(batch))) for batch in batches]


def rebuilt_alone(manager: DropoutDatabaseManager, student_id: str) -> list[dict[str, Any]]:
    before = student_id[:-1] + chr(ord(student_id[-1]) - 1) + "~"
    with manager.database.unit_of_work() as session:
        session.execute(delete(DailyActivity).where(DailyActivity.student_id == student_id))
    manager.events.rebuild_daily_activity(after=before, limit=1)
    return rollup(manager, student_id)


def test_parallel_writers_lose_no_event(open_own_database: OpenDatabase) -> None:
    manager = DropoutDatabaseManager(open_own_database(Base.metadata))

    def send(turn: int) -> None:
        events = [
            EventToStore(
                f"s{(turn + n) % 3:03}",
                SUBMIT,
                id=f"{turn}-{n}",
                question_id=f"q{n % 2}",
                data={"correct": True},
                occurred_at=NOON + timedelta(seconds=turn),
            )
            for n in range(6)
        ]
        # Forwards and backwards by turns: parallel batches must not deadlock.
        manager.events.add_many(events if turn % 2 else events[::-1])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(send, range(24)))

    kept = [row for number in range(3) for row in rollup(manager, f"s{number:03}")]
    assert [row["events"] for row in kept] == [48, 48, 48]
    assert [row["questions_new"] for row in kept] == [2, 2, 2]
    assert [row["questions_solved"] for row in kept] == [2, 2, 2]


def test_a_rebuild_without_students_ends(db_manager: DropoutDatabaseManager) -> None:
    assert db_manager.events.rebuild_daily_activity() is None
