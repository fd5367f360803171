"""Corrections of marks that are stored here, each with its reason."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from dropout_service.database.students.locking import ensure_and_lock_one
from dropout_service.domain.scores import stored_score
from dropout_service.errors import AssessmentDeleted, AssessmentNotFound, ScoreOutOfRange
from dropout_service.models import Assessment, MarkCorrection
from shared_db.clock import utc_now
from shared_db.columns import Row
from shared_db.ids import new_id

CORRECTABLE = (
    "type",
    "subject",
    "course",
    "score",
    "max_score",
    "extra_credit",
    "excused",
    "submitted_at",
)


def correct(
    session: Session, assessment_id: str, changes: Row, actor: str, reason: str
) -> Assessment:
    """Update fields of a mark and store the correction; an equal value is no change."""
    now = utc_now()
    mark = _locked(session, assessment_id, now)
    if mark.deleted_at is not None:
        raise AssessmentDeleted(assessment_id)
    before = _fields(mark)
    after = _in_range({**before, **_with_score(changes)})
    changed = [name for name in CORRECTABLE if before[name] != after[name]]
    if changed:
        for name in changed:
            setattr(mark, name, after[name])
        mark.corrected_at = now
        told = {"before": _plain(before, changed), "after": _plain(after, changed)}
        _store(session, mark, actor, reason, now, **told)
    return mark


def remove(
    session: Session, assessment_id: str, actor: str, reason: str
) -> tuple[Assessment, bool]:
    """Delete a mark and store the correction; return True for a replay.

    The row stays without its score, so that a repeated insert of the id is refused.
    """
    now = utc_now()
    mark = _locked(session, assessment_id, now)
    if mark.deleted_at is not None:
        return mark, True
    before = _plain(_fields(mark), CORRECTABLE)
    mark.score, mark.deleted_at = None, now
    _store(session, mark, actor, reason, now, before=before, after=None)
    return mark, False


def _locked(session: Session, assessment_id: str, now: datetime) -> Assessment:
    """Return the mark; its student is locked first, as in all writers."""
    found = session.get(Assessment, assessment_id)
    if found is None:
        raise AssessmentNotFound(assessment_id)
    ensure_and_lock_one(session, found.student_id, now)
    # Another transaction may have changed or moved it before the lock was granted.
    session.refresh(found)
    return found


def _with_score(changes: Row) -> Row:
    """Return the changes; excusing a mark removes its score."""
    return {"score": None, **changes} if changes.get("excused") else changes


def _in_range(fields: Row) -> Row:
    names = ("score", "max_score", "extra_credit", "excused")
    score, max_score, extra_credit, excused = (fields[name] for name in names)
    try:
        stored = stored_score(score, max_score, extra_credit=extra_credit, excused=excused)
    except ValueError as reason:
        raise ScoreOutOfRange(str(reason)) from reason
    return {**fields, "score": stored, "max_score": float(max_score)}


def _fields(mark: Assessment) -> Row:
    return {name: getattr(mark, name) for name in CORRECTABLE}


def _plain(fields: Row, names: Sequence[str]) -> dict[str, Any]:
    """Return the fields as JSON values."""
    values = {name: fields[name] for name in names}
    return {
        name: value.isoformat() if isinstance(value, datetime) else value
        for name, value in values.items()
    }


def _store(
    session: Session, mark: Assessment, actor: str, reason: str, now: datetime, **fields: Any
) -> None:
    of_mark = {"student_id": mark.student_id, "assessment_id": mark.id}
    correction = MarkCorrection(
        id=new_id(), **of_mark, actor=actor, reason=reason, corrected_at=now, **fields
    )
    session.add(correction)
