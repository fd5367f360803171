"""Demonstration with one course of OULAD, by the readers of the import."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NoReturn

from dropout_service.database.courses.bulk_import import EnrolmentToStore
from dropout_service.domain.enums import CourseOutcome
from dropout_service.domain.rules.activity import EPOCH
from staffstuddash_service.datastore import AssessmentToStore
from veritas_cli.demo.dataset import Body, Demonstration
from veritas_cli.oulad.catalogue import Catalogue, read_catalogue
from veritas_cli.oulad.clicks import COLUMNS as CLICK_COLUMNS
from veritas_cli.oulad.clicks import ClickStream
from veritas_cli.oulad.course import CourseName
from veritas_cli.oulad.csv_files import CLICKS, FILES, SUBMISSIONS, OuladError, OuladFiles, Record
from veritas_cli.oulad.report import FileReport
from veritas_cli.oulad.submissions import COLUMNS as SUBMISSION_COLUMNS
from veritas_cli.oulad.submissions import SubmissionRecord, read_submissions

DEFAULT_DAY = 100
_LOST = (CourseOutcome.WITHDRAWN, CourseOutcome.FAIL)
_CLICKS_AT_ONCE = 20_000


@dataclass
class _ActiveDay:
    """Clicks of one student on one day, by type of activity, from so many rows of the file."""

    rows: int = 0
    clicks: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True)
class _OuladCourse:
    """One course; active_days: by student id and day, sorted."""

    name: CourseName
    length_days: int
    enrolments: Sequence[EnrolmentToStore]
    submissions: Sequence[SubmissionRecord]
    active_days: Mapping[tuple[str, int], _ActiveDay]


def course_demonstration(files: OuladFiles, wanted: str | None, day: int) -> Demonstration:
    """Return the demonstration of a course, written AAA/2013J, as of the end of a day.

    Only students registered on that day get a prediction; the others have not come yet or have
    already left.

    Raises:
        OuladError: a file, column or value is missing or wrong, there is no such course, it has no
            such day, or nobody is registered on it.

    """
    files.require(FILES)
    catalogue = read_catalogue(files)
    course = _read_course(files, catalogue, _find_course(files, catalogue, wanted))
    name, enrolments = course.name, course.enrolments
    if not 0 <= day <= course.length_days:
        raise OuladError(f"Day {day} is not in {name}: it has the days 0 to {course.length_days}.")
    present = [one for one in enrolments if _is_registered(one, day)]
    if not present:
        raise OuladError(f"Nobody is registered in {name} on day {day}.")
    return Demonstration(
        title=f"{name} of OULAD, {len(enrolments)} students",
        as_of=name.end_of(day),
        as_of_words=f"the end of day {day} ({name.date_of(day).day} {name.date_of(day):%B %Y})",
        students=[_student_body(one) for one in enrolments],
        assessments=[_assessment_body(one.mark) for one in course.submissions if one.mark],
        event_count=len(course.active_days),
        events=lambda: _event_bodies(course),
        predictions={one.student_id: f"{one.id}-day-{day}" for one in present},
        outcome_heading="What became of them",
        outcomes={one.student_id: _outcome(one) for one in enrolments},
        lost=frozenset(one.student_id for one in enrolments if one.outcome in _LOST),
        notes=_notes(course, day, present),
    )


def _find_course(files: OuladFiles, catalogue: Catalogue, wanted: str | None) -> CourseName:
    names = ", ".join(sorted(map(str, catalogue.courses))) or "(none)"
    if wanted is None:
        raise OuladError(f"Choose a course with --course; {files.path} has the courses {names}.")
    name = CourseName.parse(wanted)
    if name is None or name not in catalogue.courses:
        raise OuladError(f"There is no course {wanted}; {files.path} has the courses {names}.")
    return name


def _read_course(files: OuladFiles, catalogue: Catalogue, name: CourseName) -> _OuladCourse:
    own = {number for number, work in catalogue.coursework.items() if work.course == name}
    with files.records(SUBMISSIONS, SUBMISSION_COLUMNS) as records:
        submissions = read_submissions(
            _chosen(records, lambda values: values[0] in own),
            catalogue,
            FileReport(SUBMISSIONS, on_refusal=_fail),
        )
    course = catalogue.courses[name].row
    return _OuladCourse(
        name=name,
        length_days=course.length_days,
        enrolments=[one.row for one in catalogue.enrolments.values() if one.course is course],
        submissions=submissions,
        active_days=_active_days(files, catalogue, name),
    )


def _active_days(
    files: OuladFiles, catalogue: Catalogue, name: CourseName
) -> dict[tuple[str, int], _ActiveDay]:
    first_day = (name.noon_of(0) - EPOCH).days
    found: dict[tuple[str, int], _ActiveDay] = {}
    with (
        TemporaryDirectory(prefix="veritas-demo-") as folder,
        files.records(CLICKS, CLICK_COLUMNS) as records,
    ):
        stream = ClickStream(Path(folder), catalogue)
        rows = _chosen(records, lambda values: values[:2] == (name.module, name.presentation))
        stream.read(rows, records.size, FileReport(CLICKS, on_refusal=_fail))
        for batch in stream.batches(_CLICKS_AT_ONCE):
            for one in batch.students:
                for day, resource, clicks in zip(one.days, one.resources, one.clicks, strict=True):
                    active = found.setdefault((one.student_id, day - first_day), _ActiveDay())
                    active.rows += 1
                    active.clicks[resource.type] += clicks
    return found


def _chosen(
    records: Iterable[Record], is_chosen: Callable[[tuple[str, ...]], bool]
) -> Iterator[Record]:
    """Yield the chosen rows, and those that cannot be read."""
    return ((line, values) for line, values in records if values is None or is_chosen(values))


def _fail(file: str, line: int, reason: str) -> NoReturn:
    raise OuladError(f"{file}, line {line}: {reason}.")


def _is_registered(enrolment: EnrolmentToStore, day: int) -> bool:
    """Return True if the student came by the end of the day and did not leave by then."""
    came, left = enrolment.registered_day, enrolment.unregistered_day
    return (came is None or came <= day) and (left is None or left > day)


def _student_body(enrolment: EnrolmentToStore) -> Body:
    number = enrolment.student_id.removeprefix("oulad-")
    return {"id": enrolment.student_id, "name": f"Student {number}"}


def _assessment_body(mark: AssessmentToStore) -> Body:
    return {
        "id": mark.id,
        "student_id": mark.student_id,
        "type": mark.type,
        "subject": mark.subject,
        "score": mark.score,
        "max_score": mark.max_score,
        "timestamp": mark.timestamp and mark.timestamp.isoformat(),
    }


def _event_bodies(course: _OuladCourse) -> Iterator[Body]:
    # One event per day, the resolution of the data. An event per week would stand at its last
    # active day: clicks after the day of the prediction would hide those before it.
    for (student_id, day), active in course.active_days.items():
        number = student_id.removeprefix("oulad-")
        yield {
            "id": f"oulad-{course.name.id}-{number}-day-{day}",
            "student_id": student_id,
            "event_type": "RESOURCE_VIEW",
            "course": course.name.id,
            "occurred_at": course.name.noon_of(day).isoformat(),
            "data": {
                "clicks": active.clicks.total(),
                "rows": active.rows,
                "clicks_by_activity": dict(sorted(active.clicks.items())),
            },
        }


def _outcome(enrolment: EnrolmentToStore) -> str:
    left, result = enrolment.unregistered_day, str(enrolment.outcome).title()
    if enrolment.outcome is CourseOutcome.WITHDRAWN:
        return f"{result}, day not known" if left is None else f"{result} on day {left}"
    return result if left is None else f"{result}, left on day {left}"


def _notes(course: _OuladCourse, day: int, present: Sequence[EnrolmentToStore]) -> list[str]:
    left_on = [one.unregistered_day for one in course.enrolments]
    left = sum(end is not None and end <= day for end in left_on)
    late = len(course.enrolments) - len(present) - left
    undated = sum(
        one.outcome is CourseOutcome.WITHDRAWN and one.unregistered_day is None for one in present
    )
    banked = sum(one.row.is_banked for one in course.submissions)
    unscored = sum(one.mark is None for one in course.submissions) - banked
    last = max((day for _, day in course.active_days), default=None)
    notes = {
        f"Without a prediction: students who had left by the end of day {day} ({left}).": left,
        f"Without a prediction: students who registered after day {day} ({late}).": late,
        "With a prediction: students who withdrew on a day that the data do not give, perhaps "
        f"before ({undated}).": undated,
        f"Left out: submissions without a score ({unscored}).": unscored,
        f"Left out: scores carried over from an earlier presentation ({banked}).": banked,
        "The file has no clicks of this course. That is missing, not zero: only assessments tell "
        "of activity here, so silence is overrated.": last is None,
        f"The file's clicks of this course end on day {last}: after it they are missing, not zero, "
        "so silence is overrated.": last is not None and last < day,
    }
    return [note for note, applies in notes.items() if applies]
