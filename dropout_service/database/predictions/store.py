"""Predictions: repository that makes, inserts and reads them."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Unpack

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from dropout_service.database.course_risks.query import overall_or_of_class
from dropout_service.database.features.incomplete import pending_values
from dropout_service.database.predictions.insert import insert_prediction
from dropout_service.database.predictions.single import predicted_values
from dropout_service.database.students.locking import require_not_erased, require_not_merged
from dropout_service.database.students.restrictions import (
    is_assessed,
    require_assessed_student,
    require_unrestricted,
)
from dropout_service.domain.enums import DropoutType, RiskLevel, risk_level
from dropout_service.domain.rules.risk import IndicatorResult
from dropout_service.errors import (
    LevelDisagrees,
    PredictionExists,
    PredictionNotFound,
    StudentMerged,
)
from dropout_service.models import DropoutPrediction
from shared_db.clock import utc_now
from shared_db.columns import Row
from shared_db.ids import new_id
from shared_db.queries.filters import Columns
from shared_db.queries.pagination import Keyset, Page, PageOptions
from shared_db.repository import Repository
from shared_db.spool.pending import pending_of
from shared_db.writes.idempotent_insert import content_digest, find_replay

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
# Version of predictions that were made elsewhere.
GIVEN = "given"


class PredictionRepository(Repository):
    """Predictions of students."""

    def predict(
        self,
        student_id: str,
        *,
        as_of: datetime | None = None,
        course: str | None = None,
        prediction_id: str | None = None,
    ) -> DropoutPrediction:
        """Make and insert a prediction from the rows up to `as_of`, by default now.

        The active model predicts if the student is enrolled in a running course, else the rules;
        `version` names the one that did. course: of the enrolment; None: the enrolment with the
        highest risk. A class of the roster is judged as a whole, from its events and marks alone.

        Raises:
            StudentNotFound: no row of that student is stored.
            StudentErased: all data of the student were erased.
            StudentRestricted: the student is not to be assessed.
            CourseNotFound: no enrolments of that course are known.
            NotAssessable: too little was known of the student at the instant, or of the enrolment.
            PredictionExists: the id is stored for another student, course or instant.

        """
        instant = as_of or utc_now()
        digest = content_digest({"student_id": student_id, "as_of": as_of, "course": course})
        pending = pending_values(pending_of(self.spool, [student_id]), student_id)

        def predict(session: Session) -> DropoutPrediction:
            require_unrestricted(session, student_id)
            # Before the assessment: a repeated request is answered as the first one was, although
            # the course may have ended since.
            replay = find_replay(
                session, DropoutPrediction, prediction_id, digest, PredictionExists
            )
            if replay is not None:
                return replay
            predicted = predicted_values(session, student_id, course, instant)
            named = {"id": prediction_id or new_id(), "digest": digest}
            stored = insert_prediction(session, predicted | pending | named)
            if stored.student_id != student_id and not stored.is_replay:
                raise StudentMerged(student_id, stored.student_id)  # since the rows were read
            return stored

        return self.write(predict, of=[student_id])

    def add(
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
        """Insert a prediction that was made elsewhere, and its student if new.

        risk_score, confidence: 0 to 1; confidence is None if it is not stated. course: of the
        enrolment; None: the prediction is not about a course.

        Raises:
            PredictionExists: the id is stored with other content.
            LevelDisagrees: the level is not that of the score.
            StudentErased: all data of the student were erased.
            StudentRestricted: the student is not to be assessed.
            ValueError: a share is out of range, or there is no such type or level.

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
            "primary_indicators": [_sent(indicator) for indicator in primary_indicators],
            "secondary_indicators": [_sent(indicator) for indicator in secondary_indicators],
            "recommendations": list(recommendations),
            "confidence": confidence,
            "version": version,
            "as_of": as_of,
            "course": course,
        }
        now = utc_now()
        row = {
            **sent,
            "as_of": as_of or now,
            "id": prediction_id or new_id(),
            "risk_level": right,
            "base_log_odds": None,
            "missing": [],
            "is_class": False,
            "created_at": now,
            "is_latest": False,
            "is_overall": False,
            "digest": content_digest(sent),
        }
        return self.write(lambda session: insert_prediction(session, row), of=[student_id])

    def get_latest(self, student_id: str, *, course: str | None = None) -> DropoutPrediction:
        """Return the student's latest prediction in a course; without a course the overall one.

        Raises:
            StudentErased: all data of the student were erased.
            StudentRestricted: the student is not to be assessed; earlier ones are not shown.
            PredictionNotFound: there is none, or it was superseded.

        """
        row = DropoutPrediction
        is_asked = row.is_overall if course is None else row.is_latest & (row.course == course)
        query = select(row).where(row.student_id == student_id, is_asked)

        def get(session: Session) -> DropoutPrediction:
            require_not_erased(session, student_id)
            require_unrestricted(session, student_id)
            found = session.scalar(query)
            if found is None:
                require_not_merged(session, student_id)
                raise PredictionNotFound(student_id, course)
            return found

        return self.read(get)

    def search_student(
        self, student_id: str, *, course: str | None = None, **options: Unpack[PageOptions]
    ) -> Page[DropoutPrediction]:
        """Return the student's predictions, the latest `as_of` first, of one course if given.

        Raises:
            StudentNotFound: no row of that student is stored.
            StudentErased: all data of the student were erased.
            StudentRestricted: the student is not to be assessed; earlier ones are not shown.
            ServiceError: as `Repository.page`.

        """
        query = select(DropoutPrediction).where(DropoutPrediction.student_id == student_id)
        if course is not None:
            query = query.where(DropoutPrediction.course == course)
        return self.page(
            PREDICTIONS_BY_TIME,
            query,
            PREDICTION_COLUMNS,
            require=lambda session: require_assessed_student(session, student_id),
            **options,
        )

    def search(
        self, *, course: str | None = None, **options: Unpack[PageOptions]
    ) -> Page[DropoutPrediction]:
        """Return the overall prediction of each student (the highest of the latest), by risk.

        course: only students who were active in it or are enrolled; of a class of the roster,
        those enrolled now, with the predictions of the class if it has its own.
        """

        def query(session: Session) -> Select[DropoutPrediction]:
            found = overall_or_of_class(session, course, is_memory=self.use_fallback)
            return found.where(is_assessed(session, DropoutPrediction.student_id))

        return self.page(PREDICTIONS_BY_RISK, query, PREDICTION_COLUMNS, **options)


def _sent(indicator: IndicatorResult) -> Row:
    """Return the stored fields; without a sentence those of earlier releases, as for the digest."""
    sent = asdict(indicator)
    if indicator.sentence is None:
        del sent["sentence"]
    return sent
