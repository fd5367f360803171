"""Inserts of predictions, which mark them as latest and overall in the same transaction."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import asdict
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dropout_service.database.features.incomplete import recomputed_id
from dropout_service.database.predictions.latest import mark_latest
from dropout_service.database.predictions.made import MADE
from dropout_service.database.students.locking import ensure_and_lock_one
from dropout_service.database.students.restrictions import require_unrestricted
from dropout_service.domain.enrolments.model_assessment import ModelAssessment
from dropout_service.domain.rules.risk import Assessment
from dropout_service.errors import PredictionExists
from dropout_service.models import DropoutPrediction
from shared_db.clock import utc_now
from shared_db.columns import Row
from shared_db.results import InsertResult, Outcome
from shared_db.writes.idempotent_insert import insert_idempotent, insert_many_idempotent


def assessment_values(assessment: Assessment | ModelAssessment) -> Row:
    """Return the columns that predictions by rules and by models have in common."""
    return {
        "dropout_type": assessment.dropout_type,
        "risk_score": assessment.risk_score,
        "risk_level": assessment.risk_level,
        "confidence": assessment.confidence,
        "primary_indicators": [asdict(indicator) for indicator in assessment.primary],
        "secondary_indicators": [asdict(indicator) for indicator in assessment.secondary],
        "recommendations": list(assessment.recommendations),
        "missing": [asdict(missing) for missing in assessment.missing],
        "created_at": utc_now(),
        "is_class": False,
        "is_latest": False,
        "is_overall": False,
    }


def insert_prediction(session: Session, row: Row) -> DropoutPrediction:
    """Insert a prediction, and its student if new; a replay returns the stored prediction.

    Raises:
        PredictionExists: the id is stored with other content.
        StudentErased: all data of the student were erased.
        StudentRestricted: the student is not to be assessed.

    """
    owner = ensure_and_lock_one(session, row["student_id"], row["created_at"])
    require_unrestricted(session, owner)
    row = {**row, "student_id": owner}
    stored = insert_idempotent(session, DropoutPrediction, row, PredictionExists)
    if stored.is_replay:
        return stored
    mark_latest(session, [row])
    MADE.add_on_commit(session, [row])
    return session.get_one(DropoutPrediction, row["id"])


def insert_predictions(session: Session, rows: Sequence[Row]) -> list[InsertResult]:
    """Insert predictions of one instant, one per student and course; students must be locked."""
    results = insert_many_idempotent(session, DropoutPrediction, rows)
    new = {result.id for result in results if result.outcome is Outcome.STORED}
    MADE.add_on_commit(session, [row for row in rows if row["id"] in new])
    # Replays are marked too: another model may have predicted in the meantime.
    replays = {result.id for result in results if result.outcome is Outcome.REPEATED}
    mark_latest(session, _with_replacements(session, rows, replays))
    return results


def _with_replacements(
    session: Session, rows: Sequence[Row], replays: Set[str]
) -> Sequence[Mapping[str, Any]]:
    """Return the rows; a stored one that was recomputed is replaced by its recomputed row."""
    row = DropoutPrediction
    query = select(row.id).where(row.id.in_(replays), row.recomputed_at.is_not(None))
    if not replays or not (replaced := set(session.scalars(query))):
        return rows
    recomputed = select(
        row.id, row.student_id, row.course, row.as_of, row.base_log_odds, row.is_class
    ).where(row.id.in_([recomputed_id(id_) for id_ in replaced]))
    kept = (one for one in rows if one["id"] not in replaced)
    return [*kept, *session.execute(recomputed).mappings()]
