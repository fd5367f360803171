"""Predictions of many students at once, in batches of bounded size."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import Integer, Select, Subquery, bindparam, func, select, union
from sqlalchemy.orm import Session

from dropout_service.database.courses.enrolment_periods import (
    Periods,
    ended_reason,
    observable_activity,
    periods_of,
)
from dropout_service.database.features.activity_query import activity_of
from dropout_service.database.features.incomplete import note_pending
from dropout_service.database.predictions.batch_totals import (
    MOST_EXAMPLES,
    CohortBatch,
    highest_of,
    incomplete_among,
)
from dropout_service.database.predictions.latest import supersede, withdrawn_with_latest
from dropout_service.database.predictions.store import prediction_row, store_predictions
from dropout_service.database.students.locking import ensure_and_lock, erased_among
from dropout_service.domain.enrolments.course_calendar import EnrolmentPeriod
from dropout_service.domain.rules.activity import Activity
from dropout_service.domain.rules.features import Features, features_of
from dropout_service.domain.rules.risk import RULES_VERSION, assess, missing_for_assessment
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
from shared_db.queries.dialects import in_list
from shared_db.repository import Repository
from shared_db.spool.pending import Pending, pending_of
from shared_db.writes.idempotent_insert import Outcome, content_digest

MOST_AT_ONCE = 1000


class Cohorts(Repository):
    """Everybody, or everybody in a course."""

    def count_cohort(self, course: str | None = None) -> int:
        """Return how many students there are, or were ever enrolled or active in a course.

        Raises:
            CourseNotFound: there are no enrolments of that course, and no event was ever stored.

        """
        with self.database.reading() as session:
            students = EVERYBODY.subquery() if course is None else IN_A_COURSE
            query = select(func.count()).select_from(students)
            count = session.scalar(query, {} if course is None else {"course": course})
        if course is not None and not count:
            raise CourseNotFound(course)
        return count or 0

    def take_off_leavers(self, course: str, as_of: datetime) -> None:
        """Make obsolete what was predicted in a course of those who had left it by the instant."""
        with self.database.unit_of_work() as session:
            found = session.get(Course, course)
            if found is not None and (gone := withdrawn_with_latest(session, found, as_of)):
                ensure_and_lock(session, gone, utc_now())
                supersede(session, course, gone, as_of)

    def predict_batch(
        self,
        as_of: datetime,
        *,
        course: str | None = None,
        after: str = "",
        limit: int = MOST_AT_ONCE,
        keep: int = 0,
    ) -> CohortBatch:
        """Predict the next students after an id by the rules, at most `limit`, in one unit of work.

        course: who was active or is enrolled in it; who has left or is yet to come is not
        assessable. None: everybody, but for those of whom a model has told as of this instant; who
        has courses behind them alone is not assessable. The same batch again changes nothing where
        the same is known; where rows came late the new prediction stands beside the old one. keep:
        how many of the highest risks to return.
        """
        pending = pending_of(self.database)
        with self.database.unit_of_work() as session:
            activities = _activities(session, as_of, course, after=after, limit=limit)
            if not activities:
                return CohortBatch(last=None)
            out = erased_among(session, activities)
            if course is None:
                out |= _judged_by_model(session, activities, as_of)
            known = {id_: seen for id_, seen in activities.items() if id_ not in out}
            judged = judged_by_rules(session, known, course, as_of)
            return _stored(session, judged, pending, last=max(activities), keep=keep)


@dataclass(frozen=True)
class ByRules:
    """Features of students at an instant, and the reasons of those who are not assessable.

    course: of their predictions; None where only events tell of it.
    """

    course: str | None
    as_of: datetime
    features: dict[str, Features]
    missing: dict[str, str]

    def row(self, student_id: str) -> DropoutPrediction:
        """Return the prediction of an assessable student as a row without id and digest."""
        assessment = assess(self.features[student_id])
        return prediction_row(student_id, assessment, self.as_of, self.course)


def judged_by_rules(
    session: Session, activities: Mapping[str, Activity], course: str | None, as_of: datetime
) -> ByRules:
    """Return what the rules need of students: of a course, or altogether."""
    stays = periods_of(session, activities)
    known = observable_activity(session, stays, activities, as_of)
    features = {id_: features_of(seen) for id_, seen in known.items()}
    if course is None:
        absent: dict[str, str] | None = ended_reason(session, stays, as_of)
    else:
        absent = _absent(session, course, stays, features, as_of)
    place, absent = (None, {}) if absent is None else (course, absent)
    reasons = {
        id_: absent.get(id_) or missing_for_assessment(found) for id_, found in features.items()
    }
    return ByRules(place, as_of, features, {id_: why for id_, why in reasons.items() if why})


def activities_of(
    session: Session, students: Iterable[str], as_of: datetime
) -> dict[str, Activity]:
    """Return the activity by `as_of` of these students, by id."""
    named = _named(session.get_bind().dialect.name)
    return activity_of(session, named, as_of, ids=sorted(students))


@cache
def _named(dialect: str) -> Select[str]:
    return select(KnownStudent.id).where(in_list(KnownStudent.id, "ids", dialect))


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
    session: Session, as_of: datetime, course: str | None, **place: object
) -> dict[str, Activity]:
    if course is None:
        return activity_of(session, NEXT_OF_ALL, as_of, **place)
    return activity_of(session, NEXT_IN_A_COURSE, as_of, course=course, **place)


def _judged_by_model(session: Session, students: Iterable[str], as_of: datetime) -> set[str]:
    row = DropoutPrediction
    query = select(row.student_id).where(
        row.student_id.in_(students), row.as_of == as_of, row.base_log_odds.is_not(None)
    )
    return set(session.scalars(query.distinct()))


def _absent(
    session: Session, course: str, stays: Periods, students: Iterable[str], as_of: datetime
) -> dict[str, str] | None:
    """Return the reasons of students who are not in the course; None if only events tell of it."""
    if session.get(Course, course) is None:
        return None
    enrolled = {
        id_: stay for id_, known in stays.items() for stay in known if stay.course == course
    }
    reasons = {id_: _absence(enrolled.get(id_), as_of) for id_ in students}
    return {id_: why for id_, why in reasons.items() if why}


def _absence(stay: EnrolmentPeriod | None, as_of: datetime) -> str | None:
    return (
        "the student is not enrolled in the course"
        if stay is None
        else stay.not_assessable_reason(as_of)
    )


def _stored(
    session: Session, judged: ByRules, pending: Pending, *, last: str, keep: int
) -> CohortBatch:
    assessable = judged.features.keys() - judged.missing
    gone = ensure_and_lock(session, assessable, utc_now())
    rows = [_row(judged, id_, pending) for id_ in sorted(assessable - gone)]
    outcomes = Counter(store_predictions(session, rows))
    return CohortBatch(
        last=last,
        students=len(judged.features),
        stored=outcomes[Outcome.STORED],
        unchanged=outcomes[Outcome.REPEATED],
        incomplete=incomplete_among(rows),
        not_assessable=len(judged.missing),
        examples=tuple(judged.missing.items())[:MOST_EXAMPLES],
        highest=highest_of(rows, keep),
        versions=(RULES_VERSION,) if rows else (),
    )


def _row(judged: ByRules, student_id: str, pending: Pending) -> DropoutPrediction:
    row = judged.row(student_id)
    note_pending(row, pending)
    row.digest = content_digest({"features": asdict(judged.features[student_id])})
    named = f"{student_id}\n{judged.as_of.isoformat()}\n{RULES_VERSION}\n{row.digest.hex()}"
    if judged.course is not None:
        named += f"\n{judged.course}"
    row.id = "cohort-" + hashlib.blake2b(named.encode(), digest_size=16).hexdigest()
    return row
