"""One course of OULAD, the Open University Learning Analytics Dataset, read and checked whole.

Kuzilek, Hlosta, Zdrahal 2017, Scientific Data 4:170171. Days count from the course's first, which
is day 0; what happened before has negative days.
"""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Self

from veritas_cli.oulad.csv_files import OuladError, OuladFiles, Row

__all__ = [
    "ActiveDay",
    "Course",
    "CourseName",
    "OuladError",
    "Student",
    "Submission",
    "read_course",
]

FILES = (
    "courses.csv",
    "assessments.csv",
    "vle.csv",
    "studentInfo.csv",
    "studentRegistration.csv",
    "studentAssessment.csv",
    "studentVle.csv",
)
RESULTS = ("Pass", "Distinction", "Fail", "Withdrawn")
FULL_SCORE = 100
_FIRST_MONTH = {"B": 2, "J": 10}
_LAST_SECOND = time(23, 59, 59, tzinfo=UTC)


@dataclass(frozen=True)
class CourseName:
    """A module and when it was presented; written AAA/2013J, as an id AAA-2013J."""

    module: str
    presentation: str

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the name, or None when it is not written as AAA/2013J."""
        match = re.fullmatch(r"([A-Za-z0-9]{1,20})/([12]\d{3}[BJ])", text, re.ASCII)
        return cls(match[1], match[2]) if match else None

    def __str__(self) -> str:
        return f"{self.module}/{self.presentation}"

    @property
    def id(self) -> str:
        """The name without the slash, which no id may have."""
        return f"{self.module}-{self.presentation}"

    def date_of(self, day: int) -> date:
        """Return the date of a day: B begins on 1 February, J on 1 October."""
        first = date(int(self.presentation[:-1]), _FIRST_MONTH[self.presentation[-1]], 1)
        return first + timedelta(days=day)

    def noon_of(self, day: int) -> datetime:
        """Return noon, for what has a day but no hour: it is that day in Britain and in UTC."""
        return datetime.combine(self.date_of(day), time(12, tzinfo=UTC))

    def end_of(self, day: int) -> datetime:
        """Return the day's last second."""
        return datetime.combine(self.date_of(day), _LAST_SECOND)


@dataclass(frozen=True)
class Student:
    """Who was enrolled, until when, and the end; a day is None where the data give none."""

    id: str
    registered_on: int | None
    unregistered_on: int | None
    result: str

    def is_registered_on(self, day: int) -> bool:
        """Tell whether the student had come by the end of the day and not left."""
        has_come = self.registered_on is None or self.registered_on <= day
        return has_come and (self.unregistered_on is None or self.unregistered_on > day)


@dataclass(frozen=True)
class Submission:
    """A scored piece of work, 0 to 100, on the day that it was handed in."""

    assessment_id: str
    student_id: str
    type: str
    day: int
    score: float


@dataclass(slots=True)
class ActiveDay:
    """What one student clicked on one day: clicks per type of activity, from `rows` rows."""

    rows: int = 0
    clicks: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class Course:
    """One course with everything that its students did.

    unscored: submissions left out because they have no score. banked: those left out because their
    score was carried over from an earlier presentation. active_days: by student and day, sorted;
    empty when the file has no clicks of the course, which does not mean that there were none.
    """

    name: CourseName
    length_days: int
    students: Sequence[Student]
    submissions: Sequence[Submission]
    unscored: int
    banked: int
    active_days: Mapping[tuple[str, int], ActiveDay]

    @property
    def last_active_day(self) -> int | None:
        """The last day with clicks of anybody, or None without clicks."""
        return max((day for _, day in self.active_days), default=None)


def read_course(path: Path, wanted: str | None) -> Course:
    """Read one course, written AAA/2013J, from OULAD's zip or folder.

    Raises:
        OuladError: a file, column or value is missing or wrong, or there is no such course.

    """
    files = OuladFiles(path)
    files.require(FILES)
    name, length = _find_course(files, wanted)
    students = _students(files, name)
    submissions, unscored, banked = _submissions(files, name, students)
    return Course(
        name=name,
        length_days=length,
        students=list(students.values()),
        submissions=submissions,
        unscored=unscored,
        banked=banked,
        active_days=_active_days(files, name, students),
    )


def _find_course(files: OuladFiles, wanted: str | None) -> tuple[CourseName, int]:
    columns = ("code_module", "code_presentation", "module_presentation_length")
    rows = {
        f"{row.text('code_module')}/{row.text('code_presentation')}": row
        for row in files.rows("courses.csv", columns)
    }
    there_are = f"{files.path} has the courses {', '.join(sorted(rows)) or '(none)'}."
    if wanted is None:
        raise OuladError(f"Choose a course with --course; {there_are}")
    name = CourseName.parse(wanted)
    if name is None or wanted not in rows:
        raise OuladError(f"There is no course {wanted}; {there_are}")
    return name, rows[wanted].whole("module_presentation_length")


