"""Predictions of enrolments by the model that is active."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from dropout_service.database.features.enrolment import enrolment_features
from dropout_service.database.features.incomplete import note_pending
from dropout_service.database.predictions.batch_totals import (
    MOST_EXAMPLES,
    CohortBatch,
    highest_of,
    incomplete_among,
)
from dropout_service.database.predictions.model_registry import ActiveModel, active_model
from dropout_service.database.predictions.store import store_predictions
from dropout_service.database.students.locking import ensure_and_lock
from dropout_service.domain.enrolments.course_calendar import CourseDates, not_enrolled_reason
from dropout_service.domain.enrolments.model_assessment import (
    ModelAssessment,
    ModelOutput,
    assess_enrolment,
)
from dropout_service.errors import CourseNotFound
from dropout_service.learning.rows import INPUTS, EnrolmentRows
from dropout_service.models import Course, DropoutPrediction, Enrolment
from shared_db.clock import utc_now
from shared_db.repository import Repository
from shared_db.spool.pending import NOTHING_PENDING, Pending, pending_of
from shared_db.writes.idempotent_insert import Outcome, content_digest

NOTHING_KNOWN = "nothing is known of the enrolment but its course"


@dataclass(frozen=True)
class CourseAssessment:
    """What a model says of a course's enrolments at an instant, the highest risk first.

    not_assessable: by student, with the reason. pending: of the students when rows were read.
    """

    course: str
    as_of: datetime
    version: str
    enrolments: tuple[tuple[str, ModelAssessment], ...]
    not_assessable: tuple[tuple[str, str], ...]
    pending: Pending = NOTHING_PENDING

    def without_predictions(self) -> CohortBatch:
        """Return what became of those who are not assessable."""
        out = self.not_assessable
        return CohortBatch(
            last=None,
            enrolments=len(out),
            not_assessable=len(out),
            examples=out[:MOST_EXAMPLES],
        )


class EnrolmentPredictions(Repository):
    """Which enrolments are at risk, and why."""

    def get_course_dates(self, course: str) -> CourseDates | None:
        """Return when a course is, None where no enrolments of it are known."""
        with self.database.reading() as session:
            found = session.get(Course, course)
        return None if found is None else found.dates

    def get_running_courses(self, as_of: datetime) -> list[str]:
        """Return the ids of the courses that have a day behind them and are not over, sorted."""
        with self.database.reading() as session:
            courses = session.scalars(select(Course).order_by(Course.id)).all()
        return [
            course.id
            for course in courses
            if course.dates.not_running_reason(course.dates.last_completed_day(as_of)) is None
        ]

    def assess_course(self, course: str, as_of: datetime) -> CourseAssessment | None:
        """Return what the active model says; None where none was learned. Stores nothing.

        Raises:
            CourseNotFound: no enrolments of that course are known.

        """
        pending = pending_of(self.database)
        with self.database.reading() as session:
            found = session.get(Course, course)
            if found is None:
                raise CourseNotFound(course)
            model = active_model(session)
            if model is None:
                return None
            return replace(assess_course(session, model, found, as_of), pending=pending)

    def store_assessments(
        self,
        assessed: CourseAssessment,
        enrolments: Sequence[tuple[str, ModelAssessment]],
        *,
        keep: int = 0,
    ) -> CohortBatch:
        """Store these of a course's predictions; who was deleted meanwhile is left out.

        The same again changes nothing. keep: how many of the highest risks to return.
        """
        with self.database.unit_of_work() as session:
            gone = ensure_and_lock(session, [student_id for student_id, _ in enrolments], utc_now())
            rows = [
                named_row(assessed, student_id, assessment)
                for student_id, assessment in enrolments
                if student_id not in gone
            ]
            outcomes = Counter(store_predictions(session, rows))
        return CohortBatch(
            last=None,
            enrolments=len(enrolments),
            stored=outcomes[Outcome.STORED],
            unchanged=outcomes[Outcome.REPEATED],
            incomplete=incomplete_among(rows),
            highest=highest_of(rows, keep),
            versions=(assessed.version,),
        )


def assess_course(
    session: Session, model: ActiveModel, course: Course, as_of: datetime
) -> CourseAssessment:
    """Return what the model says of the course's enrolments at the end of its last whole day."""
    day = course.dates.last_completed_day(as_of)
    closed = course.dates.not_running_reason(day)
    out = _not_assessable(session, course, day, closed)
    judged = [] if closed else _judged(session, model, course.id, day)
    silent = [(id_, NOTHING_KNOWN) for id_, one in judged if one.confidence == 0]
    known = [(id_, assess_enrolment(one)) for id_, one in judged if one.confidence > 0]
    return CourseAssessment(
        course=course.id,
        as_of=as_of,
        version=model.version,
        enrolments=tuple(sorted(known, key=lambda pair: (pair[1].rank, pair[0]))),
        not_assessable=tuple(sorted([*out, *silent])),
    )


