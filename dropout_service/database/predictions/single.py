"""Making a prediction of one student: by the active model where enrolled, else by the rules."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from dropout_service.database.courses.enrolment_periods import ended_reason, period_of, periods_of
from dropout_service.database.features.incomplete import note_pending
from dropout_service.database.features.store import features_at
from dropout_service.database.predictions.by_model import assess_course, model_row
from dropout_service.database.predictions.model_registry import ActiveModel, active_model
from dropout_service.database.predictions.store import prediction_row, store_prediction
from dropout_service.database.students.locking import require_student
from dropout_service.domain.rules.risk import assess, missing_for_assessment
from dropout_service.errors import CourseNotFound, NotAssessable, PredictionExists
from dropout_service.models import Course, DropoutPrediction, Enrolment
from shared_db.clock import utc_now
from shared_db.ids import new_id
from shared_db.repository import Repository
from shared_db.spool.pending import pending_of
from shared_db.writes.idempotent_insert import content_digest, repeated


class Predicting(Repository):
    """Who is at risk, and why: one student."""

    def predict(
        self,
        student_id: str,
        *,
        as_of: datetime | None = None,
        course: str | None = None,
        prediction_id: str | None = None,
    ) -> DropoutPrediction:
        """Make and store a prediction from what was known at `as_of`, by default now.

        By the active model where there is one and the student is enrolled in a course that runs,
        else by the rules; `version` says which. course: of the enrolment in this one; None: of the
        enrolment with the highest risk.

        Raises:
            StudentNotFound: nothing was heard of that student.
            StudentDeleted: all data of the student were erased.
            CourseNotFound: no enrolments of that course are known.
            NotAssessable: too little was known of the student by then, or of the enrolment.
            PredictionExists: the id is stored for another student, course or instant.

        """
        instant = as_of or utc_now()
        digest = content_digest({"student_id": student_id, "as_of": as_of, "course": course})
        pending = pending_of(self.database, [student_id])
        with self.database.unit_of_work() as session:
            # Before anything is judged: what was answered once is answered again, although the
            # course has ended since.
            if stored := repeated(
                session, DropoutPrediction, prediction_id, digest, PredictionExists
            ):
                return stored
            enrolments = _enrolments(session, student_id, course, instant)
            model = active_model(session)
            row = None if model is None else _by_model(session, model, enrolments, instant)
            if row is None and model is not None and course is not None:
                raise NotAssessable(student_id, "nothing is known of the enrolment")
            row = row or _by_rules(session, student_id, course, instant)
            row.id, row.digest = prediction_id or new_id(), digest
            note_pending(row, pending)
            return store_prediction(session, row)


def _enrolments(
    session: Session, student_id: str, course: str | None, as_of: datetime
) -> list[tuple[Enrolment, Course]]:
    """Return the student's enrolments that can be judged at the instant."""
    query = (
        select(Enrolment, Course)
        .join(Course, Course.id == Enrolment.course_id)
        .where(Enrolment.student_id == student_id)
    )
    if course is None:
        rows = session.execute(query)
        return [row for row in rows if period_of(*row).not_assessable_reason(as_of) is None]
    require_student(session, student_id)
    if session.get(Course, course) is None:
        raise CourseNotFound(course)
    found = session.execute(query.where(Course.id == course)).one_or_none()
    if found is None:
        raise NotAssessable(student_id, f"the student is not enrolled in {course}")
    if closed := period_of(*found).not_assessable_reason(as_of):
        raise NotAssessable(student_id, closed)
    return [found]


def _by_model(
    session: Session,
    model: ActiveModel,
    enrolments: list[tuple[Enrolment, Course]],
    as_of: datetime,
) -> DropoutPrediction | None:
    """Return the prediction of the enrolment with the highest risk, None where none is known."""
    rows = []
    for enrolment, course in enrolments:
        assessed = assess_course(session, model, course, as_of)
        found = dict(assessed.enrolments).get(enrolment.student_id)
        if found is not None:
            rows.append(model_row(assessed, enrolment.student_id, found))
    return max(rows, key=lambda row: row.risk_score, default=None)


def _by_rules(
    session: Session, student_id: str, course: str | None, as_of: datetime
) -> DropoutPrediction:
    features = features_at(session, student_id, as_of)
    gone = ended_reason(session, periods_of(session, [student_id]), as_of).get(student_id)
    if missing := gone or missing_for_assessment(features):
        raise NotAssessable(student_id, missing)
    return prediction_row(student_id, assess(features), as_of, course)
