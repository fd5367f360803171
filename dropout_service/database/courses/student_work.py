"""Work that courses set, and the submissions of a student."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from dropout_service.database.courses.classes import class_of
from dropout_service.database.students.locking import require_student
from dropout_service.domain.enrolments.class_calendar import RosterClass, utc_date
from dropout_service.domain.enrolments.submission_states import SubmissionState, submission_state
from dropout_service.errors import CourseNotFound
from dropout_service.models import (
    Course,
    Coursework,
    DailyActivity,
    Enrolment,
    KnownAssessment,
    Submission,
)
from shared_db.clock import utc_now
from shared_db.repository import Repository


@dataclass(frozen=True)
class SetWork:
    """Piece of work that a course sets; None: not known."""

    id: str
    title: str
    type: str
    due_on: date | None
    weight: float | None


@dataclass(frozen=True)
class StudentSubmission:
    """Piece of work of a student: set by a course, or a mark in a class. None: not known."""

    assessment_id: str
    course: str
    title: str
    type: str | None
    due_on: date | None
    submitted_on: date | None
    percentage: float | None
    weight: float | None
    state: SubmissionState


class StudentWorkRepository(Repository):
    """Set work and submissions."""

    def search_set(self, course: str) -> list[SetWork]:
        """Return the work that a course sets, by its due day; none for courses not imported.

        Raises:
            CourseNotFound: the course is not stored, is no class, and has no events.

        """

        def search(session: Session) -> list[SetWork]:
            found = session.get(Course, course)
            if found is None:
                _require_known(session, course)
                return []
            return [_set_work(found, row, title) for row, title in _titled(session, course)]

        return self.read_snapshot(search)

    def search_submitted(
        self, student_id: str, *, course: str | None = None
    ) -> list[StudentSubmission]:
        """Return the work of a student by its due day: of a course, or of all imported courses.

        Of a class of the roster: the marks in its subjects while the class runs. Work that was due
        after the student left is left out, and so are exams without a result: it is not known if
        the student took part.

        Raises:
            StudentNotFound, StudentErased, StudentMerged: as `require_student`.
            CourseNotFound: the course is not stored, is no class, and has no events.

        """

        def search(session: Session) -> list[StudentSubmission]:
            require_student(session, student_id)
            if course is None or session.get(Course, course) is not None:
                return _submissions(session, student_id, course)
            found = class_of(session, course)
            if found is None:
                _require_known(session, course)
                return []
            return _marks(session, student_id, found)

        return self.read_snapshot(search)


def _require_known(session: Session, course: str) -> None:
    if class_of(session, course) is not None:
        return
    if not session.scalar(select(exists().where(DailyActivity.course == course))):
        raise CourseNotFound(course)


def _titled(session: Session, course: str) -> list[tuple[Coursework, str]]:
    """Return the work of a course by its due day; the title is the type with its number."""
    query = select(Coursework).where(Coursework.course_id == course)
    rows = sorted(
        session.scalars(query), key=lambda row: (row.due_day is None, row.due_day or 0, row.id)
    )
    of_type, number = Counter(row.type for row in rows), Counter[str]()
    titled = []
    for row in rows:
        number[row.type] += 1
        is_alone = of_type[row.type] == 1
        titled.append((row, row.type if is_alone else f"{row.type} {number[row.type]}"))
    return titled


def _due_on(course: Course, row: Coursework) -> date | None:
    return None if row.due_day is None else course.starts_on + timedelta(days=row.due_day)


def _set_work(course: Course, row: Coursework, title: str) -> SetWork:
    return SetWork(row.id, title, row.type, _due_on(course, row), row.weight)


def _submissions(session: Session, student_id: str, course: str | None) -> list[StudentSubmission]:
    query = select(Enrolment, Course).join(Course, Course.id == Enrolment.course_id)
    query = query.where(Enrolment.student_id == student_id)
    if course is not None:
        query = query.where(Enrolment.course_id == course)
    found = [
        one
        for enrolment, of in session.execute(query).all()
        for one in _of_enrolment(session, enrolment, of)
    ]
    return _by_due_day(found)


def _of_enrolment(
    session: Session, enrolment: Enrolment, course: Course
) -> list[StudentSubmission]:
    query = select(Submission).where(Submission.enrolment_id == enrolment.id)
    submitted = {row.coursework_id: row for row in session.scalars(query)}
    today = course.dates.last_completed_day(utc_now())
    left = enrolment.unregistered_day
    found = []
    for row, title in _titled(session, course.id):
        done = submitted.get(row.id)
        is_after = left is not None and (row.due_day is None or row.due_day >= left)
        if done is None and (row.is_exam or is_after):
            continue
        day = None if done is None else done.submitted_day
        found.append(
            StudentSubmission(
                assessment_id=row.id,
                course=course.id,
                title=title,
                type=row.type,
                due_on=_due_on(course, row),
                submitted_on=None if day is None else course.starts_on + timedelta(days=day),
                percentage=None if done is None else done.score,
                weight=row.weight,
                state=submission_state(
                    row.due_day, day, today, is_banked=done is not None and done.is_banked
                ),
            )
        )
    return found


def _marks(session: Session, student_id: str, found: RosterClass) -> list[StudentSubmission]:
    row = KnownAssessment
    query = select(row).where(row.student_id == student_id, row.subject.in_(found.subjects))
    marks = [(one, utc_date(one.submitted_at)) for one in session.scalars(query)]
    return _by_due_day(
        [
            StudentSubmission(
                assessment_id=one.id,
                course=found.id,
                title=one.subject,
                type=None,
                due_on=None,
                submitted_on=day,
                percentage=100 * one.score / one.max_score,
                weight=None,
                state=SubmissionState.HANDED_IN,
            )
            for one, day in marks
            if (found.starts_on is None or day >= found.starts_on)
            and (found.ends_on is None or day <= found.ends_on)
        ]
    )


def _by_due_day(rows: Sequence[StudentSubmission]) -> list[StudentSubmission]:
    def place(row: StudentSubmission) -> tuple[bool, date, str]:
        day = row.due_on or row.submitted_on
        return day is None, day or date.max, row.assessment_id

    return sorted(rows, key=place)
