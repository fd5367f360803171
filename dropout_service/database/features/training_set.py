"""Training sets: enrolments of completed courses with features, labels and audited attributes."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dropout_service.database.features.enrolment import Columns, enrolment_features
from dropout_service.domain.enrolments.finished_courses import (
    CoursesByState,
    StoredCourse,
    courses_by_state,
)
from dropout_service.domain.enrolments.outcome_targets import Target, is_labelled
from dropout_service.errors import CourseInProgress, PresentationNotFound
from dropout_service.learning.rows import EnrolmentRows
from dropout_service.models import Course, Enrolment, EnrolmentBackground
from shared_db.clock import utc_now
from shared_db.errors import NeedsPostgresql
from shared_db.repository import Repository

AUDITED = ("gender", "has_disability", "deprivation_band")


class TrainingSetRepository(Repository):
    """Enrolments to train models with, and to evaluate them."""

    def get_courses(self, presentations: Sequence[str]) -> list[str]:
        """Return the ids of the courses of these presentations (2013J), sorted.

        Raises:
            PresentationNotFound: a presentation has no course.
            CourseInProgress: one of the courses is not over.
            NeedsPostgresql: the in-memory store has no courses to learn from.

        """
        self._require_postgresql()
        query = select(Course).where(Course.presentation.in_(presentations)).order_by(Course.id)
        found = self.read(lambda session: session.scalars(query).all())
        for presentation in presentations:
            if presentation not in {course.presentation for course in found}:
                raise PresentationNotFound(presentation)
        for course in found:
            if not course.dates.is_over_at(utc_now()):
                raise CourseInProgress(course.id, course.dates.end_of(course.length_days - 1))
        return [course.id for course in found]

    def get_by_state(self, now: datetime) -> CoursesByState:
        """Return all courses by id: the finished ones, and why the others are not finished.

        Classes of the roster are not among them, because no model learns from them.

        Raises:
            NeedsPostgresql: the in-memory store has no courses to learn from.

        """
        self._require_postgresql()
        return self.read(lambda session: stored_by_state(session, now))

    def _require_postgresql(self) -> None:
        if self.use_fallback:
            raise NeedsPostgresql("Learning from courses needs PostgreSQL.")

    def get_rows(self, day: int, courses: Sequence[str], target: Target) -> EnrolmentRows:
        """Return the labelled enrolments that were still registered at the end of that day.

        Courses without such a day have no rows. Columns beside the features: `presentation`,
        `starts_on`, `label` (1 if the enrolment ended with an outcome of the target, else 0).
        Columns for the audit of fairness only: `gender`, `has_disability` and `deprivation_band`;
        an unknown value is an empty text.
        """
        features, ended = self.read(lambda session: _read(session, day, courses))
        rows = EnrolmentRows(features)
        rows = rows.where(np.array([id_ in ended for id_ in rows["enrolment_id"]], dtype=bool))
        ends = [ended[id_] for id_ in rows["enrolment_id"]]
        labels = np.array([end.outcome in target.outcomes for end in ends], dtype=np.float64)
        return rows.with_columns(
            label=labels,
            starts_on=np.array([end.starts_on.toordinal() for end in ends], dtype=np.int64),
            **{name: _texts(ends, name) for name in ("presentation", *AUDITED)},
        )


_STORED = (
    select(Course, func.count(Enrolment.id), func.count(Enrolment.outcome))
    .outerjoin(Enrolment, Enrolment.course_id == Course.id)
    .group_by(Course.id)
    .order_by(Course.id)
)


def stored_by_state(session: Session, now: datetime) -> CoursesByState:
    """Return all courses by id: the finished ones, and why the others are not finished."""
    courses = [
        StoredCourse(course.id, course.presentation, course.dates, enrolments, with_outcome)
        for course, enrolments, with_outcome in session.execute(_STORED)
    ]
    return courses_by_state(courses, now)


def _read(session: Session, day: int, courses: Sequence[str]) -> tuple[Columns, dict[str, Any]]:
    has_day = select(Course.id).where(Course.id.in_(courses), Course.length_days > day)
    features = enrolment_features(session, day, courses=session.scalars(has_day).all())
    return features, _ended(session, courses)


def _ended(session: Session, courses: Sequence[str]) -> dict[str, Any]:
    """Return the ends of the labelled enrolments, by enrolment."""
    query = (
        select(
            Enrolment.id,
            Enrolment.outcome,
            Enrolment.unregistered_day,
            Course.presentation,
            Course.starts_on,
            *(getattr(EnrolmentBackground, name) for name in AUDITED),
        )
        .join(Course, Course.id == Enrolment.course_id)
        .outerjoin(EnrolmentBackground, EnrolmentBackground.enrolment_id == Enrolment.id)
        .where(Enrolment.course_id.in_(courses))
    )
    rows = session.execute(query)
    return {row.id: row for row in rows if is_labelled(row.outcome, row.unregistered_day)}


def _texts(ends: Sequence[Any], name: str) -> Any:
    values = (getattr(end, name) for end in ends)
    return np.array(["" if value is None else str(value) for value in values], dtype=np.str_)