def _not_assessable(
    session: Session, course: Course, day: int, closed: str | None
) -> list[tuple[str, str]]:
    query = select(
        Enrolment.student_id, Enrolment.registered_day, Enrolment.unregistered_day
    ).where(Enrolment.course_id == course.id)
    reasons = (
        (
            row.student_id,
            closed or not_enrolled_reason(row.registered_day, row.unregistered_day, day),
        )
        for row in session.execute(query)
    )
    return [(student_id, why) for student_id, why in reasons if why is not None]


def _judged(
    session: Session, model: ActiveModel, course: str, day: int
) -> list[tuple[str, ModelOutput]]:
    rows = EnrolmentRows(enrolment_features(session, day, courses=[course]))
    if not len(rows):
        return []
    scores = model.model.scores(rows)
    ranks = _ranks(scores.probability)
    values = {name: rows[name].astype(np.float64) for name in INPUTS}
    medians = {name: _median(column) for name, column in values.items()}
    used = model.model.features_of(rows)
    return [
        (
            str(rows["student_id"][at]),
            ModelOutput(
                risk_score=float(scores.probability[at]),
                base_log_odds=float(scores.base[at]),
                contributions={name: float(scores.contributions[name][at]) for name in used[at]},
                values={name: _or_none(column[at]) for name, column in values.items()},
                medians=medians,
                rank=int(ranks[at]),
                ranked=len(rows),
                confidence=float(scores.confidence[at]),
            ),
        )
        for at in range(len(rows))
    ]


def _ranks(risks: Any) -> Any:
    """Return 1 for the highest risk; equal risks share the better rank."""
    ordered = np.sort(-risks)
    return np.searchsorted(ordered, -risks) + 1


def _median(column: Any) -> float | None:
    known = column[~np.isnan(column)]
    return float(np.median(known)) if len(known) else None


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def named_row(
    assessed: CourseAssessment, student_id: str, assessment: ModelAssessment
) -> DropoutPrediction:
    """Return a prediction whose id tells its content, so that the same again is the same row."""
    row = model_row(assessed, student_id, assessment)
    note_pending(row, assessed.pending)
    row.digest = content_digest(asdict(assessment))
    named = "\n".join((student_id, assessed.course, assessed.as_of.isoformat(), assessed.version))
    name = hashlib.blake2b(named.encode() + row.digest, digest_size=16).hexdigest()
    row.id = f"course-{name}"
    return row


def model_row(
    assessed: CourseAssessment, student_id: str, assessment: ModelAssessment
) -> DropoutPrediction:
    """Return a model's assessment as a row without id and digest."""
    return DropoutPrediction(
        student_id=student_id,
        course=assessed.course,
        dropout_type=assessment.dropout_type,
        risk_score=assessment.risk_score,
        risk_level=assessment.risk_level,
        confidence=assessment.confidence,
        momentum_index=None,
        base_log_odds=assessment.base_log_odds,
        course_rank=assessment.rank,
        course_ranked=assessment.ranked,
        primary_indicators=[asdict(reason) for reason in assessment.primary],
        secondary_indicators=[asdict(reason) for reason in assessment.secondary],
        recommendations=list(assessment.recommendations),
        missing=[asdict(missing) for missing in assessment.missing],
        version=assessed.version,
        as_of=assessed.as_of,
        created_at=utc_now(),
        is_latest=False,
        is_overall=False,
    )
