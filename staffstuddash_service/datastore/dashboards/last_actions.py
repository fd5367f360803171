"""Actions on dashboards: the last one of each student, planned ones, interventions of a day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session, aliased

from staffstuddash_service.domain.follow_ups.states import OF_SERVICE, ActionState
from staffstuddash_service.models import ActionLog, Student


@dataclass(frozen=True)
class LastAction:
    """Latest action of staff about a student that was not withdrawn.

    timestamp: when it was done, of a planned one when it was planned.
    """

    action: str
    state: ActionState
    actor: str
    timestamp: datetime


class Deeds(NamedTuple):
    """Last action about a student, and the number of planned ones."""

    last: LastAction | None
    planned_count: int


NO_DEEDS = Deeds(None, 0)
# Instant of an action: of a planned one, when it was done.
DONE_AT = func.coalesce(ActionLog.done_at, ActionLog.timestamp, type_=ActionLog.timestamp.type)


def deeds_of(session: Session, student_ids: Sequence[str]) -> dict[str, Deeds]:
    """Return the deeds of these students, each by two looks into an index."""
    if not student_ids:
        return {}
    log, last = aliased(ActionLog), aliased(ActionLog)
    is_theirs = log.student_id == Student.id
    latest = (
        select(log.id)
        .where(is_theirs, log.state != ActionState.WITHDRAWN, is_of_staff(log))
        .order_by(log.timestamp.desc(), log.id.desc())
        .limit(1)
    )
    planned = select(func.count()).where(is_theirs, log.state == ActionState.PLANNED)
    found = (
        select(
            Student.id.label("student_id"),
            latest.correlate(Student).scalar_subquery().label("latest"),
            planned.correlate(Student).scalar_subquery().label("planned"),
        )
        .where(Student.id.in_(student_ids))
        .subquery("found")
    )
    at = func.coalesce(last.done_at, last.timestamp, type_=ActionLog.timestamp.type)
    query = select(found.c.student_id, found.c.planned, last.action, last.state, last.actor, at)
    rows = session.execute(query.outerjoin_from(found, last, last.id == found.c.latest))
    return {
        student_id: Deeds(None if action is None else LastAction(action, state, actor, at), count)
        for student_id, count, action, state, actor, at in rows
    }


def is_of_staff(log: type[ActionLog]) -> ColumnElement[bool]:
    """Return the condition that an entry was not logged by the service itself."""
    words = [log.action.startswith(word, autoescape=True) for word in OF_SERVICE]
    return or_(log.is_intervention, ~or_(*words))


def was_done_within(since: datetime, until: datetime) -> ColumnElement[bool]:
    """Return the condition that an intervention was done within the time."""
    action = ActionLog
    return and_(
        action.is_intervention,
        action.state == ActionState.DONE,
        or_(
            and_(action.done_at.is_(None), action.timestamp.between(since, until)),
            action.done_at.between(since, until),
        ),
    )
