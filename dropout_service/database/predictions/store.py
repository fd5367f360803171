"""Predictions: given from outside, stored, and read back."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from dropout_service.database.features.incomplete import id_again
from dropout_service.database.predictions.latest import mark_latest
from dropout_service.database.students.locking import (
    ensure_and_lock_one,
    require_not_erased,
    require_student,
)
from dropout_service.domain.enums import DropoutType, RiskLevel, risk_level
from dropout_service.domain.rules.risk import (
    RULES_VERSION,
    Assessment,
    IndicatorResult,
)
from dropout_service.errors import (
    CourseNotFound,
    LevelDisagrees,
    PredictionExists,
    PredictionNotFound,
)
from dropout_service.models import Course, DailyActivity, DropoutPrediction, Enrolment
from shared_db.clock import utc_now
from shared_db.ids import new_id
from shared_db.queries.filters import Columns, Filter, conditions
from shared_db.queries.pagination import Keyset, Page
from shared_db.repository import Repository
from shared_db.writes.idempotent_insert import (
    Outcome,
    content_digest,
    insert_idempotent,
    insert_many_idempotent,
)

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


class Predictions(Repository):
    """Who is at risk, and why."""

    def save_prediction(
        self,
        prediction_id: str | None,
        student_id: str,
        dropout_type: DropoutType | str,
        risk_score: float,
        level: RiskLevel | str | None = None,
        *,
        primary_indicators: Sequence[IndicatorResult] = (),
        secondary_indicators: Sequence[IndicatorResult] = (),
        recommendations: Sequence[str] = (),
        confidence: float | None = None,
        version: str = GIVEN,
        as_of: datetime | None = None,
        course: str | None = None,
    ) -> DropoutPrediction:
        """Store a prediction that was made elsewhere, and its student when not seen before.

        risk_score, confidence: 0 to 1; confidence is None where none is stated. course: of the
        enrolment that may be dropped out of, None of the student altogether.

        Raises:
            PredictionExists: the id is stored with other content.
            LevelDisagrees: the level is not that of the score.
            StudentDeleted: all data of the student were erased.
            ValueError: no share, no such type or level.

        """
        if confidence is not None and not 0 <= confidence <= 1:
            raise ValueError("confidence must be a share, 0 to 1")
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
            "course": course,
        }
        now = utc_now()
        row = DropoutPrediction(
            **{**sent, "as_of": as_of or now},
            id=prediction_id or new_id(),
            risk_level=right,
            missing=[],
            created_at=now,
            is_latest=False,
            is_overall=False,
            digest=content_digest(sent),
        )
        with self.database.unit_of_work() as session:
            return store_prediction(session, row)

    def get_latest_prediction(
        self, student_id: str, *, course: str | None = None
    ) -> DropoutPrediction:
        """Return the student's latest prediction in a course, else the highest of their latest.

        Raises:
            StudentDeleted: all data of the student were erased.
            PredictionNotFound: none was made, or none counts any more.

        """
        row = DropoutPrediction
        which = row.is_overall if course is None else row.is_latest & (row.course == course)
        query = select(row).where(row.student_id == student_id, which)
        with self.database.reading() as session:
            require_not_erased(session, student_id)
            found = session.scalar(query)
        if found is None:
            raise PredictionNotFound(student_id, course)
        return found

    def get_student_predictions(
        self,
        student_id: str,
        *,
        course: str | None = None,
        filters: Sequence[Filter] = (),
        after: str | None = None,
        limit: int = 100,
    ) -> Page[DropoutPrediction]:
        """Return the student's predictions, the latest `as_of` first.

        course: only those of this course.

        Raises:
            StudentNotFound: nothing was heard of that student.
            StudentDeleted: all data of the student were erased.
            MalformedCursor: the cursor is not one of this list.

        """
        query = select(DropoutPrediction).where(DropoutPrediction.student_id == student_id)
        if course is not None:
            query = query.where(DropoutPrediction.course == course)
        with self.database.reading_filtered() as session:
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
        """Return each student's overall prediction, the highest of their latest, by risk.

        course: only students who were active in it or are enrolled.

        Raises:
            MalformedCursor: the cursor is not one of this list.

        """
        query = select(DropoutPrediction).where(DropoutPrediction.is_overall)
        if course is not None:
            query = query.where(or_(_is_active_in(course), _is_enrolled_in(course)))
        with self.database.reading_filtered() as session:
            query = query.where(*conditions(session, filters, PREDICTION_COLUMNS))
            return PREDICTIONS_BY_RISK.page(session, query, after=after, limit=limit)

    def get_course_risks(
        self, course: str, *, after: str | None = None, limit: int = 100
    ) -> Page[DropoutPrediction]:
        """Return the latest predictions of the course's students, the highest risk first.

        Of the enrolments where the course is known; where only events tell of it, the overall
        predictions of those who were active in it.

        Raises:
            CourseNotFound: there is no such course, and no event of it was ever stored.
            MalformedCursor: the cursor is not one of this list.

        """
        row = DropoutPrediction
        by_events = select(exists().where(DailyActivity.course == course))
        with self.database.reading() as session:
            if session.get(Course, course) is not None:
                query = select(row).where(row.is_latest, row.course == course)
            elif session.scalar(by_events):
                query = select(row).where(row.is_overall, _is_active_in(course))
            else:
                raise CourseNotFound(course)
            return PREDICTIONS_BY_RISK.page(session, query, after=after, limit=limit)


def _is_active_in(course: str) -> Any:
    active = select(DailyActivity.student_id).where(DailyActivity.course == course)
    return DropoutPrediction.student_id.in_(active)


def _is_enrolled_in(course: str) -> Any:
    enrolled = select(Enrolment.student_id).where(Enrolment.course_id == course)
    return DropoutPrediction.student_id.in_(enrolled)


def prediction_row(
    student_id: str, assessment: Assessment, as_of: datetime, course: str | None = None
) -> DropoutPrediction:
    """Return an assessment as a row without id and digest."""
    return DropoutPrediction(
        student_id=student_id,
        course=course,
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
        is_overall=False,
    )


def store_prediction(session: Session, row: DropoutPrediction) -> DropoutPrediction:
    """Store a prediction, and its student when not seen before.

    Raises:
        PredictionExists: the id is stored with other content.
        StudentDeleted: all data of the student were erased.

    """
    ensure_and_lock_one(session, row.student_id, row.created_at)
    stored = insert_idempotent(session, row, PredictionExists)
    if stored.is_replay:
        return stored
    mark_latest(session, [row])
    return session.get_one(DropoutPrediction, row.id)


def store_predictions(session: Session, rows: Sequence[DropoutPrediction]) -> list[Outcome]:
    """Store predictions of one instant, one per student and course; students must be locked."""
    outcomes = insert_many_idempotent(session, rows)
    # Those that are stored already, too: another model may have predicted in the meantime.
    stored = [row.id for row, one in zip(rows, outcomes, strict=True) if one is Outcome.REPEATED]
    mark_latest(session, _with_successors(session, rows, stored))
    return outcomes


def _with_successors(
    session: Session, rows: Sequence[DropoutPrediction], stored: Sequence[str]
) -> Sequence[DropoutPrediction]:
    """Return the rows, but for those stored ones that were computed again what took their place."""
    row = DropoutPrediction
    old = select(row.id).where(row.id.in_(stored), row.recomputed_at.is_not(None))
    if not stored or not (superseded := set(session.scalars(old))):
        return rows
    new = select(row).where(row.id.in_([id_again(id_) for id_ in superseded]))
    return [*(one for one in rows if one.id not in superseded), *session.scalars(new)]
