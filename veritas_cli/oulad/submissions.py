"""What was handed in, of all courses of OULAD: read and checked row by row."""

from dataclasses import dataclass

from dropout_service.database.courses.bulk_import import SubmissionToStore
from staffstuddash_service.datastore import AssessmentToStore
from veritas_cli.oulad.catalogue import School, student_id
from veritas_cli.oulad.course import FULL_SCORE
from veritas_cli.oulad.csv_files import OuladError, OuladFiles, Row
from veritas_cli.oulad.report import FileAccount

FILE = "studentAssessment.csv"
COLUMNS = ("id_assessment", "id_student", "date_submitted", "is_banked", "score")
_FLAGS = {"0": False, "1": True}


@dataclass(frozen=True)
class Submitted:
    """A submission with its line, and the mark that staff see of it.

    mark: None without a score, and where the score was carried over from an earlier presentation.
    """

    line: int
    row: SubmissionToStore
    mark: AssessmentToStore | None


def read_submissions(files: OuladFiles, school: School, account: FileAccount) -> list[Submitted]:
    """Return what is right in the file by student; what is not is refused in the account.

    Raises:
        OuladError: the file or a column is missing, or it is damaged.

    """
    found: dict[str, Submitted] = {}
    with files.records(FILE, COLUMNS) as records:
        for line, values in records:
            account.read += 1
            if values is None:
                account.refuse(line, "too few or too many fields")
                continue
            row = Row(FILE, line, dict(zip(COLUMNS, values, strict=True)))
            try:
                one = _submitted(row, school)
                if one.row.id in found:
                    raise row.refusal("this student handed in this assessment before")
            except OuladError as refusal:
                account.refuse(line, refusal.reason)
                continue
            found[one.row.id] = one
    return sorted(found.values(), key=lambda one: (one.row.student_id, one.row.id))


def _submitted(row: Row, school: School) -> Submitted:
    number, student = row.text("id_assessment"), row.student_id()
    work = school.work.get(number)
    if work is None:
        raise row.refusal("the assessment is not in assessments.csv")
    enrolled = school.enrolled.get((work.course.module, work.course.presentation, student))
    if enrolled is None:
        raise row.refusal("the student is not in studentInfo.csv for this course")
    day, score, is_banked = row.day("date_submitted"), _score(row), _flag(row)
    id_ = f"oulad-{number}-{student}"
    mark = None
    if score is not None and not is_banked:
        mark = AssessmentToStore(
            student_id(student),
            work.row.type,
            work.course.module,
            score,
            FULL_SCORE,
            timestamp=work.course.noon_of(day),
            id=id_,
        )
    submission = SubmissionToStore(
        id_, student_id(student), enrolled.row.id, work.row.id, day, score, is_banked
    )
    return Submitted(row.line, submission, mark)


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
