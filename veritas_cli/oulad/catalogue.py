"""Catalogue of OULAD: courses, coursework, enrolments and sites, read and checked as a whole."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from dropout_service.database.courses.bulk_import import (
    BackgroundToStore,
    CourseToStore,
    CourseworkToStore,
    EnrolmentToStore,
)
from dropout_service.domain.enums import CourseOutcome
from veritas_cli.oulad.course import CourseName
from veritas_cli.oulad.csv_files import (
    ASSESSMENTS,
    COURSES,
    MAX_DAYS,
    REGISTRATIONS,
    SITES,
    STUDENTS,
    OuladFiles,
    Row,
)

FULL_SCORE = 100
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
_MAX_COUNT = 100_000

# Module, presentation, and the student's number.
EnrolmentKey = tuple[str, str, str]
# Module, presentation, and the site's number.
SiteKey = tuple[str, str, str]


@dataclass(frozen=True)
class CourseRecord:
    """Course with its line in courses.csv."""

    row: CourseToStore
    line: int


@dataclass(frozen=True)
class CourseworkRecord:
    """Coursework with the name of its course and its line in assessments.csv."""

    course: CourseName
    row: CourseworkToStore
    line: int


@dataclass(frozen=True)
class EnrolmentRecord:
    """Enrolment with its course; lines: its line in each of the two files, by file name."""

    course: CourseToStore
    row: EnrolmentToStore
    lines: Mapping[str, int]


@dataclass(frozen=True)
class Catalogue:
    """Everything but submissions and clicks.

    coursework: by the assessment's number. enrolments: sorted by key. sites: the type of activity.
    rows_read: by file name.
    """

    courses: Mapping[CourseName, CourseRecord]
    coursework: Mapping[str, CourseworkRecord]
    enrolments: Mapping[EnrolmentKey, EnrolmentRecord]
    sites: Mapping[SiteKey, str]
    rows_read: Mapping[str, int]


def prefixed_id(number: str) -> str:
    """Return the id of a student or of coursework, by its number in the files."""
    return f"oulad-{number}"


def read_catalogue(files: OuladFiles) -> Catalogue:
    """Read the files that submissions and clicks refer to.

    Raises:
        OuladError: a file, column or value is missing or wrong.

    """
    courses = _courses(files)
    coursework = _coursework(files, courses)
    enrolments = _enrolments(files, courses)
    sites = {
        _key(row, "id_site"): row.text("activity_type")
        for row in files.rows(SITES, ("id_site", "activity_type", *_COURSE))
    }
    rows_read = {COURSES: len(courses), ASSESSMENTS: len(coursework), SITES: len(sites)}
    rows_read |= dict.fromkeys((STUDENTS, REGISTRATIONS), len(enrolments))
    return Catalogue(courses, coursework, enrolments, sites, rows_read)


def _courses(files: OuladFiles) -> dict[CourseName, CourseRecord]:
    found: dict[CourseName, CourseRecord] = {}
    for row in files.rows(COURSES, (*_COURSE, "module_presentation_length")):
        written = f"{row.text('code_module')}/{row.text('code_presentation')}"
        name = CourseName.parse(written)
        if name is None:
            raise row.refusal(f"the course is {written!r}, not written as AAA/2013J")
        if name in found:
            raise row.refusal(f"course {name} is there twice")
        length = row.whole("module_presentation_length")
        if not 0 < length <= MAX_DAYS:
            raise row.refusal(f"module_presentation_length is {length}")
        begins = name.date_of(0)
        course = CourseToStore(name.id, name.module, name.presentation, begins, length)
        found[name] = CourseRecord(course, row.line)
    return found


def _coursework(
    files: OuladFiles, courses: Mapping[CourseName, CourseRecord]
) -> dict[str, CourseworkRecord]:
    found: dict[str, CourseworkRecord] = {}
    columns = (*_COURSE, "id_assessment", "assessment_type", "date", "weight")
    for row in files.rows(ASSESSMENTS, columns):
        number, name = row.text("id_assessment"), _course(row, courses)
        if number in found:
            raise row.refusal(f"assessment {number} is there twice")
        found[number] = CourseworkRecord(name, _coursework_row(row, name, number), row.line)
    return found


def _coursework_row(row: Row, name: CourseName, number: str) -> CourseworkToStore:
    row.text("weight")
    weight, type_ = row.number_or_none("weight") or 0.0, row.text("assessment_type")
    if not 0 <= weight <= FULL_SCORE:
        raise row.refusal(f"weight is {row.fields['weight']}, not within 0 to {FULL_SCORE}")
    due = row.day_or_none("date")
    return CourseworkToStore(prefixed_id(number), name.id, type_, due, weight, type_ == _EXAM)


def _enrolments(
    files: OuladFiles, courses: Mapping[CourseName, CourseRecord]
) -> dict[EnrolmentKey, EnrolmentRecord]:
    registrations = dict(_by_key(files, REGISTRATIONS, _REGISTERED))
    found: dict[EnrolmentKey, EnrolmentRecord] = {}
    columns = ("num_of_prev_attempts", "studied_credits", "final_result", *_BACKGROUND)
    for key, row in _by_key(files, STUDENTS, columns):
        registration = registrations.pop(key, None)
        if registration is None:
            raise row.refusal(f"{REGISTRATIONS} lacks this student and course")
        lines = {STUDENTS: row.line, REGISTRATIONS: registration.line}
        name = _course(row, courses)
        enrolment = _enrolment(row, registration, name)
        found[key] = EnrolmentRecord(courses[name].row, enrolment, lines)
    for row in registrations.values():
        raise row.refusal(f"{STUDENTS} lacks this student and course")
    return dict(sorted(found.items()))


def _by_key(
    files: OuladFiles, file: str, columns: Sequence[str]
) -> Iterator[tuple[EnrolmentKey, Row]]:
    seen: set[EnrolmentKey] = set()
    for row in files.rows(file, ("id_student", *_COURSE, *columns)):
        row.student_id()
        key = _key(row, "id_student")
        if key in seen:
            raise row.refusal("this student and course are there twice")
        seen.add(key)
        yield key, row


def _enrolment(row: Row, registration: Row, name: CourseName) -> EnrolmentToStore:
    result = row.text("final_result")
    if result not in _OUTCOMES:
        raise row.refusal(f"final_result is {result!r}, not one of {', '.join(_OUTCOMES)}")
    return EnrolmentToStore(
        id=f"oulad-{name.id}-{row.student_id()}",
        student_id=prefixed_id(row.student_id()),
        course_id=name.id,
        registered_day=registration.day_or_none("date_registration"),
        unregistered_day=registration.day_or_none("date_unregistration"),
        outcome=_OUTCOMES[result],
        credits=_count(row, "studied_credits"),
        previous_attempts=_count(row, "num_of_prev_attempts"),
        background=_background(row),
    )


def _count(row: Row, column: str) -> int | None:
    count = row.whole_or_none(column)
    if count is not None and not 0 <= count <= _MAX_COUNT:
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
        # One band of the published file lacks the percent sign.
        deprivation_band=band if band is None or band.endswith("%") else f"{band}%",
        age_band=known["age_band"],
        has_disability=None if disability is None else disability == "Y",
    )


def _course(row: Row, courses: Mapping[CourseName, CourseRecord]) -> CourseName:
    name = CourseName(row.text("code_module"), row.text("code_presentation"))
    if name not in courses:
        raise row.refusal(f"course {name} is not in {COURSES}")
    return name


def _key(row: Row, column: str) -> tuple[str, str, str]:
    return row.text("code_module"), row.text("code_presentation"), row.text(column)
