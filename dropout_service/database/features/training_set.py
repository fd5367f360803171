"""Training sets: enrolments of completed courses with features, labels and audited attributes.

Finished classes of the roster are among the courses.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dropout_service.database.features.class_training import (
    class_enrolment_features,
    stayed_until_end,
    stored_classes,
)
from dropout_service.database.features.enrolment import Columns, enrolment_features
from dropout_service.domain.enrolments.finished_classes import StoredClass, with_classes
from dropout_service.domain.enrolments.finished_courses import (
    CoursesByState,
    StoredCourse,
    courses_by_state,
)
from dropout_service.domain.enrolments.outcome_targets import Target, is_labelled
from dropout_service.learning.rows import EnrolmentRows
from dropout_service.models import Course, Enrolment, EnrolmentBackground
from dropout_service.training_errors import CourseInProgress, NoFinishedCourse, PresentationNotFound
from shared_db.clock import utc_now
from shared_db.errors import NeedsPostgresql
from shared_db.repository import Repository

AUDITED = ("gender", "has_disability", "deprivation_band")


class TrainingSetRepository(Repository):
    """Enrolments to train models with, and to evaluate them."""

    def get_courses(
        self, presentations: Sequence[str], target: Target = Target.WITHDRAWN
    ) -> list[str]:
        """Return the ids of the finished courses and classes of these presentations, sorted.

        presentations: of courses (2013J), terms of classes, or ids of courses and classes.

        Raises:
            PresentationNotFound: a presentation has no course and no class.
            CourseInProgress: one of the courses or classes is not over.
            NoFinishedCourse: a presentation has only classes that are left out for other reasons.
            NeedsPostgresql: the in-memory store has no courses to learn from.

        """
        self._require_postgresql()
        now = utc_now()
        imported, classes = self.read_snapshot(_imported_and_classes)
        stored = [StoredCourse(one.id, one.presentation, one.dates, 0, 0) for one in imported]
        stored += [course for one in classes if (course := one.as_course()) is not None]
        reasons = {one.id: one.unfinished_reason(target, now) for one in classes}
        found = set[str]()
        for name in presentations:
            named = [one for one in stored if name in (one.presentation, one.id)]
            ids = {one.id for one in named} | ({name} & set(reasons))
            if not ids:
                raise PresentationNotFound(name)
            for one in named:
                if not one.dates.is_over_at(now):
                    last_day = one.dates.end_of(one.dates.length_days - 1)
                    raise CourseInProgress(one.id, last_day)
            usable = {id_ for id_ in ids if reasons.get(id_) is None}
            if not usable:
                raise NoFinishedCourse(name, min(ids), reasons[min(ids)] or "")
            found |= usable
        return sorted(found)

    def get_by_state(self, now: datetime, target: Target = Target.WITHDRAWN) -> CoursesByState:
        """Return all courses by id: the finished ones, and why the others are not finished.

        Classes of the roster are among them, as courses of the last of their terms.

        Raises:
            NeedsPostgresql: the in-memory store has no courses to learn from.

        """
        self._require_postgresql()
        courses, classes = self.read(
            lambda session: (stored_by_state(session, now), stored_classes(session))
        )
        return with_classes(courses, classes, target, now)

    def _require_postgresql(self) -> None:
        if self.use_fallback:
            raise NeedsPostgresql("Learning from courses needs PostgreSQL.")

    def get_rows(self, day: int, courses: Sequence[str], target: Target) -> EnrolmentRows:
        """Return the labelled enrolments that were still registered at the end of that day.

        Courses without such a day have no rows. A student of a class has left if enrolled in none
        of its course on its last days. Columns beside the features: `presentation`,
        `starts_on`, `label` (1 if the enrolment ended with an outcome of the target, else 0).
        Columns for the audit of fairness only: `gender`, `has_disability` and `deprivation_band`;
        an unknown value is an empty text.
        """
        features, ended = self.read(lambda session: _read(session, day, courses))
        rows = EnrolmentRows(features)
        rows = rows.where(np.array([id_ in ended for id_ in rows["enrolment_id"]], dtype=bool))
        ends = [ended[id_] for id_ in rows["enrolment_id"]]
        labels = np.array([end.outcome in target.outcomes for end in ends], dtype=np.float64)
        imported = rows.with_columns(
            label=labels,
            starts_on=np.array([end.starts_on.toordinal() for end in ends], dtype=np.int64),
            **{name: _texts(ends, name) for name in ("presentation", *AUDITED)},
        )
        of_classes = self.read_snapshot(lambda session: _read_classes(session, day, courses))
        return EnrolmentRows.joined([imported, of_classes]) if of_classes is not None else imported


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


def stored_classes_of(session: Session, ids: Sequence[str]) -> list[StoredCourse]:
    """Return the classes of these ids as courses; those without a stored term are left out."""
    courses = (one.as_course() for one in stored_classes(session) if one.id in ids)
    return [one for one in courses if one is not None]


def _imported_and_classes(session: Session) -> tuple[Sequence[Course], list[StoredClass]]:
    courses = session.scalars(select(Course).order_by(Course.id)).all()
    return courses, stored_classes(session)


def _read_classes(session: Session, day: int, ids: Sequence[str]) -> EnrolmentRows | None:
    """Return the rows of the classes among these courses; None without such a class."""
    classes = {one.id: one for one in stored_classes_of(session, ids)}
    if not classes:
        return None
    has_day = [id_ for id_, one in classes.items() if one.dates.length_days > day]
    rows = EnrolmentRows(class_enrolment_features(session, day, has_day))
    stayed = stayed_until_end(session, has_day)
    place = list(zip(rows["course"].tolist(), rows["student_id"].tolist(), strict=True))
    of = [classes[course] for course, _ in place]
    unknown = np.full(len(rows), "", dtype=np.str_)
    return rows.with_columns(
        label=np.array([one not in stayed for one in place], dtype=np.float64),
        starts_on=np.array([one.dates.starts_on.toordinal() for one in of], dtype=np.int64),
        presentation=np.array([one.presentation for one in of], dtype=np.str_),
        **dict.fromkeys(AUDITED, unknown),
    )


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
