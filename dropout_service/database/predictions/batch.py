"""Predictions of many students: repository, which works in batches of bounded size.

A course that a model judges, and a class of the roster, are assessed as a whole for the ranks.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Integer, Select, Subquery, bindparam, func, select, union
from sqlalchemy.orm import Session

from dropout_service.database.courses.classes import class_of, outdated_with_latest
from dropout_service.database.features.activity_query import activity_of
from dropout_service.database.predictions.batch_result import MAX_EXAMPLES, BatchResult
from dropout_service.database.predictions.by_class import ClassAssessment, assess_class
from dropout_service.database.predictions.by_model import (
    CourseAssessment,
    assess_course,
    named_model_values,
)
from dropout_service.database.predictions.by_rules import (
    RuleAssessment,
    assess_by_rules,
    named_rule_values,
)
from dropout_service.database.predictions.insert import insert_predictions
from dropout_service.database.predictions.latest import supersede, withdrawn_with_latest
from dropout_service.database.predictions.model_registry import active_model
from dropout_service.database.students.locking import ensure_and_lock, erased_among
from dropout_service.database.students.restrictions import restricted_among
from dropout_service.domain.enrolments.model_assessment import ModelAssessment
from dropout_service.domain.rules.activity import Activity
from dropout_service.errors import CourseNotFound
from dropout_service.models import (
    Course,
    DailyActivity,
    DropoutPrediction,
    Enrolment,
    KnownStudent,
)
from shared_db.clock import utc_now
from shared_db.columns import Key
from shared_db.repository import Repository
from shared_db.spool.pending import Pending, pending_of

BATCH_SIZE = 1000


class BatchPredictionRepository(Repository):
    """Predictions of all students, or of the students of a course."""

    def count_students(self, course: str | None = None) -> int:
        """Return the number of all students, or of those ever enrolled or active in a course.

        Raises:
            CourseNotFound: the course has no enrolments and no events.

        """
        students = EVERYBODY.subquery() if course is None else IN_A_COURSE
        query = select(func.count()).select_from(students)
        parameters = {} if course is None else {"course": course}
        count = self.read(lambda session: session.scalar(query, parameters)) or 0
        if course is not None and not count:
            raise CourseNotFound(course)
        return count

    def predict_by_rules(
        self,
        as_of: datetime,
        *,
        course: str | None = None,
        after: str = "",
        limit: int = BATCH_SIZE,
        keep: int = 0,
    ) -> BatchResult:
        """Predict the next students after an id by the rules, at most `limit`.

        course: students who are active or enrolled in it; those who have left or are yet to come
        are not assessable. None: all students without a prediction by a model as of this instant;
        those whose courses have all ended are not assessable. keep: number of the highest risks to
        return. Repeating a batch changes nothing, unless rows came late: then the new prediction is
        inserted beside the old one.
        """
        pending = pending_of(self.spool)

        def predict(session: Session) -> BatchResult:
            activities = _activities(session, as_of, course, after=after, limit=limit)
            if not activities:
                return BatchResult(last=None)
            restricted = restricted_among(session, activities)
            excluded = erased_among(session, activities) | restricted
            if course is None:
                excluded |= _predicted_by_model(session, activities, as_of)
            known = {id_: found for id_, found in activities.items() if id_ not in excluded}
            assessed = assess_by_rules(session, known, course, as_of)
            done = _insert_by_rules(session, assessed, pending, last=max(activities), keep=keep)
            return replace(done, restricted=frozenset(restricted))

        return self.write(predict)

    def assess_course(self, course: str, as_of: datetime) -> CourseAssessment | None:
        """Return the assessment of a course by the active model, None without a model.

        Raises:
            CourseNotFound: no enrolments of that course are known.

        """
        pending = pending_of(self.spool)

        def assess(session: Session) -> CourseAssessment | None:
            found = session.get(Course, course)
            if found is None:
                raise CourseNotFound(course)
            model = active_model(session)
            if model is None:
                return None
            return assess_course(session, model, found, as_of, pending)

        return self.read(assess)

    def assess_class(self, course: str, as_of: datetime) -> ClassAssessment | None:
        """Return the assessment of a class of the roster; None if there is no such class."""
        pending = pending_of(self.spool)

        def assess(session: Session) -> ClassAssessment | None:
            found = class_of(session, course)
            return None if found is None else assess_class(session, found, as_of, pending)

        return self.read_snapshot(assess)

    def add_class_assessments(
        self, assessed: Sequence[tuple[ClassAssessment, str]], *, keep: int = 0
    ) -> BatchResult:
        """Insert the predictions of students in classes; erased students are left out.

        assessed: of one instant. keep: number of the highest risks to return. Repeating the call
        changes nothing.
        """
        return self.write(lambda session: _insert_of_classes(session, assessed, keep))

    def add_assessments(
        self,
        assessed: CourseAssessment,
        enrolments: Sequence[tuple[str, ModelAssessment]],
        *,
        keep: int = 0,
    ) -> BatchResult:
        """Insert the predictions of some enrolments of a course; erased students are left out.

        keep: number of the highest risks to return. Repeating the call changes nothing.
        """
        return self.write(lambda session: _insert_by_model(session, assessed, enrolments, keep))

    def supersede_withdrawn(self, course: str, as_of: datetime) -> None:
        """Supersede the course's predictions of students who had withdrawn by the instant."""

        def change(session: Session) -> None:
            found = session.get(Course, course)
            if found is not None and (students := withdrawn_with_latest(session, found, as_of)):
                ensure_and_lock(session, students, utc_now())
                supersede(session, course, students, as_of)

        self.write(change)

    def supersede_outdated(self, as_of: datetime, course: str | None = None) -> int:
        """Supersede predictions in classes that count no more at the instant; return their number.

        They are of students who were not in the class, and those by the rules in a class that a
        model has judged since, or the other way round. course: a class; None: all classes, also
        those that have ended.
        """
        if self.use_fallback:
            return 0  # without a roster
        query = outdated_with_latest(as_of)
        if course is not None:
            query = query.where(DropoutPrediction.course == course)

        def change(session: Session) -> int:
            left: dict[str, list[str]] = defaultdict(list)
            rows = session.execute(query.limit(BATCH_SIZE)).all()
            # All at once: locked class by class, two such transactions could deadlock.
            ensure_and_lock(session, {row.student_id for row in rows}, utc_now())
            for class_id, student_id in rows:
                left[class_id].append(student_id)
            for class_id, students in left.items():
                supersede(session, class_id, students, as_of)
            return len(rows)

        count = 0
        while superseded := self.write(change):
            count += superseded
        return count


