"""Whole courses that are brought in: who was enrolled, what was set and what was handed in."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import String, any_, bindparam, func, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from dropout_service.database.students.locking import ensure_and_lock
from dropout_service.domain.enums import CourseOutcome
from dropout_service.models import Course, Coursework, Enrolment, EnrolmentBackground, Submission
from shared_db.clock import utc_now
from shared_db.columns import row_of
from shared_db.errors import NeedsPostgresql
from shared_db.repository import Repository
from shared_db.writes.copy_from import bulk_insert
from shared_db.writes.idempotent_insert import Outcome, content_digest, insert_many_idempotent
from shared_db.writes.pouring import commit_without_waiting

# Without statistics of what just came in, PostgreSQL plans as if the tables were empty.
_BROUGHT_IN = (
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

_AMONG = select(Enrolment.id).where(Enrolment.id == any_(bindparam("ids", type_=ARRAY(String))))


@dataclass(frozen=True)
class CourseToStore:
    """One presentation of a module; `starts_on` is the date of its day 0."""

    id: str
    module: str
    presentation: str
    starts_on: date
    length_days: int


@dataclass(frozen=True)
class CourseworkToStore:
    """A piece of work that a course sets; weight in percent, the exam's counted apart."""

    id: str
    course_id: str
    type: str
    due_day: int | None
    weight: float
    is_exam: bool


@dataclass(frozen=True)
class BackgroundToStore:
    """Who the student was at the time, as the audit of fairness needs it; none: not known."""

    gender: str | None = None
    region: str | None = None
    highest_education: str | None = None
    deprivation_band: str | None = None
    age_band: str | None = None
    has_disability: bool | None = None


@dataclass(frozen=True)
class EnrolmentToStore:
    """One student in one course; days count from the course's first, none: not known."""

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
    """What a student handed in, or carried over; score 0 to 100, none: not marked."""

    id: str
    student_id: str
    enrolment_id: str
    coursework_id: str
    submitted_day: int
    score: float | None = None
    is_banked: bool = False


@dataclass(frozen=True)
class ActivityWindow:
    """The days of a course, from its first, for which there is a stream of activity at all."""

    first: int
    last: int


class CourseRecords(Repository):
    """Courses and what is known of those enrolled. Needs PostgreSQL."""

    def import_courses(
        self, courses: Sequence[CourseToStore], coursework: Sequence[CourseworkToStore]
    ) -> tuple[list[Outcome], list[Outcome]]:
        """Store courses and the work they set; return what became of each, in order.

        Raises:
            NeedsPostgresql: the in-memory store answers.

        """
        self.refuse_memory()
        with self.database.unit_of_work() as session:
            return (
                insert_many_idempotent(
                    session, [_row(Course, dict(vars(course))) for course in courses]
                ),
                insert_many_idempotent(
                    session, [_row(Coursework, dict(vars(work))) for work in coursework]
                ),
            )

    def import_enrolments(self, enrolments: Sequence[EnrolmentToStore]) -> list[Outcome]:
        """Store enrolments, and their students when not seen before; return what became of each.

        Those of students whose data were erased are GONE, and not stored.

        Raises:
            NeedsPostgresql: the in-memory store answers.

        """
        self.refuse_memory()
        with self.database.unit_of_work() as session:
            commit_without_waiting(session)
            gone = ensure_and_lock(session, {one.student_id for one in enrolments}, utc_now())
            kept = [one for one in enrolments if one.student_id not in gone]
            rows = [_enrolment_row(one) for one in kept]
            outcomes = insert_many_idempotent(session, rows, look_first=True)
            pairs = list(zip(kept, outcomes, strict=True))
            new = [one for one, outcome in pairs if outcome is Outcome.STORED]
            bulk_insert(session, [_background_row(one) for one in new])
            return _in_order(enrolments, pairs)

    def import_submissions(self, submissions: Sequence[SubmissionToStore]) -> list[Outcome]:
        """Store what was handed in; return what became of each, in order.

        Without their enrolment, as when the student's data were erased, they are GONE.

        Raises:
            NeedsPostgresql: the in-memory store answers.

        """
        self.refuse_memory()
        with self.database.unit_of_work() as session:
            commit_without_waiting(session)
            gone = ensure_and_lock(session, {one.student_id for one in submissions}, utc_now())
            there = _enrolments_among(session, {one.enrolment_id for one in submissions})
            kept = [
                one
                for one in submissions
                if one.student_id not in gone and one.enrolment_id in there
            ]
            rows = [_submission_row(one) for one in kept]
            outcomes = insert_many_idempotent(session, rows, look_first=True)
            return _in_order(submissions, zip(kept, outcomes, strict=True))

    def finish_import(self, windows: Mapping[str, ActivityWindow]) -> None:
        """Tell for which days of the courses there is activity, once all of it is stored.

        Days known from before stay. Until then a course counts as one without a stream, so that
        what an interrupted import left out is missing, not zero.

        Raises:
            NeedsPostgresql: the in-memory store answers.

        """
        self.refuse_memory()
        # The one commit that waits for the disk, and with it for all batches before.
        with self.database.unit_of_work() as session:
            for course_id, window in windows.items():
                first = func.least(Course.activity_from, window.first)
                last = func.greatest(Course.activity_until, window.last)
                change = update(Course).where(Course.id == course_id)
                session.execute(change.values(activity_from=first, activity_until=last))
            for table in _BROUGHT_IN:
                session.execute(text(f"ANALYZE dropout.{table}"))

    def refuse_memory(self) -> None:
        """Refuse to bring whole courses into the in-memory store.

        Raises:
            NeedsPostgresql: it is what answers.

        """
        if self.use_fallback:
            raise NeedsPostgresql("Courses can only be imported into PostgreSQL.")


def _row(model: type[Any], values: dict[str, Any]) -> Any:
    return model(**values, digest=content_digest({**values, "id": None}))


def _enrolment_row(enrolment: EnrolmentToStore) -> Enrolment:
    values = dict(vars(enrolment))
    sent = {**values, "id": None, "background": vars(values.pop("background"))}
    return row_of(Enrolment, **values, digest=content_digest(sent))


def _background_row(enrolment: EnrolmentToStore) -> EnrolmentBackground:
    return EnrolmentBackground(enrolment_id=enrolment.id, **vars(enrolment.background))


def _submission_row(submission: SubmissionToStore) -> Submission:
    values = dict(vars(submission))
    del values["student_id"]  # it is the enrolment's
    return row_of(Submission, **values, digest=content_digest({**values, "id": None}))


def _enrolments_among(session: Session, ids: set[str]) -> set[str]:
    return set(session.scalars(_AMONG, {"ids": list(ids)}))


def _in_order(sent: Sequence[Any], stored: Iterable[tuple[Any, Outcome]]) -> list[Outcome]:
    outcomes = {id(one): outcome for one, outcome in stored}
    return [outcomes.get(id(one), Outcome.ERASED) for one in sent]
