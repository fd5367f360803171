"""Days that new events change otherwise than by being added to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    CompoundSelect,
    FromClause,
    Integer,
    String,
    bindparam,
    cast,
    func,
    or_,
    select,
    true,
    union,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session, aliased

from dropout_service.database.daily import MARKS
from dropout_service.domain.kinds import EventType
from dropout_service.models import DailyActivity, LearningEvent
from shared_db.columns import UtcDateTime
from shared_db.dialects import among

Place = tuple[str, int]


@dataclass
class _Come:
    """What came of one day and course, or of one question: the first instant, and how much."""

    since: datetime
    count: int = 0
    has_marks: bool = False


def late_days(session: Session, events: Sequence[LearningEvent]) -> set[Place]:
    """Return students and days whose rollup must be recomputed for new, stored events.

    Those of which later events were rolled up already, or whose sessions are told otherwise now
    that there are session events; and those of later answers, which may have been counted as new,
    solved or kept.
    """
    asked = {**_asked_of_days(events), **_asked_of_answers(events)}
    return {(student_id, day) for student_id, day in session.execute(_late(), asked)}


def places() -> FromClause:
    """Return the students and days of the parameters `place_student_id` and `place_day`."""
    return _unnested("place", student_id=String(), day=Integer())


def touched_by_events() -> CompoundSelect[Any]:
    """Return, in memory, the days of the events of the parameter, and those of later answers."""
    new, later = aliased(LearningEvent), aliased(LearningEvent)
    is_new = among(new.id, "event_ids", "sqlite")
    is_later = (
        (later.student_id == new.student_id)
        & (later.question_id == new.question_id)
        & (later.occurred_at >= new.occurred_at)
        & (later.event_type == EventType.QUESTION_SUBMIT)
    )
    others = select(later.student_id, later.day).join_from(new, later, is_later)
    is_answer = new.event_type == EventType.QUESTION_SUBMIT
    return union(select(new.student_id, new.day).where(is_new), others.where(is_new, is_answer))


def _asked_of_days(events: Sequence[LearningEvent]) -> dict[str, Any]:
    found: dict[tuple[str, int, str], _Come] = {}
    for event in events:
        place = (event.student_id, event.day, event.course or "")
        come = found.setdefault(place, _Come(event.occurred_at))
        come.since = min(come.since, event.occurred_at)
        come.has_marks = come.has_marks or event.event_type in MARKS
    return {
        "come_student_id": [student_id for student_id, _, _ in found],
        "come_day": [day for _, day, _ in found],
        "come_course": [course for _, _, course in found],
        "come_since": [come.since for come in found.values()],
        "come_has_marks": [come.has_marks for come in found.values()],
    }


def _asked_of_answers(events: Sequence[LearningEvent]) -> dict[str, Any]:
    found: dict[tuple[str, str], _Come] = {}
    for event in events:
        if event.event_type is EventType.QUESTION_SUBMIT and event.question_id is not None:
            question = (event.student_id, event.question_id)
            come = found.setdefault(question, _Come(event.occurred_at))
            come.since = min(come.since, event.occurred_at)
            come.count += 1
    return {
        "answer_student_id": [student_id for student_id, _ in found],
        "answer_question_id": [question_id for _, question_id in found],
        "answer_since": [come.since for come in found.values()],
        "answer_count": [come.count for come in found.values()],
    }


@cache
def _late() -> CompoundSelect[Any]:
    come = _unnested(
        "come",
        student_id=String(),
        day=Integer(),
        course=String(),
        since=UtcDateTime(),
        has_marks=Boolean(),
    )
    is_of_day = (
        (DailyActivity.student_id == come.c.student_id)
        & (DailyActivity.day == come.c.day)
        & (DailyActivity.course == come.c.course)
    )
    is_changed = or_(DailyActivity.last_at >= come.c.since, come.c.has_marks)
    own = select(come.c.student_id, come.c.day).join_from(come, DailyActivity, is_of_day)
    return union(own.where(is_changed), _of_later_answers())


def _of_later_answers() -> Any:
    answer = _unnested(
        "answer",
        student_id=String(),
        question_id=String(),
        since=UtcDateTime(),
        count=Integer(),
    )
    later = aliased(LearningEvent)
    is_later = (
        (later.student_id == answer.c.student_id)
        & (later.question_id == answer.c.question_id)
        & (later.occurred_at >= answer.c.since)
        & (later.event_type == EventType.QUESTION_SUBMIT)
    )
    # Looked up for each new answer. Left to itself, the planner may compare all answers with all
    # new ones, as long as nobody has counted the rows of the table for it.
    days = (
        select(later.day, func.count().over().label("count"))
        .where(is_later)
        .correlate(answer)
        .offset(0)
        .lateral()
    )
    # Among them are the new ones themselves.
    is_other = days.c.count > answer.c.count
    return select(answer.c.student_id, days.c.day).join_from(answer, days, true()).where(is_other)


def _unnested(name: str, **columns: Any) -> FromClause:
    """Return rows made of a list each column, the parameter `NAME_COLUMN`."""
    lists = [
        cast(bindparam(f"{name}_{column}", type_=ARRAY(kind)), ARRAY(kind))
        for column, kind in columns.items()
    ]
    rows = func.unnest(*lists).table_valued(*(Column(*each) for each in columns.items()), name=name)
    return rows.render_derived()
