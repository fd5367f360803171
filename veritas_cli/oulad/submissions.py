"""Submissions of OULAD, read and checked row by row."""

from collections.abc import Iterable
from dataclasses import dataclass

from dropout_service.database.courses.bulk_import import SubmissionToStore
from staffstuddash_service.datastore import AssessmentToStore
from veritas_cli.oulad.catalogue import FULL_SCORE, Catalogue
from veritas_cli.oulad.csv_files import SUBMISSIONS, WRONG_FIELD_COUNT, OuladError, Record, Row
from veritas_cli.oulad.report import FileReport

COLUMNS = ("id_assessment", "id_student", "date_submitted", "is_banked", "score")
_FLAGS = {"0": False, "1": True}


@dataclass(frozen=True)
class SubmissionRecord:
    """Submission with its line, and the mark that staff see.

    mark: None without a score, or if the score was carried over from an earlier presentation.
    """

    line: int
    row: SubmissionToStore
    mark: AssessmentToStore | None


def read_submissions(
    records: Iterable[Record], catalogue: Catalogue, report: FileReport
) -> list[SubmissionRecord]:
    """Return the valid rows, sorted by student; the report refuses the others.

    Raises:
        OuladError: the file is damaged.

    """
    found: dict[str, SubmissionRecord] = {}
    for line, values in records:
        report.read += 1
        if values is None:
            report.refuse(line, WRONG_FIELD_COUNT)
            continue
        row = Row(SUBMISSIONS, line, dict(zip(COLUMNS, values, strict=True)))
        try:
            one = _submission(row, catalogue)
            if one.row.id in found:
                raise row.refusal("this student handed in this assessment before")
        except OuladError as refusal:
            report.refuse(line, refusal.reason)
            continue
        found[one.row.id] = one
    return sorted(found.values(), key=lambda one: (one.row.student_id, one.row.id))


def _submission(row: Row, catalogue: Catalogue) -> SubmissionRecord:
    number, student = row.text("id_assessment"), row.student_id()
    work = catalogue.coursework.get(number)
    if work is None:
        raise row.refusal("the assessment is not in assessments.csv")
    enrolment = catalogue.enrolments.get((work.course.module, work.course.presentation, student))
    if enrolment is None:
        raise row.refusal("the student is not in studentInfo.csv for this course")
    day, score, is_banked = row.day("date_submitted"), _score(row), _flag(row)
    id_ = f"oulad-{number}-{student}"
    mark = None
    if score is not None and not is_banked:
        mark = AssessmentToStore(
            enrolment.row.student_id,
            work.row.type,
            work.course.module,
            score,
            FULL_SCORE,
            timestamp=work.course.noon_of(day),
            id=id_,
        )
    submission = SubmissionToStore(
        id_, enrolment.row.student_id, enrolment.row.id, work.row.id, day, score, is_banked
    )
    return SubmissionRecord(row.line, submission, mark)


def _score(row: Row) -> float | None:
    score = row.number_or_none("score")
    if score is not None and not 0 <= score <= FULL_SCORE:
        raise row.refusal(f"score is {row.fields['score']}, not within 0 to {FULL_SCORE}")
    return score


def _flag(row: Row) -> bool:
    flag = row.text("is_banked")
    if flag not in _FLAGS:
        raise row.refusal(f"is_banked is {flag!r}, not 0 or 1")
    return _FLAGS[flag]
