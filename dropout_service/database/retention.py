"""Deletion by age in dropout: what was derived from deleted rows follows in the transaction.

Students who left are erased by the tombstones of staffstuddash, as all erased students.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, case, func, select, update
from sqlalchemy.orm import Session, aliased

from dropout_service.database.events.daily_rollup import recompute_days
from dropout_service.database.events.inserted import course_of
from dropout_service.database.events.neighbours import is_answer, to_same_question
from dropout_service.database.overall_risks import keep_overall_risks
from dropout_service.database.predictions.latest import mark_overall
from dropout_service.models import (
    Base,
    Course,
    Enrolment,
    LearningEvent,
    ResourceUse,
    Student,
    published_holds,
)
from shared_db.connection.database import Database
from shared_db.retention.repository import AgeRepository
from shared_db.retention.tables import AgingTable

_USE: Any = ResourceUse.__table__


class RetentionRepository(AgeRepository):
    """Rows deleted by age.

    The rollup of a day goes with its events. A kept day is computed again if an answer to the same
    question was deleted: the first answer that is stored then counts as the first one.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database, Base.metadata)

    def held(self, session: Session) -> Select[Any] | None:
        """Return the query of the held students; the in-memory store has none."""
        if session.get_bind().dialect.name == "sqlite":
            return None
        return select(published_holds.c.student_id)

    def lock(self, session: Session, student_ids: Collection[str]) -> set[str]:
        """Lock students in the order of their ids; return those found."""
        query = select(Student.id).where(Student.id.in_(student_ids)).order_by(Student.id)
        return set(session.scalars(query.with_for_update(key_share=True)))

    def is_due(self, session: Session, table: AgingTable, until: date) -> ColumnElement[bool]:
        """Return the condition of due rows: enrolments by their course, uses by their last day."""
        if table.table is Enrolment.__table__:
            return Enrolment.course_id.in_(_courses_over(session, until))
        if table.table is not _USE:
            return super().is_due(session, table, until)
        begin = datetime(until.year, until.month, until.day, tzinfo=UTC)
        later = _uses_of(_USE.c).where(LearningEvent.occurred_at >= begin).exists()
        return super().is_due(session, table, until) & ~later

    def before(
        self, session: Session, kind: str, student_ids: Sequence[str], until: date
    ) -> set[tuple[str, int]]:
        """Return students and kept days with answers that follow deleted ones to a question."""
        return _days_with_later_answers(session, student_ids, until) if kind == "events" else set()

    def follow(
        self, session: Session, kind: str, student_ids: Sequence[str], until: date, before: Any
    ) -> None:
        """Correct the rollup, the first uses, or the overall predictions of students."""
        if kind == "predictions":
            mark_overall(session, student_ids)
            keep_overall_risks(session, student_ids)
        if kind == "events":
            recompute_days(session, before)
            _move_first_uses(session, student_ids, until)


def _courses_over(session: Session, until: date) -> Sequence[str]:
    """Return the courses with a last day before the day."""
    courses = session.execute(select(Course.id, Course.starts_on, Course.length_days))
    return [id_ for id_, begin, days in courses if begin + timedelta(days=days) <= until]


def _days_with_later_answers(
    session: Session, student_ids: Sequence[str], until: date
) -> set[tuple[str, int]]:
    # Only the first later answer is counted anew, and the first correct one.
    gone, later = aliased(LearningEvent), aliased(LearningEvent)
    begin = datetime(until.year, until.month, until.day, tzinfo=UTC)
    days = (func.min(later.day), func.min(case((later.is_correct.is_(True), later.day))))
    query = (
        select(later.student_id, *days)
        .join_from(gone, later, is_answer(gone) & to_same_question(gone, later))
        .where(gone.student_id.in_(student_ids), gone.occurred_at < begin)
        .where(later.occurred_at >= begin)
        .group_by(later.student_id, later.question_id)
    )
    rows = session.execute(query).all()
    return {(row[0], day) for row in rows for day in row[1:] if day is not None}


def _uses_of(use: Any) -> Select[int]:
    """Return the query of the days on which a stored event is a use of that kind."""
    event = LearningEvent
    return select(event.day).where(
        event.student_id == use.student_id,
        event.resource_type == use.resource_type,
        course_of(event) == use.course,
    )


def _move_first_uses(session: Session, student_ids: Sequence[str], until: date) -> None:
    """Move first uses before the day to the first one that is stored."""
    first = _uses_of(_USE.c).order_by(LearningEvent.occurred_at, LearningEvent.id).limit(1)
    is_before = _USE.c.first_day < (until - date(1970, 1, 1)).days
    move = update(_USE).where(_USE.c.student_id.in_(student_ids), is_before)
    session.execute(move.values(first_day=first.scalar_subquery()))