def _students(files: OuladFiles, name: CourseName) -> dict[str, Student]:
    results = {
        id_: _result(row)
        for id_, row in _by_student(files, "studentInfo.csv", ("final_result",), name).items()
    }
    if not results:
        raise OuladError(f"studentInfo.csv has no students of {name}.")
    columns = ("date_registration", "date_unregistration")
    registrations = _by_student(files, "studentRegistration.csv", columns, name)
    if lacking := results.keys() - registrations.keys():
        raise OuladError(f"studentRegistration.csv lacks student {min(lacking)} of {name}.")
    return {id_: _student(id_, result, registrations[id_]) for id_, result in results.items()}


def _by_student(
    files: OuladFiles, file: str, columns: Sequence[str], name: CourseName
) -> dict[str, Row]:
    found: dict[str, Row] = {}
    for row in files.rows(file, ("id_student", *columns), _key(name)):
        if row.student_id() in found:
            raise row.refusal(f"student {row.student_id()} is there twice")
        found[row.student_id()] = row
    return found


def _result(row: Row) -> str:
    result = row.text("final_result")
    if result not in RESULTS:
        raise row.refusal(f"final_result is {result!r}, not one of {', '.join(RESULTS)}")
    return result


def _student(id_: str, result: str, registration: Row) -> Student:
    return Student(
        id=id_,
        registered_on=registration.day_or_none("date_registration"),
        unregistered_on=registration.day_or_none("date_unregistration"),
        result=result,
    )


def _submissions(
    files: OuladFiles, name: CourseName, students: Mapping[str, Student]
) -> tuple[list[Submission], int, int]:
    types = _types(files, "assessments.csv", ("id_assessment", "assessment_type"), name)
    found: dict[tuple[str, str], Submission | None] = {}
    banked = 0
    columns = ("id_assessment", "id_student", "date_submitted", "is_banked", "score")
    for row in files.rows("studentAssessment.csv", columns):
        id_ = row.text("id_assessment")
        if id_ not in types:
            continue
        student_id = _known(row, students, name)
        if (id_, student_id) in found:
            raise row.refusal(f"student {student_id} handed in assessment {id_} twice")
        is_banked = row.text("is_banked") == "1"
        banked += is_banked
        found[id_, student_id] = None if is_banked else _submission(row, types[id_])
    scored = [submission for submission in found.values() if submission is not None]
    return scored, len(found) - banked - len(scored), banked


def _submission(row: Row, type_: str) -> Submission | None:
    score = row.number_or_none("score")
    if score is None:
        return None
    if not 0 <= score <= FULL_SCORE:
        raise row.refusal(f"score is {row.fields['score']}, not within 0 to {FULL_SCORE}")
    return Submission(
        assessment_id=row.text("id_assessment"),
        student_id=row.student_id(),
        type=type_,
        day=row.day("date_submitted"),
        score=score,
    )


def _active_days(
    files: OuladFiles, name: CourseName, students: Mapping[str, Student]
) -> dict[tuple[str, int], ActiveDay]:
    types = _types(files, "vle.csv", ("id_site", "activity_type"), name)
    found: dict[tuple[str, int], ActiveDay] = {}
    columns = ("id_student", "id_site", "date", "sum_click")
    for row in files.rows("studentVle.csv", columns, _key(name)):
        day = found.setdefault((_known(row, students, name), row.day("date")), ActiveDay())
        day.rows += 1
        day.clicks[types.get(row.text("id_site"), "unknown")] += _clicks(row)
    return dict(sorted(found.items()))


def _types(
    files: OuladFiles, file: str, columns: tuple[str, str], name: CourseName
) -> dict[str, str]:
    id_, type_ = columns
    return {row.text(id_): row.text(type_) for row in files.rows(file, columns, _key(name))}


def _clicks(row: Row) -> int:
    clicks = row.whole("sum_click")
    if clicks < 0:
        raise row.refusal(f"sum_click is {clicks}")
    return clicks


def _known(row: Row, students: Mapping[str, Student], name: CourseName) -> str:
    if row.student_id() not in students:
        raise row.refusal(f"student {row.student_id()} is not in studentInfo.csv for {name}")
    return row.student_id()


def _key(name: CourseName) -> tuple[str, str]:
    return name.module, name.presentation
