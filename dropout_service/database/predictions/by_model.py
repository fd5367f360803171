"""Predictions of the enrolments of a course by a learned model, also for classes of the roster."""

import hashlib
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from dropout_service.database.features.enrolment import enrolment_features
from dropout_service.database.features.incomplete import pending_values
from dropout_service.database.predictions.insert import assessment_values
from dropout_service.database.predictions.model_registry import ActiveModel
from dropout_service.database.students.restrictions import restricted_among
from dropout_service.domain.enrolments.course_calendar import not_enrolled_reason
from dropout_service.domain.enrolments.model_assessment import (
    ModelAssessment,
    ModelOutput,
    assess_enrolment,
)
from dropout_service.learning.course_level import WINDOW
from dropout_service.learning.model import Scores
from dropout_service.learning.rows import INPUTS, EnrolmentRows, Mask
from dropout_service.models import Course, Enrolment
from shared_db.columns import Row
from shared_db.spool.pending import NOTHING_PENDING, Pending
from shared_db.writes.idempotent_insert import content_digest

NOTHING_KNOWN = "nothing is known of the enrolment but its course"


@dataclass(frozen=True)
class CourseAssessment:
    """Assessments of a course's enrolments by a model at an instant, the highest risk first.

    enrolments: by student. not_assessable: students with the reason. restricted: students who are
    not to be assessed. pending: rows of the students that waited when the course was read.
    """

    course: str
    as_of: datetime
    version: str
    enrolments: tuple[tuple[str, ModelAssessment], ...]
    not_assessable: tuple[tuple[str, str], ...]
    restricted: frozenset[str]
    pending: Pending

    @property
    def place(self) -> "PredictedPlace":
        """The course, the instant and the version."""
        return PredictedPlace(self.course, self.as_of, self.version)


@dataclass(frozen=True)
class PredictedPlace:
    """Course or class, the instant of its predictions, and the version of the model."""

    course: str
    as_of: datetime
    version: str


def assess_course(
    session: Session,
    model: ActiveModel,
    course: Course,
    as_of: datetime,
    pending: Pending = NOTHING_PENDING,
) -> CourseAssessment:
    """Return the model's assessment of a course at the end of the last day that was over."""
    day = course.dates.last_completed_day(as_of)
    closed = course.dates.not_running_reason(day)
    absent, restricted = _not_enrolled(session, course, day, closed)
    outputs = [] if closed else _model_outputs(session, model, course.id, day)
    unknown = [(id_, NOTHING_KNOWN) for id_, output in outputs if output.confidence == 0]
    known = [(id_, assess_enrolment(output)) for id_, output in outputs if output.confidence > 0]
    return CourseAssessment(
        course=course.id,
        as_of=as_of,
        version=model.version,
        enrolments=tuple(sorted(known, key=lambda pair: (pair[1].rank, pair[0]))),
        not_assessable=tuple(sorted([*absent, *unknown])),
        restricted=restricted,
        pending=pending,
    )


def model_values(place: PredictedPlace, student_id: str, assessment: ModelAssessment) -> Row:
    """Return the row of an assessment by a model, without id and digest."""
    return {
        **assessment_values(assessment),
        "student_id": student_id,
        "course": place.course,
        "as_of": place.as_of,
        "base_log_odds": assessment.base_log_odds,
        "course_rank": assessment.rank,
        "course_ranked": assessment.ranked,
        "version": place.version,
    }


def named_model_values(
    assessed: CourseAssessment, student_id: str, assessment: ModelAssessment
) -> Row:
    """Return the row of an assessment by a model, under an id made of its content."""
    digest = content_digest(_without_sentences(assessment))
    named = "\n".join((student_id, assessed.course, assessed.as_of.isoformat(), assessed.version))
    name = hashlib.blake2b(named.encode() + digest, digest_size=16).hexdigest()
    return {
        **model_values(assessed.place, student_id, assessment),
        **pending_values(assessed.pending, student_id),
        "id": f"course-{name}",
        "digest": digest,
    }


def _without_sentences(assessment: ModelAssessment) -> Row:
    """Return the content without the codes of the texts, as earlier releases have named it."""
    content = asdict(assessment)
    for reason in (*content["primary"], *content["secondary"]):
        del reason["sentence"]
    return content


def _not_enrolled(
    session: Session, course: Course, day: int, closed: str | None
) -> tuple[list[tuple[str, str]], frozenset[str]]:
    """Return the students not enrolled at the end of the day with the reason, and the restricted.

    closed: the reason for all of them, if the course does not run.
    """
    query = select(
        Enrolment.student_id, Enrolment.registered_day, Enrolment.unregistered_day
    ).where(Enrolment.course_id == course.id)
    rows = session.execute(query).all()
    restricted = restricted_among(session, {row.student_id for row in rows})
    reasons = (
        (
            row.student_id,
            closed or not_enrolled_reason(row.registered_day, row.unregistered_day, day),
        )
        for row in rows
        if row.student_id not in restricted
    )
    absent = [(student_id, reason) for student_id, reason in reasons if reason is not None]
    return absent, frozenset(restricted)


def _model_outputs(
    session: Session, model: ActiveModel, course: str, day: int
) -> list[tuple[str, ModelOutput]]:
    rows = EnrolmentRows(enrolment_features(session, day, courses=[course]))
    if not len(rows):
        return []
    before = day - WINDOW
    earlier = None
    if before >= 0:
        earlier = EnrolmentRows(enrolment_features(session, before, courses=[course]))
    return model_outputs(model, rows, model_scores(model, rows, earlier))


def model_scores(model: ActiveModel, rows: EnrolmentRows, earlier: EnrolmentRows | None) -> Scores:
    """Return the scores of the rows, with the course level from the rows of four weeks before."""
    if earlier is None:
        return model.model.scores(rows)
    return model.model.scores(EnrolmentRows.joined([rows, earlier])).first(len(rows))


def model_outputs(
    model: ActiveModel, rows: EnrolmentRows, scores: Scores, chosen: Mask | None = None
) -> list[tuple[str, ModelOutput]]:
    """Return the student and the output of each chosen row, ranked among the chosen rows.

    chosen: None: all rows. Medians are those of all rows.
    """
    places = np.arange(len(rows)) if chosen is None else np.flatnonzero(chosen)
    ranks = dict(zip(places.tolist(), _ranks(scores.probability[places]).tolist(), strict=True))
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
                rank=rank,
                ranked=len(places),
                confidence=float(scores.confidence[at]),
            ),
        )
        for at, rank in ranks.items()
    ]


def _ranks(risks: Any) -> Any:
    """Return the ranks: 1 for the highest risk; equal risks share the better rank."""
    ordered = np.sort(-risks)
    return np.searchsorted(ordered, -risks) + 1


def _median(column: Any) -> float | None:
    known = column[~np.isnan(column)]
    return float(np.median(known)) if len(known) else None


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
