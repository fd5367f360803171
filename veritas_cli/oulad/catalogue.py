"""All courses of OULAD with who was enrolled and what was set, read and checked whole."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dropout_service.database.courses.bulk_import import (
    BackgroundToStore,
    CourseToStore,
    CourseworkToStore,
    EnrolmentToStore,
)
from dropout_service.domain.enums import CourseOutcome
from veritas_cli.oulad.course import FULL_SCORE, CourseName
from veritas_cli.oulad.csv_files import OuladFiles, Row

COURSES, ASSESSMENTS, SITES = "courses.csv", "assessments.csv", "vle.csv"
STUDENTS, REGISTRATIONS = "studentInfo.csv", "studentRegistration.csv"

_COURSE = ("code_module", "code_presentation")
_BACKGROUND = ("gender", "region", "highest_education", "imd_band", "age_band", "disability")
_OUTCOMES = {
    "Pass": CourseOutcome.PASS,
    "Distinction": CourseOutcome.DISTINCTION,
    "Fail": CourseOutcome.FAIL,
    "Withdrawn": CourseOutcome.WITHDRAWN,
}
_REGISTERED = ("date_registration", "date_unregistration")
_EXAM = "Exam"
_MOST_DAYS = 3660
_MOST_COUNTED = 100_000

# Module, presentation, and the number of the student, assessment or site in it.
Place = tuple[str, str, str]


@dataclass(frozen=True)
class Course:
    """A course, and the line that it was read from."""

    row: CourseToStore
    line: int


@dataclass(frozen=True)
class Work:
    """A piece of work with the name of its course, and the line that it was read from."""

    course: CourseName
    row: CourseworkToStore
    line: int


@dataclass(frozen=True)
class Enrolled:
    """An enrolment with its place, and the lines of the two files that it was read from."""

    place: Place
    course: CourseToStore
    row: EnrolmentToStore
    lines: Mapping[str, int]


@dataclass(frozen=True)
class School:
    """Everything but submissions and clicks.

    courses: by name. work: by the assessment's number. enrolled: by place, in the order of course
    and student. sites: the type of activity by place. read: how many rows of each file.
    """

    courses: Mapping[CourseName, Course]
    work: Mapping[str, Work]
    enrolled: Mapping[Place, Enrolled]
    sites: Mapping[Place, str]
    read: Mapping[str, int]


def student_id(number: str) -> str:
    """Return the id of a student, by the number that the data give."""
    return f"oulad-{number}"


def work_id(number: str) -> str:
    """Return the id of a piece of work."""
    return f"oulad-{number}"


def read_school(files: OuladFiles) -> School:
    """Read the files that everything else refers to.

    Raises:
        OuladError: a file, column or value is missing or wrong; it says which line.

    """
    courses = _courses(files)
    work = _work(files, courses)
    enrolled = _enrolled(files, courses)
    sites = {
        _place(row, "id_site"): row.text("activity_type")
        for row in files.rows(SITES, ("id_site", "activity_type", *_COURSE))
    }
    read = {COURSES: len(courses), ASSESSMENTS: len(work), SITES: len(sites)}
    counts = dict.fromkeys((STUDENTS, REGISTRATIONS), len(enrolled))
    return School(courses, work, enrolled, sites, read | counts)


def _courses(files: OuladFiles) -> dict[CourseName, Course]:
    found: dict[CourseName, Course] = {}
    for row in files.rows(COURSES, (*_COURSE, "module_presentation_length")):
        written = f"{row.text('code_module')}/{row.text('code_presentation')}"
        name = CourseName.parse(written)
        if name is None:
            raise row.refusal(f"the course is {written!r}, not written as AAA/2013J")
        if name in found:
            raise row.refusal(f"course {name} is there twice")
        length = row.whole("module_presentation_length")
        if not 0 < length <= _MOST_DAYS:
            raise row.refusal(f"module_presentation_length is {length}")
        begins = name.date_of(0)
        to_store = CourseToStore(name.id, name.module, name.presentation, begins, length)
        found[name] = Course(to_store, row.line)
    return found


def _work(files: OuladFiles, courses: Mapping[CourseName, Course]) -> dict[str, Work]:
    found: dict[str, Work] = {}
    columns = (*_COURSE, "id_assessment", "assessment_type", "date", "weight")
    for row in files.rows(ASSESSMENTS, columns):
        number, name = row.text("id_assessment"), _course(row, courses)
        if number in found:
            raise row.refusal(f"assessment {number} is there twice")
        found[number] = Work(name, _coursework(row, name, number), row.line)
    return found


def _coursework(row: Row, name: CourseName, number: str) -> CourseworkToStore:
    row.text("weight")
    weight, type_ = row.number_or_none("weight") or 0.0, row.text("assessment_type")
    if not 0 <= weight <= FULL_SCORE:
        raise row.refusal(f"weight is {row.fields['weight']}, not within 0 to {FULL_SCORE}")
    due = row.day_or_none("date")
    return CourseworkToStore(work_id(number), name.id, type_, due, weight, type_ == _EXAM)


def _enrolled(files: OuladFiles, courses: Mapping[CourseName, Course]) -> dict[Place, Enrolled]:
    registrations = dict(_by_student(files, REGISTRATIONS, _REGISTERED))
    found: dict[Place, Enrolled] = {}
    columns = ("num_of_prev_attempts", "studied_credits", "final_result", *_BACKGROUND)
    for place, row in _by_student(files, STUDENTS, columns):
        registration = registrations.pop(place, None)
        if registration is None:
            raise row.refusal(f"{REGISTRATIONS} lacks this student and course")
        lines = {STUDENTS: row.line, REGISTRATIONS: registration.line}
        name = _course(row, courses)
        enrolment = _enrolment(row, registration, name)
        found[place] = Enrolled(place, courses[name].row, enrolment, lines)
    for row in registrations.values():
        raise row.refusal(f"{STUDENTS} lacks this student and course")
    return dict(sorted(found.items()))


def _by_student(
    files: OuladFiles, file: str, columns: Sequence[str]
) -> Iterator[tuple[Place, Row]]:
    seen: set[Place] = set()
    for row in files.rows(file, ("id_student", *_COURSE, *columns)):
        row.student_id()
        place = _place(row, "id_student")
        if place in seen:
            raise row.refusal("this student and course are there twice")
        seen.add(place)
        yield place, row


def _enrolment(row: Row, registration: Row, name: CourseName) -> EnrolmentToStore:
    result = row.text("final_result")
    if result not in _OUTCOMES:
        raise row.refusal(f"final_result is {result!r}, not one of {', '.join(_OUTCOMES)}")
    return EnrolmentToStore(
        id=f"oulad-{name.id}-{row.student_id()}",
        student_id=student_id(row.student_id()),
        course_id=name.id,
        registered_day=registration.day_or_none("date_registration"),
        unregistered_day=registration.day_or_none("date_unregistration"),
        outcome=_OUTCOMES[result],
        credits=_counted(row, "studied_credits"),
        previous_attempts=_counted(row, "num_of_prev_attempts"),
        background=_background(row),
    )


def _counted(row: Row, column: str) -> int | None:
    count = row.whole_or_none(column)
    if count is not None and not 0 <= count <= _MOST_COUNTED:
        raise row.refusal(f"{column} is {count}")
    return count


def _background(row: Row) -> BackgroundToStore:
    known = {column: row.text_or_none(column) for column in _BACKGROUND}
    disability = known["disability"]
    if disability not in ("Y", "N", None):
        raise row.refusal(f"disability is {disability!r}, not Y or N")
    band = known["imd_band"]
    return BackgroundToStore(
        gender=known["gender"],
        region=known["region"],
        highest_education=known["highest_education"],
        # One band of the published file lacks the sign that all others have.
        deprivation_band=band if band is None or band.endswith("%") else f"{band}%",
        age_band=known["age_band"],
        has_disability=None if disability is None else disability == "Y",
    )


def _course(row: Row, courses: Mapping[CourseName, Course]) -> CourseName:
    name = CourseName(row.text("code_module"), row.text("code_presentation"))
    if name not in courses:
        raise row.refusal(f"course {name} is not in {COURSES}")
    return name


def _place(row: Row, column: str) -> Place:
    return row.text("code_module"), row.text("code_presentation"), row.text(column)
