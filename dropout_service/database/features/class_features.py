"""Features of students in a class of the roster, from its events and marks alone."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from dropout_service.database.courses.classes import class_of, enrolments_in
from dropout_service.database.features.activity_query import activity_of, given_students
from dropout_service.domain.enrolments.class_calendar import (
    RosterClass,
    absence_reason,
    utc_date,
)
from dropout_service.domain.rules.features import Features, features_of
from dropout_service.errors import CourseNotFound, NotAClass, NotAssessable
from dropout_service.models import Course

_BATCH_SIZE = 1000


def class_features(
    session: Session, found: RosterClass, students: Iterable[str], as_of: datetime
) -> dict[str, Features]:
    """Return the features of students in a class, by student; they must be enrolled then."""
    ids, chosen = sorted(students), given_students(session.get_bind().dialect.name)
    features = {}
    for start in range(0, len(ids), _BATCH_SIZE):
        part = ids[start : start + _BATCH_SIZE]
        activities = activity_of(session, chosen, as_of, in_class=True, ids=part, course=found.id)
        for id_, activity in activities.items():
            known = activity if found.subjects else replace(activity, marks=None)
            features[id_] = features_of(known)
    return features


def features_in_class(session: Session, student_id: str, course: str, as_of: datetime) -> Features:
    """Return the features of a known student in a class.

    Raises:
        CourseNotFound: the course is not stored, and is no class.
        NotAClass: the course was imported.
        NotAssessable: the class does not run at the instant, or the student is not in it.

    """
    found = class_of(session, course)
    if found is None:
        raise CourseNotFound(course) if session.get(Course, course) is None else NotAClass(course)
    enrolments = enrolments_in(session, course, student_id)
    absent = absence_reason(enrolments, utc_date(as_of))
    if reason := found.not_running_reason(as_of) or absent:
        raise NotAssessable(student_id, reason)
    return class_features(session, found, [student_id], as_of)[student_id]
