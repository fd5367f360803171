"""Bringing all of OULAD in: read and checked first, then written in small transactions.

Each batch is one unit of work, and what is there already is left as it is, so that an import that
was interrupted goes on when it is started again, and a second run changes nothing.
"""

import gc
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from rich.progress import Progress, TaskID

from dropout_service.database import DropoutDatabaseManager
from shared_db.results import InsertResult, Outcome
from staffstuddash_service.datastore import DatastoreManager, StudentToStore
from staffstuddash_service.errors import StudentErased
from veritas_cli.bounded_map import side_by_side
from veritas_cli.oulad.catalogue import (
    ASSESSMENTS,
    COURSES,
    REGISTRATIONS,
    SITES,
    STUDENTS,
    Enrolled,
    School,
    read_school,
)
from veritas_cli.oulad.clicks import COLUMNS as CLICK_COLUMNS
from veritas_cli.oulad.clicks import FILE as CLICKS
from veritas_cli.oulad.clicks import Batch, ClickStream
from veritas_cli.oulad.course import FILES
from veritas_cli.oulad.csv_files import OuladFiles
from veritas_cli.oulad.report import FileAccount, Refusal
from veritas_cli.oulad.submissions import FILE as SUBMISSIONS
from veritas_cli.oulad.submissions import Submitted, read_submissions

T = TypeVar("T")
S = TypeVar("S", Enrolled, Submitted)

BATCH_ROWS = 20_000
# One puts its batch together while the other waits for the server.
WRITERS = 2
# Their records are computed with them, student by student.
_STAFF_ROWS = 1000
_RECORD_ROWS = 5000
_STAFF_STUDENTS, _STAFF_MARKS = "staff: students", "staff: marks"
_NOTES = {
    SITES: "gives the clicks the type of their resource",
    _STAFF_STUDENTS: "for the dashboards",
    _STAFF_MARKS: "scores that are not banked",
}


