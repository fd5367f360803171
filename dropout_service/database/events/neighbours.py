"""Neighbours of an event in time: on its day, and among the answers to its question."""

from typing import Any

from sqlalchemy import ColumnElement, LargeBinary, Select, func, literal, select, tuple_
from sqlalchemy.orm import aliased
from sqlalchemy.sql.selectable import LateralFromClause

from dropout_service.database.events.inserted import came_before, course_of, is_of_day
from dropout_service.domain.enums import EventType
from dropout_service.models import DailyActivity, LearningEvent

Event = type[LearningEvent]

MARKS = (EventType.SESSION_START, EventType.SESSION_END)
# Represents an answer without known content.
NO_ANSWER = literal(b"", LargeBinary)


def is_answer(event: Event) -> ColumnElement[bool]:
    """Return the condition that an event answers a question that it names."""
    return (event.event_type == EventType.QUESTION_SUBMIT) & event.question_id.is_not(None)


def is_solving(event: Event) -> ColumnElement[bool]:
    """Return the condition that an event is the first correct answer to its question."""
    earlier = aliased(LearningEvent, name="earlier_correct")
    is_earlier = to_same_question(event, earlier) & precedes(earlier, event)
    query = select(earlier.id).where(is_earlier, earlier.is_correct.is_(True))
    is_right = is_answer(event) & event.is_correct.is_(True)
    # OFFSET makes PostgreSQL evaluate this before it joins other tables to the event.
    return is_right & ~query.correlate(event).offset(0).exists()


def on_same_day(event: Event, other: Event) -> ColumnElement[bool]:
    """Return the condition that two events have the same student, day and course."""
    return (
        (other.student_id == event.student_id)
        & (other.day == event.day)
        & (course_of(other) == course_of(event))
    )


def to_same_question(event: Event, other: Event) -> ColumnElement[bool]:
    """Return the condition that another event answers the same question of the same student."""
    return (
        (other.student_id == event.student_id)
        & (other.question_id == event.question_id)
        & (other.event_type == EventType.QUESTION_SUBMIT)
    )


def precedes(one: Event, other: Event) -> ColumnElement[bool]:
    """Return the condition that one event precedes another; at the same instant ids decide."""
    return tuple_(one.occurred_at, one.id) < tuple_(other.occurred_at, other.id)


def mark_of_day(event: Event) -> LateralFromClause:
    """Return a session event of the event's day and course, if one exists, as a lateral join."""
    mark = aliased(LearningEvent, name="mark")
    where = (on_same_day(event, mark), mark.event_type.in_(MARKS))
    return select(mark.id).where(*where).limit(1).correlate(event).lateral()


def had_marks(stored: type[DailyActivity]) -> ColumnElement[bool]:
    """Return the condition that a day had session events other than those of `event_ids`."""
    mark = aliased(LearningEvent, name="mark")
    is_same = is_of_day(stored, mark.student_id, mark.day, course_of(mark))
    where = (is_same, mark.event_type.in_(MARKS), came_before(mark.id))
    # OFFSET keeps the planner from reading the session events of all students.
    return select(mark.id).where(*where).correlate(stored).offset(0).exists()


def last_before(
    event: Event, other: Event, where: ColumnElement[bool], *outer: Any
) -> LateralFromClause:
    """Return the last of the other events that fit before an event, as a lateral join.

    outer: further tables that `where` refers to.
    """
    query = _columns_of(other).where(where, precedes(other, event))
    query = query.order_by(other.occurred_at.desc(), other.id.desc()).limit(1)
    return query.correlate(event, *outer).lateral()


def first_after(
    event: Event, other: Event, where: ColumnElement[bool], *outer: Any
) -> LateralFromClause:
    """Return the first of the other events that fit after an event, as a lateral join."""
    query = _columns_of(other).where(where, precedes(event, other))
    query = query.order_by(other.occurred_at, other.id).limit(1)
    return query.correlate(event, *outer).lateral()


def _columns_of(event: Event) -> Select[*tuple[Any, ...]]:
    answer = func.coalesce(event.answer_digest, NO_ANSWER).label("answer")
    return select(
        event.id,
        event.day,
        course_of(event).label("course"),
        event.event_type,
        event.occurred_at,
        event.is_correct,
        event.answer_digest,
        answer,
    )
