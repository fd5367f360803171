"""Import of whole courses: enrolments, coursework and submissions, as SQL on a session.

PostgreSQL only. The commits of batches do not wait for the disk; that of `finish` does.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import String, any_, bindparam, func, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from dropout_service.database.overall_risks import keep_overall_risks
from dropout_service.database.students.locking import (
    Locked,
    ensure_and_lock,
    insert_unless_erased,
)
from dropout_service.domain.enums import CourseOutcome
from dropout_service.models import (
    Course,
    Coursework,
    DropoutPrediction,
    Enrolment,
    EnrolmentBackground,
    Submission,
)
from shared_db.clock import utc_now
from shared_db.columns import Row
from shared_db.connection.database import Database
from shared_db.errors import NeedsPostgresql
from shared_db.results import InsertResult, Outcome
from shared_db.writes.copy_from import bulk_insert
from shared_db.writes.idempotent_insert import content_digest, insert_many_idempotent

# Without statistics of the imported rows, PostgreSQL plans as if the tables were empty.
_IMPORTED_TABLES = (
    "courses",
    "enrolments",
    "enrolment_backgrounds",
    "coursework",
    "submissions",
    "students",
    "learning_events",
    "daily_activity",
    "resource_uses",
)

_STORED_ENROLMENTS = select(Enrolment.id).where(
    Enrolment.id == any_(bindparam("ids", type_=ARRAY(String)))
)


@dataclass(frozen=True)
class CourseToStore:
    """Presentation of a module; `starts_on` is the date of its day 0."""

    id: str
    module: str
    presentation: str
    starts_on: date
    length_days: int


@dataclass(frozen=True)
class CourseworkToStore:
    """Piece of work that a course sets; weight in percent, separately for coursework and exams."""

    id: str
    course_id: str
    type: str
    due_day: int | None
    weight: float
    is_exam: bool


@dataclass(frozen=True)
class BackgroundToStore:
    """Student's background when they enrolled, for the fairness audit; None: not known."""

    gender: str | None = None
    region: str | None = None
    highest_education: str | None = None
    deprivation_band: str | None = None
    age_band: str | None = None
    has_disability: bool | None = None


@dataclass(frozen=True)
class EnrolmentToStore:
    """Student in a course; days count from the first day of the course, None: not known."""

    id: str
    student_id: str
    course_id: str
    registered_day: int | None = None
    unregistered_day: int | None = None
    outcome: CourseOutcome | None = None
    credits: int | None = None
    previous_attempts: int | None = None
    background: BackgroundToStore = BackgroundToStore()


@dataclass(frozen=True)
class SubmissionToStore:
    """Submission, handed in or carried over (banked); score 0 to 100, None: not marked."""

    id: str
    student_id: str
    enrolment_id: str
    coursework_id: str
    submitted_day: int
    score: float | None = None
    is_banked: bool = False


@dataclass(frozen=True)
class ActivityWindow:
    """Days of a course, counted from its first, that its stream of activity covers."""

    first: int
    last: int


def require_postgresql(database: Database) -> None:
    """Reject the import of courses into the in-memory store.

    Raises:
        NeedsPostgresql: the in-memory store answers.

    """
    if database.use_fallback:
        raise NeedsPostgresql("Courses can only be imported into PostgreSQL.")


def insert_courses(
    session: Session, courses: Sequence[CourseToStore], coursework: Sequence[CourseworkToStore]
) -> tuple[list[InsertResult], list[InsertResult]]:
    """Insert courses and their coursework; return the result of each, in order.

    The end of a course may change the overall risk of students with an earlier prediction in it.
    """
    results = insert_many_idempotent(session, Course, [_row(vars(course)) for course in courses])
    stored = [result.id for result in results if result.is_stored]
    query = select(DropoutPrediction.student_id).where(DropoutPrediction.course.in_(stored))
    if stored and (students := set(session.scalars(query.distinct()))):
        ensure_and_lock(session, students, utc_now())
        keep_overall_risks(session, students)
    works = insert_many_idempotent(session, Coursework, [_row(vars(work)) for work in coursework])
    return results, works


