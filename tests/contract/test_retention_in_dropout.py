"""Deletion by age in dropout on both stores: rollup, first uses and overall risk follow."""

from collections.abc import Collection
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from dropout_service.database import DropoutDatabaseManager, EventToStore
from dropout_service.database.retention import RetentionRepository
from dropout_service.domain.enums import EventType
from dropout_service.models import (
    Course,
    DropoutPrediction,
    Enrolment,
    ResourceUse,
)
from shared_db.retention import repository
from tests.contract.test_rollup import rebuilt, rollup
from tests.support.ageing import ago, announced, deleted
from tests.support.rosters import today as day

SUBMIT, VIEW = EventType.QUESTION_SUBMIT, EventType.RESOURCE_VIEW


def answer(at: datetime, question: str, *, right: bool, student: str = "s001") -> EventToStore:
    data = {"correct": right, "answer": f"{question} {right}"}
    return EventToStore(
        student, SUBMIT, question_id=question, occurred_at=at, data=data, course="math"
    )


def view(at: datetime, kind: str) -> EventToStore:
    return EventToStore("s001", VIEW, occurred_at=at, data={"activity": kind}, course="math")


def fill_events(manager: DropoutDatabaseManager) -> None:
    manager.events.add_many(
        [
            answer(ago(50), "q1", right=True),
            answer(ago(50), "q2", right=False),
            answer(ago(40), "q1", right=True),
            view(ago(40), "forum"),
            view(ago(35), "wiki"),
            answer(ago(20), "q1", right=False),
            answer(ago(19), "q2", right=True),
            answer(ago(18), "q1", right=True),
            view(ago(18), "forum"),
            answer(ago(60), "q1", right=True, student="s002"),
        ]
    )


def uses(manager: DropoutDatabaseManager) -> dict[str, date]:
    with manager.database.reading() as session:
        rows = session.scalars(select(ResourceUse)).all()
    return {row.resource_type: date(1970, 1, 1) + timedelta(days=row.first_day) for row in rows}


def test_the_rollup_equals_that_of_the_kept_events(db_manager: DropoutDatabaseManager) -> None:
    fill_events(db_manager)

    assert deleted(db_manager, {"events": 30}) == {
        "learning_events": 6,
        "daily_activity": 4,
        "resource_uses": 1,
    }
    kept = rollup(db_manager)
    assert len(kept) == 3
    assert kept == rebuilt(db_manager)
    assert uses(db_manager) == {"forum": ago(18).date()}
    assert rollup(db_manager, "s002") == []


class CountedTransactions(RetentionRepository):
    """Deletion by age that counts its transactions."""

    transactions = 0

    def lock(self, session: Session, student_ids: Collection[str]) -> set[str]:
        self.transactions += 1
        return super().lock(session, student_ids)


def test_a_student_with_many_rows_takes_several_transactions(
    db_manager: DropoutDatabaseManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "ROWS_AT_ONCE", 3)
    db_manager.retention = CountedTransactions(db_manager.database)
    fill_events(db_manager)
    db_manager.events.add_many(
        [answer(ago(60 + number % 4), f"q{number}", right=True) for number in range(40)]
    )

    found = deleted(db_manager, {"events": 30})

    assert found["learning_events"] == 46
    assert db_manager.retention.transactions > 4
    assert rollup(db_manager) == rebuilt(db_manager)


def test_predictions_features_and_marks_go_with_their_parts(
    db_manager: DropoutDatabaseManager,
) -> None:
    db_manager.events.add_many([view(ago(n), "forum") for n in range(60, 80)])
    old = db_manager.predictions.predict("s001", as_of=ago(40))
    db_manager.predictions.predict("s001", as_of=ago(20), course=None)
    db_manager.features.compute("s001", as_of=ago(40))
    db_manager.feedback.add(old.id, "accepted", note="right")
    mark = db_manager.assessments.add("s001", "quiz", "Math", 50, submitted_at=ago(40))
    db_manager.assessments.update(mark.id, {"score": 60.0}, actor="office", reason="typing error")
    limits = {"predictions": 30, "features": 30, "marks": 30, "corrections": 30}

    found = deleted(db_manager, limits)

    assert found["prediction_feedback"] == 1
    assert found["dropout_predictions"] == 1
    assert found["feature_sets"] >= 1
    assert found["assessments"] == 1
    with db_manager.database.reading() as session:
        [left] = session.scalars(select(DropoutPrediction)).all()
    assert left.is_latest
    assert left.is_overall
    found = deleted(db_manager, {"predictions": 10})
    assert found == {"dropout_predictions": 1}


def test_enrolments_of_past_courses_go(db_manager: DropoutDatabaseManager) -> None:
    with db_manager.database.unit_of_work() as session:
        for number, begin in enumerate((-230, -229)):
            named = {"id": f"c{number}", "digest": b"0"}
            session.add(
                Course(**named, module="M", presentation="P", starts_on=day(begin), length_days=200)
            )
            session.flush()
    for number in range(2):
        db_manager.students.add(f"s{number}")
        with db_manager.database.unit_of_work() as session:
            session.add(
                Enrolment(
                    id=f"e{number}", digest=b"0", student_id=f"s{number}", course_id=f"c{number}"
                )
            )

    assert deleted(db_manager, {"roster": 30}) == {"enrolments": 1}
    with db_manager.database.reading() as session:
        assert session.scalars(select(Enrolment.id)).all() == ["e1"]


class StoppedAfterOne(RetentionRepository):
    """Deletion by age that is stopped in its first transaction, as by the end of the service."""

    def lock(self, session: Session, student_ids: Collection[str]) -> set[str]:
        self.stop()
        return super().lock(session, student_ids)


def test_a_stopped_run_leaves_whole_days_and_the_next_continues(
    db_manager: DropoutDatabaseManager, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(repository, "ROWS_AT_ONCE", 1)
    fill_events(db_manager)
    before = announced(db_manager, {"events": 30})

    first = StoppedAfterOne(db_manager.database).run({"events": 30})
    rest = db_manager.retention.run({"events": 30})

    assert not first.is_complete
    assert 0 < first.deleted["learning_events"] < before["learning_events"]
    assert dict(+(first.deleted + rest.deleted)) == before
    assert rollup(db_manager) == rebuilt(db_manager)
