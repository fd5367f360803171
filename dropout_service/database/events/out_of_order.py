"""Out-of-order events: days on which new events change the contributions of stored ones."""

from typing import Any

from sqlalchemy import CompoundSelect, FromClause, Integer, func, or_, select, true, union
from sqlalchemy.orm import aliased

from dropout_service.database.events.inserted import course_of, is_of_day
from dropout_service.database.events.neighbours import MARKS, had_marks, is_answer
from dropout_service.domain.enums import EventType
from dropout_service.models import DailyActivity, LearningEvent
from shared_db.queries.dialects import in_list


def late_days(new: type[LearningEvent], stored: type[DailyActivity]) -> CompoundSelect[Any]:
    """Return students and days of new events that change the contributions of stored ones.

    A day is late if its rollup contains later events, or if it gets its first session events,
    which delimit its sessions from now on; or if a new answer of that day precedes a stored
    answer to the same question.
    """
    return union(_of_later_events(new, stored), _of_later_answers(new))


def changed_days() -> CompoundSelect[Any]:
    """Return the days of the events of parameter `event_ids` and of later answers. SQLite only."""
    new, later = aliased(LearningEvent), aliased(LearningEvent)
    is_new = in_list(new.id, "event_ids", "sqlite")
    is_later = (
        (later.student_id == new.student_id)
        & (later.question_id == new.question_id)
        & (later.occurred_at >= new.occurred_at)
        & (later.event_type == EventType.QUESTION_SUBMIT)
    )
    others = select(later.student_id, later.day).join_from(new, later, is_later)
    others = others.where(is_new, is_answer(new))
    return union(select(new.student_id, new.day).where(is_new), others)


def _of_later_events(new: type[LearningEvent], stored: type[DailyActivity]) -> Any:
    day = (new.student_id, new.day, course_of(new).label("course"))
    since = func.min(new.occurred_at).label("since")
    has_marks = func.bool_or(new.event_type.in_(MARKS)).label("has_marks")
    days = select(*day, since, has_marks).group_by(*day).subquery("come")
    is_same = is_of_day(stored, days.c.student_id, days.c.day, days.c.course)
    are_first_marks = days.c.has_marks & ~had_marks(stored)
    is_changed = or_(stored.last_at >= days.c.since, are_first_marks)
    late = select(days.c.student_id, days.c.day).join_from(days, stored, is_same)
    return late.where(is_changed)


def _of_later_answers(new: type[LearningEvent]) -> Any:
    answer = _answered(new)
    later = aliased(LearningEvent)
    is_later = (
        (later.student_id == answer.c.student_id)
        & (later.question_id == answer.c.question_id)
        & (later.occurred_at >= answer.c.since)
        & (later.event_type == EventType.QUESTION_SUBMIT)
    )
    # The new answers are among these rows: one more than there are new ones is a stored answer, and
    # no further row is read. In order, so that the planner uses the index.
    others = select(later.id).where(is_later).order_by(later.occurred_at, later.id)
    other = others.correlate(answer).offset(answer.c.count).limit(1)
    days = func.unnest(answer.c.days, type_=Integer).label("day")
    return select(answer.c.student_id, days).join_from(answer, other.lateral(), true())


def _answered(new: type[LearningEvent]) -> FromClause:
    question = (new.student_id, new.question_id)
    since = func.min(new.occurred_at).label("since")
    count = func.count(type_=Integer).label("count")
    days = func.array_agg(new.day).label("days")
    query = select(*question, since, count, days).where(is_answer(new))
    return query.group_by(*question).subquery("answer")
