"""No look-ahead: later events and marks do not change the features of an instant."""

from dataclasses import asdict
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from dropout_service.database import DropoutDatabaseManager, EventToStore
from dropout_service.models import Base
from shared_db.connection.database import Database
from tests.support.factories import NOON, days
from tests.support.past_events import (
    END,
    HINT,
    START,
    SUBMIT,
    VIEW,
    an_answer,
    an_event,
    features_at,
)

EVENTS = st.lists(
    st.builds(
        lambda hours, kind, question, right, answer, course: (
            an_answer(NOON + timedelta(hours=hours), question, answer, right=right)
            if kind is SUBMIT
            else an_event(NOON + timedelta(hours=hours), kind, course=course)
        ),
        st.integers(-24 * 60, 24 * 10),
        st.sampled_from([SUBMIT, SUBMIT, HINT, VIEW, START, END]),
        st.sampled_from(["q1", "q2", "q3"]),
        st.booleans(),
        st.sampled_from("ab"),
        st.sampled_from([None, "math"]),
    ),
    max_size=30,
)


def test_later_data_change_no_features_or_predictions() -> None:
    """Two equal students, one with data after `as_of`, have equal features and predictions."""
    database = Database.in_memory(Base.metadata)
    manager = DropoutDatabaseManager(database)
    count = iter(range(10_000))

    @settings(max_examples=12)
    @given(EVENTS, st.lists(st.integers(-60, 20), max_size=5))
    def holds(events: list[EventToStore], marks: list[int]) -> None:
        informed, ignorant = f"later-{next(count)}", f"now-{next(count)}"
        for student_id, until in ((informed, NOON + days(99)), (ignorant, NOON)):
            manager.students.add(student_id)
            manager.events.add_many(
                [
                    EventToStore(**{**asdict(event), "student_id": student_id})
                    for event in events
                    if event.occurred_at is not None and event.occurred_at <= until
                ]
            )
            for day in marks:
                if NOON + days(day) <= until:
                    manager.assessments.add(
                        student_id, "quiz", "Art", abs(day), submitted_at=NOON + days(day)
                    )
        later = manager.features.compute(informed, as_of=NOON)
        now = manager.features.compute(ignorant, as_of=NOON)
        assert later.features == now.features

    holds()
    database.close()


def test_later_data_change_no_features_on_both_stores(db_manager: DropoutDatabaseManager) -> None:
    past = [an_answer(NOON - days(n), f"q{n % 4}", "ab"[n % 2], right=n % 3 > 0) for n in range(40)]
    db_manager.events.add_many(past)
    db_manager.assessments.add("s001", "quiz", "Math", 40, submitted_at=NOON - days(1))
    before = features_at(db_manager, NOON)
    prediction = db_manager.predictions.predict("s001", as_of=NOON)

    future = [an_answer(NOON + timedelta(seconds=n), f"q{n}", "c", right=True) for n in (1, 7200)]
    db_manager.events.add_many([*future, an_event(NOON + timedelta(minutes=1), END)])
    db_manager.assessments.add("s001", "quiz", "Math", 99, submitted_at=NOON + days(1))

    assert features_at(db_manager, NOON) == before
    again = db_manager.predictions.predict("s001", as_of=NOON)
    assert again.risk_score == prediction.risk_score
    assert again.primary_indicators == prediction.primary_indicators
    assert features_at(db_manager, NOON + days(2)) != before


def test_a_late_event_counts_at_its_own_time(db_manager: DropoutDatabaseManager) -> None:
    db_manager.events.add_many([an_answer(NOON, "q1", "a", right=True)])
    assert features_at(db_manager, NOON)["questions_correct"] == 1

    db_manager.events.add_many([an_answer(NOON - days(3), "q1", "a", right=True)])

    # The question is still solved once, but on an earlier day.
    seen = features_at(db_manager, NOON)
    assert (seen["questions_attempted"], seen["questions_correct"]) == (1, 1)
    assert seen["answer_stability"] == 1
    assert seen["plateau_days"] == 3
