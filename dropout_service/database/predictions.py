"""Predictions: made of one student, given from outside, and read back."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from dropout_service.database.features import features_at
from dropout_service.database.part import Part
from dropout_service.database.presence import admit_one, refuse_deleted, require_student
from dropout_service.domain.kinds import DropoutType, RiskLevel, risk_level
from dropout_service.domain.risk import (
    RULES_VERSION,
    Assessment,
    Indicator,
    assess,
    missing_for_assessment,
)
from dropout_service.errors import (
    CourseNotFound,
    LevelDisagrees,
    NotAssessable,
    PredictionExists,
    PredictionNotFound,
)
from dropout_service.models import DailyActivity, DropoutPrediction
from shared_db.clock import utc_now
from shared_db.filtering import Columns, Filter, conditions
from shared_db.ids import new_id
from shared_db.naming import Outcome, digest_of, store_named, store_one
from shared_db.paging import Keyset, Page

PREDICTIONS_BY_RISK = Keyset(
    "predictions", (DropoutPrediction.risk_score, DropoutPrediction.id), is_descending=True
)
PREDICTIONS_BY_TIME = Keyset(
    "history", (DropoutPrediction.as_of, DropoutPrediction.id), is_descending=True
)
PREDICTION_COLUMNS: Columns = {
    "risk_level": DropoutPrediction.risk_level,
    "dropout_type": DropoutPrediction.dropout_type,
    "risk_score": DropoutPrediction.risk_score,
    "momentum_index": DropoutPrediction.momentum_index,
    "version": DropoutPrediction.version,
    "as_of": DropoutPrediction.as_of,
    "created_at": DropoutPrediction.created_at,
}
GIVEN = "given"


class Predictions(Part):
    """Who is at risk, and why."""

    def predict(
        self,
        student_id: str,
        *,
        as_of: datetime | None = None,
        prediction_id: str | None = None,
    ) -> DropoutPrediction:
        """Make and store a prediction from what was known at `as_of`, by default now.

        Raises:
            StudentNotFound: nothing was heard of that student.
            StudentDeleted: all data of the student were erased.
            NotAssessable: too little was known of the student by then.
            PredictionExists: the id is stored for another student or instant.

        """
        instant = as_of or utc_now()
        sent = {"student_id": student_id, "as_of": as_of}
        with self.database.unit_of_work() as session:
            features = features_at(session, student_id, instant)
            if missing := missing_for_assessment(features):
                raise NotAssessable(student_id, missing)
            row = prediction_row(student_id, assess(features), instant)
            row.id, row.digest = prediction_id or new_id(), digest_of(sent)
            return _store(session, row)

    def save_prediction(
        self,
        prediction_id: str | None,
        student_id: str,
        dropout_type: DropoutType | str,
        risk_score: float,
        level: RiskLevel | str | None = None,
        *,
        primary_indicators: Sequence[Indicator] = (),
        secondary_indicators: Sequence[Indicator] = (),
        recommendations: Sequence[str] = (),
        confidence: float | None = None,
        version: str = GIVEN,
        as_of: datetime | None = None,
    ) -> DropoutPrediction:
        """Store a prediction that was made elsewhere, and its student when not seen before.

        risk_score, confidence: 0 to 1; confidence is None where none is stated.

        Raises:
            PredictionExists: the id is stored with other content.
            LevelDisagrees: the level is not that of the score.
            StudentDeleted: all data of the student were erased.
            ValueError: no share, no such type or level.

        """
        right = risk_level(risk_score)
        if level is not None and RiskLevel(level) is not right:
            raise LevelDisagrees(risk_score, RiskLevel(level), right)
        sent = {
            "student_id": student_id,
            "dropout_type": DropoutType(dropout_type),
            "risk_score": float(risk_score),
            "primary_indicators": [asdict(indicator) for indicator in primary_indicators],
            "secondary_indicators": [asdict(indicator) for indicator in secondary_indicators],
            "recommendations": list(recommendations),
            "confidence": confidence,
            "version": version,
            "as_of": as_of,
        }
        now = utc_now()
        row = DropoutPrediction(
            **{**sent, "as_of": as_of or now},
            id=prediction_id or new_id(),
            risk_level=right,
            missing=[],
            created_at=now,
            is_latest=False,
            digest=digest_of(sent),
        )
        with self.database.unit_of_work() as session:
            return _store(session, row)

    def get_latest_prediction(self, student_id: str) -> DropoutPrediction:
        """Return the student's prediction with the latest `as_of`.

        Raises:
            StudentDeleted: all data of the student were erased.
            PredictionNotFound: none was made.

        """
        query = select(DropoutPrediction).where(
            DropoutPrediction.student_id == student_id, DropoutPrediction.is_latest
        )
        with self.database.reading() as session:
            refuse_deleted(session, student_id)
            found = session.scalar(query)
        if found is None:
            raise PredictionNotFound(student_id)
        return found

    def get_student_predictions(
        self,
        student_id: str,
        *,
        filters: Sequence[Filter] = (),
        after: str | None = None,
        limit: int = 100,
    ) -> Page[DropoutPrediction]:
        """Return the student's predictions, the latest `as_of` first.

        Raises:
            StudentNotFound: nothing was heard of that student.
            StudentDeleted: all data of the student were erased.
            MalformedCursor: the cursor is not one of this list.

        """
        query = select(DropoutPrediction).where(DropoutPrediction.student_id == student_id)
        with self.database.searching() as session:
            require_student(session, student_id)
            query = query.where(*conditions(session, filters, PREDICTION_COLUMNS))
            return PREDICTIONS_BY_TIME.page(session, query, after=after, limit=limit)

    def get_predictions(
        self,
        *,
        course: str | None = None,
        filters: Sequence[Filter] = (),
        after: str | None = None,
        limit: int = 100,
    ) -> Page[DropoutPrediction]:
        """Return each student's latest prediction, the highest risk first.

        course: only students who were active in it.

        Raises:
            MalformedCursor: the cursor is not one of this list.

        """
        query = select(DropoutPrediction).where(DropoutPrediction.is_latest)
        if course is not None:
            query = query.where(_is_active_in(course))
        with self.database.searching() as session:
            query = query.where(*conditions(session, filters, PREDICTION_COLUMNS))
            return PREDICTIONS_BY_RISK.page(session, query, after=after, limit=limit)

    def get_course_risks(
        self, course: str, *, after: str | None = None, limit: int = 100
    ) -> Page[DropoutPrediction]:
        """Return the latest predictions of the course's students, the highest risk first.

        Raises:
            CourseNotFound: no event of that course was ever stored.
            MalformedCursor: the cursor is not one of this list.

        """
        query = select(DropoutPrediction).where(DropoutPrediction.is_latest, _is_active_in(course))
        known = select(exists().where(DailyActivity.course == course))
        with self.database.reading() as session:
            if not session.scalar(known):
                raise CourseNotFound(course)
            return PREDICTIONS_BY_RISK.page(session, query, after=after, limit=limit)


def _is_active_in(course: str) -> Any:
    active = select(DailyActivity.student_id).where(DailyActivity.course == course)
    return DropoutPrediction.student_id.in_(active)


def prediction_row(student_id: str, assessment: Assessment, as_of: datetime) -> DropoutPrediction:
    """Return an assessment as a row without id and digest."""
    return DropoutPrediction(
        student_id=student_id,
        dropout_type=assessment.dropout_type,
        risk_score=assessment.risk_score,
        risk_level=assessment.risk_level,
        confidence=assessment.confidence,
        momentum_index=assessment.momentum_index,
        primary_indicators=[asdict(indicator) for indicator in assessment.primary],
        secondary_indicators=[asdict(indicator) for indicator in assessment.secondary],
        recommendations=list(assessment.recommendations),
        missing=[asdict(missing) for missing in assessment.missing],
        version=RULES_VERSION,
        as_of=as_of,
        created_at=utc_now(),
        is_latest=False,
    )


def _store(session: Session, row: DropoutPrediction) -> DropoutPrediction:
    admit_one(session, row.student_id, row.created_at)
    stored = store_one(session, row, PredictionExists)
    if stored.is_repeat:
        return stored
    _put_latest(session, [row])
    return session.get_one(DropoutPrediction, row.id)


def store_predictions(session: Session, rows: Sequence[DropoutPrediction]) -> list[Outcome]:
    """Store predictions of different students at one instant; their students must be locked."""
    outcomes = store_named(session, rows)
    new = [row for row, o in zip(rows, outcomes, strict=True) if o is Outcome.STORED]
    _put_latest(session, new)
    return outcomes


def _put_latest(session: Session, rows: Sequence[DropoutPrediction]) -> None:
    """Make these the latest of their students, where there is none with a later `as_of`."""
    if not rows:
        return
    students, ids = [row.student_id for row in rows], [row.id for row in rows]
    of_those = DropoutPrediction.student_id.in_(students) & DropoutPrediction.is_latest
    change = update(DropoutPrediction).execution_options(synchronize_session=False)
    is_earlier = DropoutPrediction.as_of <= rows[0].as_of
    session.execute(change.where(of_those, is_earlier).values(is_latest=False))
    still = select(DropoutPrediction.student_id).where(of_those)
    session.execute(
        change.where(
            DropoutPrediction.id.in_(ids), DropoutPrediction.student_id.not_in(still)
        ).values(is_latest=True)
    )