def _next(student: Subquery) -> Select[str]:
    after, limit = bindparam("after", type_=Key), bindparam("limit", type_=Integer())
    return select(student.c.id).where(student.c.id > after).order_by(student.c.id).limit(limit)


EVERYBODY = select(KnownStudent.id.label("id"))
COURSE = bindparam("course", type_=Key)
IN_A_COURSE = union(
    select(DailyActivity.student_id.label("id")).where(DailyActivity.course == COURSE),
    select(Enrolment.student_id).where(Enrolment.course_id == COURSE),
).subquery("in_a_course")
NEXT_OF_ALL, NEXT_IN_A_COURSE = _next(EVERYBODY.subquery("student")), _next(IN_A_COURSE)


def _activities(
    session: Session, as_of: datetime, course: str | None, **page: Any
) -> dict[str, Activity]:
    if course is None:
        return activity_of(session, NEXT_OF_ALL, as_of, **page)
    return activity_of(session, NEXT_IN_A_COURSE, as_of, course=course, **page)


def _predicted_by_model(session: Session, students: Iterable[str], as_of: datetime) -> set[str]:
    row = DropoutPrediction
    query = select(row.student_id).where(
        row.student_id.in_(students),
        row.as_of == as_of,
        row.base_log_odds.is_not(None),
        ~row.is_class,
    )
    return set(session.scalars(query.distinct()))


def _insert_by_rules(
    session: Session, assessed: RuleAssessment, pending: Pending, *, last: str, keep: int
) -> BatchResult:
    locked = ensure_and_lock(session, assessed.assessable, utc_now())
    students = sorted(assessed.assessable - locked.absent)
    rows = [named_rule_values(assessed, student_id, pending) for student_id in students]
    inserted = BatchResult.of_inserts(rows, insert_predictions(session, rows), keep)
    return replace(
        inserted,
        last=last,
        students=len(assessed.features),
        not_assessable=len(assessed.missing),
        examples=tuple(assessed.missing.items())[:MAX_EXAMPLES],
    )


def _insert_by_model(
    session: Session,
    assessed: CourseAssessment,
    enrolments: Sequence[tuple[str, ModelAssessment]],
    keep: int,
) -> BatchResult:
    absent = ensure_and_lock(session, [id_ for id_, _ in enrolments], utc_now()).absent
    rows = [named_model_values(assessed, *pair) for pair in enrolments if pair[0] not in absent]
    inserted = BatchResult.of_inserts(rows, insert_predictions(session, rows), keep)
    return replace(inserted, enrolments=len(enrolments), versions=(assessed.version,))


def _insert_of_classes(
    session: Session, assessed: Sequence[tuple[ClassAssessment, str]], keep: int
) -> BatchResult:
    absent = ensure_and_lock(session, {id_ for _, id_ in assessed}, utc_now()).absent
    rows = [of_class.named_values(id_) for of_class, id_ in assessed if id_ not in absent]
    inserted = BatchResult.of_inserts(rows, insert_predictions(session, rows), keep)
    enrolments = sum(of_class.is_by_model for of_class, _ in assessed)
    return replace(inserted, students=len(assessed) - enrolments, enrolments=enrolments)