@dataclass
class OuladImport:
    """One import: where from, where to, and what became of every row.

    batch_rows: how many clicks a transaction holds, at least 1.
    """

    files: OuladFiles
    dropout: DropoutDatabaseManager
    staff: DatastoreManager
    progress: Progress
    batch_rows: int = BATCH_ROWS
    tell: Refusal | None = None
    accounts: dict[str, FileAccount] = field(default_factory=dict)

    def run(self) -> None:
        """Bring in what is not there yet.

        Raises:
            OuladError: the files cannot be used; nothing was written.
            NeedsPostgresql: the in-memory store answers.

        """
        self.dropout.courses.require_postgresql()
        names = (*FILES, _STAFF_STUDENTS, _STAFF_MARKS)
        self.accounts = {
            name: FileAccount(name, note=_NOTES.get(name, ""), tell=self.tell) for name in names
        }
        self.files.require(FILES)
        with TemporaryDirectory(prefix="veritas-import-") as folder:
            with _collecting_nothing():
                school, submitted = self._read_small_files()
                stream = self._read_clicks(Path(folder), school)
            with _keeping():
                self._write(school, submitted)
                self._write_clicks(stream)
        self.dropout.courses.finish_import(stream.windows)

    def _read_small_files(self) -> tuple[School, list[Submitted]]:
        with self._step("Reading courses and students", None, COURSES):
            school = read_school(self.files)
        for name, count in school.read.items():
            self.accounts[name].read = count
        account = self.accounts[SUBMISSIONS]
        with self._step("Reading submissions", None, account.name):
            return school, read_submissions(self.files, school, account)

    def _read_clicks(self, folder: Path, school: School) -> ClickStream:
        account = self.accounts[CLICKS]
        stream = ClickStream(folder, school)
        with (
            self.files.records(account.name, CLICK_COLUMNS) as records,
            self._step("Reading clicks", records.size, account.name) as task,
        ):
            stream.read(
                records,
                account,
                lambda: self.progress.update(task, completed=records.position),
            )
        return stream

    def _write(self, school: School, submitted: Sequence[Submitted]) -> None:
        self._write_staff(school, submitted)
        self._write_courses(school)
        self._write_enrolments(list(school.enrolled.values()))
        self._write_submissions(submitted)

    def _write_courses(self, school: School) -> None:
        courses, work = list(school.courses.values()), list(school.work.values())
        with self._step("Storing courses", len(courses) + len(work), COURSES):
            results = self.dropout.courses.import_courses(
                [one.row for one in courses], [one.row for one in work]
            )
        read = {COURSES: [one.line for one in courses], ASSESSMENTS: [one.line for one in work]}
        for (name, lines), came in zip(read.items(), results, strict=True):
            self.accounts[name].settle(zip(lines, _outcomes(came), strict=True))

    def _write_enrolments(self, enrolled: Sequence[Enrolled]) -> None:
        def store(batch: Sequence[Enrolled]) -> list[Outcome]:
            return _outcomes(self.dropout.courses.import_enrolments([one.row for one in batch]))

        with self._step("Storing enrolments", len(enrolled), STUDENTS) as task:
            batches = _by_student(sorted(enrolled, key=_student_of), _RECORD_ROWS)
            for batch, outcomes in side_by_side(store, batches, WRITERS):
                for name in (STUDENTS, REGISTRATIONS):
                    lines = [one.lines[name] for one in batch]
                    self.accounts[name].settle(zip(lines, outcomes, strict=True))
                self.progress.advance(task, len(batch))

    def _write_submissions(self, submitted: Sequence[Submitted]) -> None:
        def store(batch: Sequence[Submitted]) -> list[Outcome]:
            return _outcomes(self.dropout.courses.import_submissions([one.row for one in batch]))

        account = self.accounts[SUBMISSIONS]
        with self._step("Storing submissions", len(submitted), account.name) as task:
            batches = _by_student(submitted, _RECORD_ROWS)
            for batch, outcomes in side_by_side(store, batches, WRITERS):
                account.settle(zip([one.line for one in batch], outcomes, strict=True))
                self.progress.advance(task, len(batch))

    def _write_clicks(self, stream: ClickStream) -> None:
        account = self.accounts[CLICKS]
        with self._step("Storing clicks", stream.rows, account.name) as task:
            batches = stream.batches(self.batch_rows)
            for batch, outcomes in side_by_side(self._write_batch, batches, WRITERS):
                kinds = set(outcomes)
                if len(kinds) == 1 and kinds <= {Outcome.STORED, Outcome.REPEATED}:
                    account.settle_all(kinds.pop(), len(outcomes))
                else:
                    account.settle(zip(batch.lines.tolist(), outcomes, strict=True))
                self.progress.advance(task, len(outcomes))

    def _write_batch(self, batch: Batch) -> list[Outcome]:
        return self.dropout.clicks.add_many(batch.students)

    def _write_staff(self, school: School, submitted: Sequence[Submitted]) -> None:
        lines = {one.row.student_id: one.lines[STUDENTS] for one in school.enrolled.values()}
        marked: dict[str, list[Submitted]] = {student_id: [] for student_id in sorted(lines)}
        for one in submitted:
            if one.mark is not None:
                marked[one.row.student_id].append(one)
        students, marks = self.accounts[_STAFF_STUDENTS], self.accounts[_STAFF_MARKS]
        with self._step("Storing students and marks", len(marked), marks.name) as task:
            batches = _batches(list(marked.items()), _STAFF_ROWS)
            for batch, (came, stored) in side_by_side(self._write_students, batches, WRITERS):
                _settle_all(students, [lines[student_id] for student_id, _ in batch], came)
                _settle_all(marks, [one.line for _, theirs in batch for one in theirs], stored)
                self.progress.advance(task, len(batch))

    def _write_students(
        self, batch: Sequence[tuple[str, Sequence[Submitted]]]
    ) -> tuple[list[InsertResult], list[InsertResult]]:
        students = [
            StudentToStore(f"OULAD student {id_.removeprefix('oulad-')}", id=id_)
            for id_, _ in batch
        ]
        marks = [one.mark for _, theirs in batch for one in theirs if one.mark is not None]
        return self.staff.imports.add(students, marks)

    @contextmanager
    def _step(self, what: str, total: int | None, file: str) -> Iterator[TaskID]:
        begun = time.perf_counter()
        task = self.progress.add_task(what, total=total)
        yield task
        self.progress.update(task, total=total or 1, completed=total or 1)
        self.accounts[file].seconds += time.perf_counter() - begun


# What is read stays until the end, and looking through it for garbage took a third of the time.
@contextmanager
def _collecting_nothing() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


@contextmanager
def _keeping() -> Iterator[None]:
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _batches(rows: Sequence[T], count: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(rows), count):
        yield rows[start : start + count]


def _by_student(rows: Sequence[S], count: int) -> Iterator[Sequence[S]]:
    # With a student in two batches, which lock their students, the second would wait for the first.
    start = 0
    while start < len(rows):
        end = min(start + count, len(rows))
        while end < len(rows) and _student_of(rows[end]) == _student_of(rows[end - 1]):
            end += 1
        yield rows[start:end]
        start = end


def _outcomes(results: Sequence[InsertResult]) -> list[Outcome]:
    return [result.outcome for result in results]


def _student_of(one: Enrolled | Submitted) -> str:
    return one.row.student_id


def _settle_all(
    account: FileAccount, lines: Sequence[int], results: Sequence[InsertResult]
) -> None:
    account.read += len(lines)
    for line, result in zip(lines, results, strict=True):
        _settle(account, line, result)


def _settle(account: FileAccount, line: int, result: InsertResult) -> None:
    if isinstance(result.refusal, StudentErased):
        account.settle([(line, Outcome.ERASED)])
    elif result.refusal is not None:
        account.refuse(line, result.refusal.title)
    else:
        account.settle([(line, result.outcome)])
