"""Corrections of the daily rollup for late events.

An event's contribution depends on the previous event of its day, and on the earlier answers to its
question. So a late event changes the contributions of at most three stored events: the next event
of its day, the next answer to its question, and the first correct answer. They are found by index,
however many events a day has; the rest of the day is not read.
"""

from typing import Any

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    Subquery,
    case,
    func,
    literal,
    select,
    true,
    union_all,
)
from sqlalchemy.orm import aliased

from dropout_service.database.events.daily_query import (
    COLUMNS,
    KEY,
    Before,
    begins_session,
    count_of,
    late_increments,
    rounded,
    seconds_between,
)
from dropout_service.database.events.inserted import came_before, course_of, is_of_day
from dropout_service.database.events.neighbours import (
    MARKS,
    NO_ANSWER,
    Event,
    first_after,
    had_marks,
    is_answer,
    is_solving,
    last_before,
    mark_of_day,
    on_same_day,
    to_same_question,
)
from dropout_service.models import DailyActivity, LearningEvent

Days = type[DailyActivity]


def changes(late: Event, stored: Days) -> Subquery:
    """Return the increments and corrections by late events, a row per student, day and course.

    stored: the earlier totals of the days of these events.
    """
    own = late_increments(late)
    parts = union_all(
        select(*(own.c[name] for name in COLUMNS)),
        _of_next_events(late, stored),
        _of_first_marks(late, stored),
        _of_next_answers(late),
        _of_solved_questions(late),
    ).subquery("part")
    summed = {
        name: count_of(func.sum(parts.c[name]), name) for name in COLUMNS if name not in KEY
    } | {
        "first_at": func.min(parts.c.first_at).label("first_at"),
        "last_at": func.max(parts.c.last_at).label("last_at"),
        "session_seconds": rounded(func.sum(parts.c.session_seconds)).label("session_seconds"),
    }
    key = [parts.c[name] for name in KEY]
    return select(*key, *summed.values()).group_by(*key).subquery("days")


def _of_next_events(late: Event, stored: Days) -> Select[*tuple[Any, ...]]:
    """Correct the sessions of stored events that now directly follow a late event."""
    after, before = (aliased(LearningEvent, name=name) for name in ("after", "before"))
    # Events that are the last of their day need no look-up.
    has_later = stored.last_at >= late.occurred_at
    next_ = first_after(late, after, on_same_day(late, after) & has_later, stored)
    previous = last_before(late, before, on_same_day(late, before) & came_before(before.id))
    marks = mark_of_day(late)
    has_marks = marks.c.id.is_not(None)
    now = _session(next_, Before(late.occurred_at, late.event_type, has_marks))
    once = _session(next_, Before(previous.c.occurred_at, previous.c.event_type, has_marks))
    at = next_.c.occurred_at
    query = _part(
        (late.student_id, late.day, course_of(late)),
        (at, at),
        sessions=now[0] - once[0],
        session_seconds=now[1] - once[1],
    )
    return (
        query.join_from(late, stored, is_of_day(stored, late.student_id, late.day, course_of(late)))
        .join(next_, true())
        .outerjoin(previous, true())
        .outerjoin(marks, true())
        .where(came_before(next_.c.id))
    )


def _session(event: Any, before: Before) -> tuple[ColumnElement[int], ColumnElement[float]]:
    """Return the increments of the sessions of a day, and of their seconds, by an event."""
    quiet = seconds_between(before.at, event.c.occurred_at)
    begins = begins_session(event.c.event_type, quiet, before)
    return case((begins, 1), else_=0), case((begins, 0.0), else_=quiet)


def _of_first_marks(late: Event, stored: Days) -> Select[*tuple[Any, ...]]:
    """Correct days that get their first session events: pauses no longer begin sessions.

    Without session events, only the first of the stored events begins a session.
    """
    day = (late.student_id, late.day, course_of(late).label("course"))
    marked = select(*day).where(late.event_type.in_(MARKS)).distinct().subquery("marked")
    is_same = is_of_day(stored, marked.c.student_id, marked.c.day, marked.c.course)
    seconds = seconds_between(stored.first_at, stored.last_at)
    query = _part(
        (stored.student_id, stored.day, stored.course),
        (stored.first_at, stored.last_at),
        sessions=1 - stored.sessions,
        session_seconds=seconds - stored.session_seconds,
    )
    return query.join_from(marked, stored, is_same).where(~had_marks(stored))


def _of_next_answers(late: Event) -> Select[*tuple[Any, ...]]:
    """Correct stored answers that are now compared with a late answer."""
    after, before = (aliased(LearningEvent, name=name) for name in ("after", "before"))
    next_ = first_after(late, after, to_same_question(late, after))
    is_before = to_same_question(late, before) & came_before(before.id)
    previous = last_before(late, before, is_before)
    answer = next_.c.answer_digest
    now, once = func.coalesce(late.answer_digest, NO_ANSWER), previous.c.answer
    is_comparable = answer.is_not(None)
    query = _part(
        (late.student_id, next_.c.day, next_.c.course),
        (next_.c.occurred_at, next_.c.occurred_at),
        questions_new=case((previous.c.id.is_(None), -1), else_=0),
        compared=_one_if(is_comparable & (now != NO_ANSWER))
        - _one_if(is_comparable & (once != NO_ANSWER)),
        kept=_one_if(answer == now) - _one_if(answer == once),
    )
    joined = query.join_from(late, next_, true()).outerjoin(previous, true())
    return joined.where(is_answer(late), came_before(next_.c.id))


def _of_solved_questions(late: Event) -> Select[*tuple[Any, ...]]:
    """Correct stored answers that are no longer the first correct ones."""
    after = aliased(LearningEvent, name="after")
    is_right = to_same_question(late, after) & after.is_correct.is_(True)
    next_ = first_after(late, after, is_right & came_before(after.id))
    query = _part(
        (late.student_id, next_.c.day, next_.c.course),
        (next_.c.occurred_at, next_.c.occurred_at),
        questions_solved=literal(-1),
    )
    return query.join_from(late, next_, true()).where(is_solving(late))


def _one_if(fits: ColumnElement[bool]) -> ColumnElement[int]:
    return case((fits, 1), else_=0)


def _part(key: tuple[Any, ...], span: tuple[Any, Any], **values: Any) -> Select[*tuple[Any, ...]]:
    """Return a SELECT of changes of a day; the span must lie within that of its events."""
    known = dict(zip((*KEY, "first_at", "last_at"), (*key, *span), strict=True)) | values
    return select(*(known.get(name, literal(0, Integer)).label(name) for name in COLUMNS))
