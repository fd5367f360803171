"""Corrections of stored assessments, with their reason in the action log."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.columns import Row
from shared_db.errors import ServiceError
from shared_db.queries.dialects import in_list
from staffstuddash_service.datastore.actions import log_action
from staffstuddash_service.datastore.performance import recompute_all, recompute_each
from staffstuddash_service.datastore.student_locks import lock_owner
from staffstuddash_service.domain.scores import stored_score
from staffstuddash_service.errors import AssessmentDeleted, AssessmentNotFound, ScoreOutOfRange
from staffstuddash_service.models import AssessmentLog

CORRECTABLE = (
    "type",
    "subject",
    "topic",
    "score",
    "max_score",
    "extra_credit",
    "excused",
    "timestamp",
)


def correct(
    session: Session, assessment_id: str, changes: Row, actor: str, reason: str
) -> AssessmentLog:
    """Update fields of an assessment and recompute the record of its student.

    An equal value is no change: neither logged nor computed.
    """
    mark = _locked(session, assessment_id)
    now = utc_now()
    if _is_changed(session, mark, changes, actor, reason, now):
        session.flush()
        recompute_all(session, mark.student_id, now)
    return mark


def correct_many(
    session: Session, changes: Mapping[str, Row], actor: str, reason: str
) -> dict[str, bool | ServiceError]:
    """Correct assessments of students that the caller has locked, by id.

    Returns for each True if it was changed, False for equal values, or its refusal.
    """
    is_asked = in_list(AssessmentLog.id, "ids", session.get_bind().dialect.name)
    query = select(AssessmentLog).where(is_asked).order_by(AssessmentLog.id)
    now = utc_now()
    outcomes: dict[str, bool | ServiceError] = {}
    students = set[str]()
    for mark in session.scalars(
        query, {"ids": list(changes)}, execution_options={"populate_existing": True}
    ):
        try:
            outcomes[mark.id] = _is_changed(session, mark, changes[mark.id], actor, reason, now)
        except (AssessmentDeleted, ScoreOutOfRange) as refusal:
            outcomes[mark.id] = refusal
        if outcomes[mark.id] is True:
            students.add(mark.student_id)
    session.flush()
    if students:
        recompute_each(session, students, now)
    return outcomes


def remove(
    session: Session, assessment_id: str, actor: str, reason: str
) -> tuple[AssessmentLog, bool]:
    """Delete an assessment and recompute the record of its student; return True for a replay.

    The row stays without its score, so that a repeated insert of the id is refused.
    """
    mark = _locked(session, assessment_id)
    if mark.deleted_at is not None:
        return mark, True
    now = utc_now()
    before = _plain(_fields(mark), CORRECTABLE)
    mark.score, mark.deleted_at = None, now
    _log(session, mark, actor, "assessment.deleted", reason, before=before)
    session.flush()
    recompute_all(session, mark.student_id, now)
    return mark, False


def _is_changed(
    session: Session, mark: AssessmentLog, changes: Row, actor: str, reason: str, now: datetime
) -> bool:
    """Update and log the fields that differ; return False if there are none.

    Raises:
        AssessmentDeleted: the assessment was deleted.
        ScoreOutOfRange: the score does not fit the other fields.

    """
    if mark.deleted_at is not None:
        raise AssessmentDeleted(mark.id)
    before = _fields(mark)
    after = _in_range({**before, **_with_score(changes)})
    changed = [name for name in CORRECTABLE if before[name] != after[name]]
    if not changed:
        return False
    for name in changed:
        setattr(mark, name, after[name])
    mark.corrected_at = now
    told = {"before": _plain(before, changed), "after": _plain(after, changed)}
    _log(session, mark, actor, "assessment.changed", reason, **told)
    return True


def _locked(session: Session, assessment_id: str) -> AssessmentLog:
    """Return the assessment; its student is locked first, as in all writers."""
    found = session.get(AssessmentLog, assessment_id)
    if found is None:
        raise AssessmentNotFound(assessment_id)
    lock_owner(session, found.student_id)
    # Another transaction may have changed or moved it before the lock was granted.
    session.refresh(found)
    return found


def _with_score(changes: Row) -> Row:
    """Return the changes; excusing an assessment removes its score."""
    return {"score": None, **changes} if changes.get("excused") else changes


def _in_range(fields: Row) -> Row:
    names = ("score", "max_score", "extra_credit", "excused")
    score, max_score, extra_credit, excused = (fields[name] for name in names)
    try:
        stored = stored_score(score, max_score, extra_credit=extra_credit, excused=excused)
    except ValueError as reason:
        raise ScoreOutOfRange(str(reason)) from reason
    return {**fields, "score": stored, "max_score": float(max_score)}


def _fields(mark: AssessmentLog) -> Row:
    return {name: getattr(mark, name) for name in CORRECTABLE}


def _plain(fields: Row, names: Any) -> dict[str, Any]:
    """Return the fields as JSON values."""
    values = {name: fields[name] for name in names}
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in values.items()
    }


def _log(
    session: Session, mark: AssessmentLog, actor: str, action: str, reason: str, **fields: Any
) -> None:
    data = {"assessment_id": mark.id, "reason": reason, **fields}
    log_action(session, mark.student_id, actor, action, data=data)
