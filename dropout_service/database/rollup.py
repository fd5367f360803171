"""The daily rollup: what a student's events of a day come to, kept with the events.

It is recomputed from the events of the touched days, never incremented: a repeat counts once, a
late event changes its own day, and with the students' rows locked parallel writers cannot lose
each other's. An answer also touches the later days of its question, where it may have been new.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Insert,
    Integer,
    LargeBinary,
    Select,
    Subquery,
    case,
    cast,
    func,
    literal,
    or_,
    select,
    tuple_,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, aliased

from dropout_service.database.instants import seconds_between
from dropout_service.database.resource_uses import note_uses_of_events, note_uses_of_students
from dropout_service.database.touched import touched, touching
from dropout_service.domain.kinds import EventType
from dropout_service.models import DailyActivity, LearningEvent
from shared_db.dialects import among

# Longer quiet begins a new session, where no session events say when one begins. Half an hour is
# what logs are usually cut by; Catledge and Pitkow (1995) found 25.5 minutes.
SESSION_GAP_SECONDS = 30 * 60

KEY = ("student_id", "day", "course")
# Stands for the answer before where that one did not say what was answered.
_NO_ANSWER = literal(b"", LargeBinary)
COLUMNS = tuple(column.key for column in DailyActivity.__table__.columns)


def refresh_days_of(session: Session, events: Sequence[LearningEvent]) -> None:
    """Bring the rollup up to events that were just stored; their students must be locked."""
    if events:
        dialect = _dialect(session)
        session.execute(_refreshing(dialect), touching(dialect, events))
        note_uses_of_events(session, events)


def rebuild_days_of(session: Session, student_ids: Sequence[str]) -> None:
    """Make the rollup of these students from all their events."""
    if student_ids:
        session.execute(_rebuilding(_dialect(session)), {"student_ids": student_ids})
        note_uses_of_students(session, student_ids)


def _dialect(session: Session) -> str:
    return session.get_bind().dialect.name


# Kept, because putting them together takes longer than running them for one event.
@cache
def _refreshing(dialect: str) -> Insert:
    place = tuple_(LearningEvent.student_id, LearningEvent.day)
    return _storing(dialect, place.in_(touched(dialect)))


@cache
def _rebuilding(dialect: str) -> Insert:
    return _storing(dialect, among(LearningEvent.student_id, "student_ids", dialect))


def _storing(dialect: str, where: ColumnElement[bool]) -> Insert:
    days = daily(where)
    # SQLite's parser takes the ON of ON CONFLICT for a join's, unless there is a WHERE before it.
    rows = select(*(days.c[name] for name in COLUMNS)).where(days.c.events > 0)
    insert = (sqlite if dialect == "sqlite" else postgresql).insert(DailyActivity.__table__)
    statement = insert.from_select(COLUMNS, rows)
    changed = {name: statement.excluded[name] for name in COLUMNS if name not in KEY}
    upsert: Insert = statement.on_conflict_do_update(index_elements=KEY, set_=changed)
    return upsert


def daily(where: ColumnElement[bool]) -> Subquery:
    """Return a row per student, day and course, from the events that fit.

    `where` must take whole days, or all of a day up to an instant: sessions are told by the events
    of the day. What came before on other days is looked up wherever it is.
    """
    event = _events(where).subquery("event")
    quiet = seconds_between(event.c.previous_at, event.c.occurred_at)
    begins = or_(
        event.c.previous_at.is_(None),
        event.c.event_type == EventType.SESSION_START,
        event.c.previous_type == EventType.SESSION_END,
        (event.c.session_events == 0) & (quiet > SESSION_GAP_SECONDS),
    )
    is_submission = event.c.event_type == EventType.QUESTION_SUBMIT
    is_answer = is_submission & event.c.question_id.is_not(None)
    counts = {
        "submissions": is_submission,
        "graded": event.c.is_correct.is_not(None),
        "correct": event.c.is_correct.is_(True),
        "answers": is_answer,
        "questions_new": is_answer & event.c.earlier_answer.is_(None),
        "questions_solved": event.c.is_solved,
        "compared": event.c.answer_digest.is_not(None) & (event.c.earlier_answer != _NO_ANSWER),
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
            _count(func.count(), "events"),
            *(_count(func.count(case((fits, 1))), name) for name, fits in counts.items()),
            func.sum(case((begins, 0.0), else_=quiet)).label("session_seconds"),
            _count(func.sum(clicks), "clicks"),
        )
        .group_by(*grouped)
        .subquery("days")
    )


def _count(count: ColumnElement[int], name: str) -> ColumnElement[int]:
    # As in the table: sums of what would else be bigint are slow decimals on PostgreSQL.
    return cast(count, Integer).label(name)


def _events(where: ColumnElement[bool]) -> Select[*tuple[Any, ...]]:
    event = LearningEvent
    course = func.coalesce(event.course, "")
    day = (event.student_id, event.day, course)
    in_time = (event.occurred_at, event.id)
    is_session = event.event_type.in_((EventType.SESSION_START, EventType.SESSION_END))
    is_answer = (event.event_type == EventType.QUESTION_SUBMIT) & event.question_id.is_not(None)
    earlier = _earlier_answers()
    is_first_right = (
        ~select(earlier.id).where(_is_before(earlier), earlier.is_correct.is_(True)).exists()
    )
    return select(
        event.student_id,
        event.day,
        course.label("course"),
        event.event_type,
        event.question_id,
        event.is_correct,
        event.occurred_at,
        event.answer_digest,
        event.clicks,
        func.lag(event.occurred_at).over(partition_by=day, order_by=in_time).label("previous_at"),
        func.lag(event.event_type).over(partition_by=day, order_by=in_time).label("previous_type"),
        func.count(case((is_session, 1))).over(partition_by=day).label("session_events"),
        case((is_answer & event.is_correct.is_(True), is_first_right), else_=False).label(
            "is_solved"
        ),
        case((is_answer, _answer_before(earlier))).label("earlier_answer"),
    ).where(where)


def _earlier_answers() -> type[LearningEvent]:
    return aliased(LearningEvent, name="earlier")


def _is_before(earlier: type[LearningEvent]) -> ColumnElement[bool]:
    event = LearningEvent
    return (
        (earlier.student_id == event.student_id)
        & (earlier.question_id == event.question_id)
        & (earlier.event_type == EventType.QUESTION_SUBMIT)
        & (tuple_(earlier.occurred_at, earlier.id) < tuple_(event.occurred_at, event.id))
    )


def _answer_before(earlier: type[LearningEvent]) -> Any:
    """Return the digest of the answer to the same question before, null where this is the first."""
    latest = (earlier.occurred_at.desc(), earlier.id.desc())
    query = select(func.coalesce(earlier.answer_digest, _NO_ANSWER)).where(_is_before(earlier))
    return query.order_by(*latest).limit(1).scalar_subquery()
