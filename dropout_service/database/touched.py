"""Which days of which students new events change: their own, and those of later answers.

An answer also touches the later days on which its question was answered, where that may have been
counted as new, solved or kept.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    Column,
    CompoundSelect,
    FromClause,
    Integer,
    String,
    bindparam,
    cast,
    func,
    select,
    true,
    union,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import aliased

from dropout_service.domain.kinds import EventType
from dropout_service.models import LearningEvent
from shared_db.columns import UtcDateTime
from shared_db.dialects import among


def touched(dialect: str) -> CompoundSelect[Any]:
    """Return a query of students and days, with what `touching` gives for parameters."""
    if dialect == "sqlite":
        return _by_ids()
    place = _unnested("place", student_id=String(), day=Integer())
    answer = _unnested("answer", student_id=String(), question_id=String(), since=UtcDateTime())
    later = aliased(LearningEvent)
    same_question = (
        (later.student_id == answer.c.student_id)
        & (later.question_id == answer.c.question_id)
        & (later.occurred_at >= answer.c.since)
        & (later.event_type == EventType.QUESTION_SUBMIT)
    )
    # Looked up for each new answer. Left to itself, the planner may compare all answers with all
    # new ones, as long as nobody has counted the rows of the table for it.
    found = select(later.day).where(same_question).correlate(answer).offset(0).lateral()
    others = select(answer.c.student_id, found.c.day).join_from(answer, found, true())
    return union(select(place.c.student_id, place.c.day), others)


def touching(dialect: str, events: Sequence[LearningEvent]) -> dict[str, Any]:
    """Return the parameters of `touched` for new events."""
    if dialect == "sqlite":
        return {"event_ids": [event.id for event in events]}
    places = {(event.student_id, event.day) for event in events}
    answers: dict[tuple[str, str], Any] = {}
    for event in events:
        if event.event_type is EventType.QUESTION_SUBMIT and event.question_id is not None:
            question = (event.student_id, event.question_id)
            answers[question] = min(event.occurred_at, answers.get(question, event.occurred_at))
    return {
        "place_student_id": [student_id for student_id, _ in places],
        "place_day": [day for _, day in places],
        "answer_student_id": [student_id for student_id, _ in answers],
        "answer_question_id": [question_id for _, question_id in answers],
        "answer_since": list(answers.values()),
    }


def _unnested(name: str, **columns: Any) -> FromClause:
    """Return rows made of a list each column, the parameter `NAME_COLUMN`."""
    lists = [
        cast(bindparam(f"{name}_{column}", type_=ARRAY(kind)), ARRAY(kind))
        for column, kind in columns.items()
    ]
    rows = func.unnest(*lists).table_valued(*(Column(*each) for each in columns.items()), name=name)
    return rows.render_derived()


def _by_ids() -> CompoundSelect[Any]:
    # SQLite has no lists, and always looks up one by one.
    new, later = aliased(LearningEvent), aliased(LearningEvent)
    is_new = among(new.id, "event_ids", "sqlite")
    same_question = (
        (later.student_id == new.student_id)
        & (later.question_id == new.question_id)
        & (later.occurred_at >= new.occurred_at)
        & (later.event_type == EventType.QUESTION_SUBMIT)
    )
    others = select(later.student_id, later.day).join_from(new, later, same_question)
    is_answer = new.event_type == EventType.QUESTION_SUBMIT
    return union(select(new.student_id, new.day).where(is_new), others.where(is_new, is_answer))
