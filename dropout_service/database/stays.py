"""In which courses students are, and for which of their days."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from dropout_service.domain.course_days import Stay, gone
from dropout_service.models import Course, DailyActivity, Enrolment


def stay_of(enrolment: Enrolment, course: Course) -> Stay:
    """Return what the enrolment says of when the student is in the course."""
    return Stay(course.id, course.dates, enrolment.registered_day, enrolment.unregistered_day)


def stays_of(session: Session, students: Collection[str]) -> dict[str, list[Stay]]:
    """Return the stays of those of the students of whom enrolments are known."""
    query = (
        select(Enrolment, Course)
        .join(Course, Course.id == Enrolment.course_id)
        .where(Enrolment.student_id.in_(students))
    )
    found: dict[str, list[Stay]] = defaultdict(list)
    for enrolment, course in session.execute(query):
        found[enrolment.student_id].append(stay_of(enrolment, course))
    return found


def gone_by(
    session: Session, stays: Mapping[str, Sequence[Stay]], as_of: datetime
) -> dict[str, str]:
    """Return of the students whose courses are all behind them why there is nothing to say."""
    heard = _heard_elsewhere(session, stays, as_of)
    reasons = {id_: gone(known, heard.get(id_), as_of) for id_, known in stays.items()}
    return {id_: why for id_, why in reasons.items() if why}


def _heard_elsewhere(
    session: Session, students: Collection[str], as_of: datetime
) -> dict[str, datetime]:
    """Return when students last began a day outside of the courses of their enrolments."""
    is_enrolled = exists().where(
        Enrolment.student_id == DailyActivity.student_id,
        Enrolment.course_id == DailyActivity.course,
    )
    query = (
        select(DailyActivity.student_id, func.max(DailyActivity.first_at))
        .where(
            DailyActivity.student_id.in_(students), DailyActivity.first_at <= as_of, ~is_enrolled
        )
        .group_by(DailyActivity.student_id)
    )
    return {row[0]: row[1] for row in session.execute(query)}
