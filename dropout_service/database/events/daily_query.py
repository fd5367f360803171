"""Totals of events by student, day and course: the query behind the daily rollup."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Double,
    Float,
    Integer,
    Numeric,
    Select,
    Subquery,
    case,
    cast,
    func,
    or_,
    select,
    true,
)
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import aliased
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.sql.selectable import LateralFromClause

from dropout_service.database.events.inserted import course_of, is_of_day
from dropout_service.database.events.neighbours import (
    MARKS,
    NO_ANSWER,
    Event,
    is_answer,
    is_solving,
    last_before,
    mark_of_day,
    on_same_day,
    precedes,
    to_same_question,
)
from dropout_service.domain.enums import EventType
from dropout_service.models import DailyActivity, LearningEvent
from shared_db.queries.dialects import Column

# A longer pause begins a new session, unless session events delimit the sessions. Half an hour is
# the usual limit for logs; Catledge and Pitkow (1995) found 25.5 minutes.
SESSION_GAP_SECONDS = 30 * 60

# Sums of fractions of seconds depend on the order of addition in their last digits.
_DIGITS = 6

KEY = ("student_id", "day", "course")
COLUMNS = tuple(column.key for column in DailyActivity.__table__.columns)


class seconds_between(FunctionElement[float]):  # noqa: N801 - reads as the SQL function that it is
    """Seconds from the first instant to the second, negative if that is earlier."""

    name = "seconds_between"
    type = Float()
    inherit_cache = True


@compiles(seconds_between, "postgresql")
def _on_postgresql(element: seconds_between, compiler: SQLCompiler, **options: Any) -> str:
    start, end = (compiler.process(clause, **options) for clause in element.clauses)
    return f"CAST(EXTRACT(epoch FROM ({end}) - ({start})) AS double precision)"


@compiles(seconds_between, "sqlite")
def _in_memory(element: seconds_between, compiler: SQLCompiler, **options: Any) -> str:
    start, end = (compiler.process(clause, **options) for clause in element.clauses)
    return f"((julianday({end}) - julianday({start})) * 86400.0)"


@dataclass(frozen=True)
class Before:
    """Previous event on the same day in the same course.

    has_marks: session events delimit the sessions of that day.
    """

    at: Column
    type: Column
    has_marks: ColumnElement[bool]


@dataclass(frozen=True)
class _Earlier:
    """Previous answer to the same question.

    answer: null if there is none. is_solved: the event is the first correct answer.
    """

    answer: ColumnElement[Any]
    is_solved: ColumnElement[bool]


def day_totals(where: ColumnElement[bool]) -> Subquery:
    """Return a row per student, day and course, with the totals of the events that fit.

    `where` must select whole days, or all events of a day up to an instant: sessions depend on the
    events of the day. Earlier answers are looked up on all days.
    """
    event = LearningEvent
    marks = func.count(case((event.event_type.in_(MARKS), 1))).over(partition_by=_day(event))
    before = Before(
        _just_before(event, event.occurred_at), _just_before(event, event.event_type), marks > 0
    )
    return _totals_of(_events(event, before, _earlier_of(event)).where(where))


def day_increments(new: Event, stored: type[DailyActivity], where: ColumnElement[bool]) -> Subquery:
    """Return the increments of days by the new events that fit; `stored` has the earlier totals.

    Each must be later than all stored events of its day, and must not change the contribution of
    another event.
    """
    marks, answer = mark_of_day(new), _answer_before(new)
    has_marks = marks.c.id.is_not(None)
    before = Before(
        func.coalesce(_just_before(new, new.occurred_at), stored.last_at),
        # The type of the last stored event matters only if session events delimit the sessions.
        func.coalesce(_just_before(new, new.event_type), case((has_marks, _last_type(stored)))),
        has_marks,
    )
    events = _events(new, before, _earlier_by(new, answer))
    joined = events.outerjoin(stored, is_of_day(stored, *_day(new)))
    return _totals_of(joined.outerjoin(marks, true()).outerjoin(answer, true()).where(where))


def late_increments(late: Event) -> Subquery:
    """Return the increments of days by late events, given the events that now precede them."""
    earlier = aliased(LearningEvent, name="just_before")
    previous = last_before(late, earlier, on_same_day(late, earlier))
    marks, answer = mark_of_day(late), _answer_before(late)
    before = Before(previous.c.occurred_at, previous.c.event_type, marks.c.id.is_not(None))
    events = _events(late, before, _earlier_by(late, answer)).outerjoin(previous, true())
    return _totals_of(events.outerjoin(marks, true()).outerjoin(answer, true()))


def begins_session(
    event_type: ColumnElement[Any], quiet: ColumnElement[float], before: Before
) -> ColumnElement[bool]:
    """Return the condition that an event begins a session, `quiet` seconds after the previous."""
    return or_(
        before.at.is_(None),
        event_type == EventType.SESSION_START,
        before.type == EventType.SESSION_END,
        ~before.has_marks & (quiet > SESSION_GAP_SECONDS),
    )


def rounded(seconds: ColumnElement[float]) -> ColumnElement[float]:
    """Return seconds rounded to the microsecond, the resolution of stored instants."""
    return cast(func.round(cast(seconds, Numeric), _DIGITS), Double)


def _day(event: Event) -> tuple[Any, ...]:
    return (event.student_id, event.day, course_of(event))


def _just_before(event: Event, column: Any) -> ColumnElement[Any]:
    in_time = (event.occurred_at, event.id)
    return func.lag(column).over(partition_by=_day(event), order_by=in_time)


def _last_type(stored: type[DailyActivity]) -> Any:
    last = aliased(LearningEvent, name="last")
    query = select(last.event_type).where(
        is_of_day(stored, last.student_id, last.day, course_of(last)),
        last.occurred_at == stored.last_at,
    )
    return query.order_by(last.id.desc()).limit(1).scalar_subquery()


def _totals_of(events: Select[*tuple[Any, ...]]) -> Subquery:
    event = events.subquery("event")
    quiet = seconds_between(event.c.previous_at, event.c.occurred_at)
    before = Before(event.c.previous_at, event.c.previous_type, event.c.has_marks)
    begins = begins_session(event.c.event_type, quiet, before)
    is_submission = event.c.event_type == EventType.QUESTION_SUBMIT
    names_question = is_submission & event.c.question_id.is_not(None)
    counts = {
        "submissions": is_submission,
        "graded": event.c.is_correct.is_not(None),
        "correct": event.c.is_correct.is_(True),
        "answers": names_question,
        "questions_new": names_question & event.c.earlier_answer.is_(None),
        "questions_solved": event.c.is_solved,
        "compared": event.c.answer_digest.is_not(None) & (event.c.earlier_answer != NO_ANSWER),
        "kept": event.c.answer_digest == event.c.earlier_answer,
        "hints": event.c.event_type == EventType.HINT_REQUEST,
        "sessions": begins,
    }
    is_view = event.c.event_type == EventType.RESOURCE_VIEW
    clicks = case((is_view, func.coalesce(event.c.clicks, 1)), else_=0)
    grouped = (event.c.student_id, event.c.day, event.c.course)
    return (
        select(
            *grouped,
            func.min(event.c.occurred_at).label("first_at"),
            func.max(event.c.occurred_at).label("last_at"),
            count_of(func.count(), "events"),
            *(count_of(func.count(case((fits, 1))), name) for name, fits in counts.items()),
            rounded(func.sum(case((begins, 0.0), else_=quiet))).label("session_seconds"),
            count_of(func.sum(clicks), "clicks"),
        )
        .group_by(*grouped)
        .subquery("days")
    )


def count_of(count: ColumnElement[int], name: str) -> ColumnElement[int]:
    """Return a count with the type of its column."""
    # Sums of bigint are slow decimals on PostgreSQL.
    return cast(count, Integer).label(name)


def _answer_before(event: Event) -> LateralFromClause:
    earlier = aliased(LearningEvent, name="earlier")
    return last_before(event, earlier, is_answer(event) & to_same_question(event, earlier))


def _earlier_by(event: Event, answer: LateralFromClause) -> _Earlier:
    # Mostly the previous answer already decides whether there is an earlier correct one.
    is_solved = case(
        (answer.c.is_correct.is_(True), False),
        (answer.c.id.is_(None), is_answer(event) & event.is_correct.is_(True)),
        else_=is_solving(event),
    )
    return _Earlier(answer.c.answer, is_solved)


def _earlier_of(event: Event) -> _Earlier:
    """Return the previous answer without LATERAL, which SQLite does not have."""
    earlier = aliased(LearningEvent, name="earlier")
    is_before = to_same_question(event, earlier) & precedes(earlier, event)
    answer = select(func.coalesce(earlier.answer_digest, NO_ANSWER)).where(is_before)
    latest = (earlier.occurred_at.desc(), earlier.id.desc())
    answer_before = answer.order_by(*latest).limit(1).scalar_subquery()
    return _Earlier(case((is_answer(event), answer_before)), is_solving(event))


def _events(event: Event, before: Before, earlier: _Earlier) -> Select[*tuple[Any, ...]]:
    return select(
        event.student_id,
        event.day,
        course_of(event).label("course"),
        event.event_type,
        event.question_id,
        event.is_correct,
        event.occurred_at,
        event.answer_digest,
        event.clicks,
        before.at.label("previous_at"),
        before.type.label("previous_type"),
        before.has_marks.label("has_marks"),
        earlier.is_solved.label("is_solved"),
        earlier.answer.label("earlier_answer"),
    ).select_from(event)
