"""Last marks and enrolments of courses."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Date, Text, and_, cast, func, or_, select
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Session

from dropout_service.models import (
    Assessment,
    Course,
    Enrolment,
    KnownAssessment,
    published_classes,
    published_enrolments,
)
from shared_db.clock import utc_now
from shared_db.columns import Key
from shared_db.queries.arrays import array_rows
from shared_db.queries.dialects import lateral_lookup

_MARK, _CLASS, _ENROLLED = KnownAssessment, published_classes.c, published_enrolments.c


def last_marks_in_classes(
    session: Session, classes: Sequence[str], days: int
) -> Mapping[str, list[datetime]]:
    """Return the last mark of each of the last days with marks in a class, the latest first.

    These are the marks of its students in its subjects; those of students who left are not.
    """
    found: dict[str, list[datetime]] = defaultdict(list)
    if not classes:
        return found
    asked, today = array_rows(id=Key), utc_now().date()
    day = cast(func.timezone("UTC", _MARK.submitted_at), Date)
    subject = func.to_jsonb(cast(_MARK.subject, Text))
    is_of_class = _CLASS.class_id == _ENROLLED.class_id
    is_theirs = and_(
        _MARK.student_id == _ENROLLED.student_id,
        cast(_CLASS.subjects, JSONB).contains(subject),
    )
    is_there = [
        or_(_ENROLLED.valid_from.is_(None), _ENROLLED.valid_from <= today),
        or_(_ENROLLED.valid_to.is_(None), _ENROLLED.valid_to > today),
        or_(_CLASS.starts_on.is_(None), day >= _CLASS.starts_on),
        or_(_CLASS.ends_on.is_(None), day <= _CLASS.ends_on),
        _ENROLLED.class_id == asked.c.id,
    ]
    last = func.max(_MARK.submitted_at)
    latest = lateral_lookup(
        select(last.label("at"))
        .select_from(published_enrolments)
        .join(published_classes, is_of_class)
        .join(_MARK, is_theirs)
        .where(*is_there)
        .group_by(day)
        .order_by(last.desc())
        .limit(days)
        .correlate(asked)
    )
    query = select(asked.c.id, latest.c.at).select_from(asked, latest)
    for id_, at in session.execute(query, {"id": list(classes)}):
        found[id_].append(at)
    return {id_: sorted(instants, reverse=True) for id_, instants in found.items()}


def marks_received(session: Session, last: Mapping[str, datetime]) -> Mapping[str | None, datetime]:
    """Return when the last marks of each course were received. last: when they were made."""
    row = Assessment
    query = (
        select(row.course, func.max(row.recorded_at))
        .where(row.course.in_(last), row.submitted_at >= min(last.values(), default=utc_now()))
        .group_by(row.course)
    )
    return {course: at for course, at in session.execute(query)}  # noqa: C416 - rows, not tuples


def last_enrolments(
    session: Session, courses: Sequence[str], *, is_memory: bool
) -> Mapping[str, date]:
    """Return the last day until today on which a student began in a course or class."""
    today = utc_now().date()
    found: dict[str, date] = {}
    query = (
        select(Course.id, Course.starts_on, Enrolment.registered_day)
        .join(Enrolment, Enrolment.course_id == Course.id)
        .where(Course.id.in_(courses), Enrolment.registered_day.is_not(None))
        .distinct()
        .order_by(Enrolment.registered_day)
    )
    for id_, begins, number in session.execute(query):
        day = begins + timedelta(days=number or 0)
        if day <= today:
            found[id_] = day
    if is_memory:
        return found
    began: Any = select(_ENROLLED.class_id, func.max(_ENROLLED.valid_from)).where(
        _ENROLLED.class_id.in_(courses), _ENROLLED.valid_from <= today
    )
    for id_, first in session.execute(began.group_by(_ENROLLED.class_id)):
        found.setdefault(id_, first)
    return found