def insert_enrolments(
    session: Session, enrolments: Sequence[EnrolmentToStore]
) -> list[InsertResult]:
    """Insert enrolments, and their students if new; return the result of each, in order."""
    locked = ensure_and_lock(session, {one.student_id for one in enrolments}, utc_now())
    rows = [
        {**_enrolment_row(one), "student_id": locked.owner(one.student_id)} for one in enrolments
    ]
    is_twice = _of_merged_twice(session, rows, locked)
    left_out = [
        one.student_id in locked.erased or twice
        for one, twice in zip(enrolments, is_twice, strict=True)
    ]
    inserted = insert_unless_erased(session, Enrolment, rows, left_out, look_first=True)
    results = [
        InsertResult(result.id, Outcome.REPEATED) if twice else result
        for result, twice in zip(inserted, is_twice, strict=True)
    ]
    stored = [one for one, result in zip(enrolments, results, strict=True) if result.is_stored]
    bulk_insert(session, EnrolmentBackground, [_background_row(one) for one in stored])
    return results


def _of_merged_twice(session: Session, rows: Sequence[Row], locked: Locked) -> list[bool]:
    """Return True for each enrolment under a former id whose student is enrolled otherwise."""
    owners = set(locked.merged.values())
    query = select(Enrolment.course_id, Enrolment.student_id, Enrolment.id).where(
        Enrolment.student_id.in_(owners)
    )
    known = {(row.course_id, row.student_id): row.id for row in session.execute(query)}
    found = list[bool]()
    for row in rows:
        place = (row["course_id"], row["student_id"])
        is_owner = row["student_id"] in owners
        found.append(is_owner and known.setdefault(place, row["id"]) != row["id"])
    return found


def insert_submissions(
    session: Session, submissions: Sequence[SubmissionToStore]
) -> list[InsertResult]:
    """Insert submissions and return the result of each, in order.

    A submission without its enrolment counts as one of an erased student.
    """
    erased = ensure_and_lock(session, {one.student_id for one in submissions}, utc_now()).erased
    enrolments = _stored_enrolments(session, {one.enrolment_id for one in submissions})
    rows = [_submission_row(one) for one in submissions]
    is_erased = [
        one.student_id in erased or one.enrolment_id not in enrolments for one in submissions
    ]
    return insert_unless_erased(session, Submission, rows, is_erased, look_first=True)


def finish(session: Session, windows: Mapping[str, ActivityWindow]) -> None:
    """Widen the activity windows of courses, by course id, and collect statistics."""
    for course_id, window in windows.items():
        first = func.least(Course.activity_from, window.first)
        last = func.greatest(Course.activity_until, window.last)
        change = update(Course).where(Course.id == course_id)
        session.execute(change.values(activity_from=first, activity_until=last))
    for table in _IMPORTED_TABLES:
        session.execute(text(f"ANALYZE dropout.{table}"))


def _row(values: Mapping[str, Any]) -> Row:
    return {**values, "digest": content_digest({**values, "id": None})}


def _enrolment_row(enrolment: EnrolmentToStore) -> Row:
    values = dict(vars(enrolment))
    sent = {**values, "id": None, "background": vars(values.pop("background"))}
    return {**values, "digest": content_digest(sent)}


def _background_row(enrolment: EnrolmentToStore) -> Row:
    return {"enrolment_id": enrolment.id, **vars(enrolment.background)}


def _submission_row(submission: SubmissionToStore) -> Row:
    values = dict(vars(submission))
    del values["student_id"]  # it is the enrolment's
    return _row(values)


def _stored_enrolments(session: Session, ids: set[str]) -> set[str]:
    return set(session.scalars(_STORED_ENROLMENTS, {"ids": list(ids)}))
