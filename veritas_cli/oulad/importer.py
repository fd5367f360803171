"""Import of OULAD: all files are read and checked, then written in small transactions.

Each batch is one unit of work, and stored rows are left as they are. So an interrupted import
continues when it is started again, and a second run changes nothing.
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
from veritas_cli.bounded_map import bounded_map
from veritas_cli.oulad.catalogue import Catalogue, EnrolmentRecord, read_catalogue
from veritas_cli.oulad.clicks import COLUMNS as CLICK_COLUMNS
from veritas_cli.oulad.clicks import Batch, ClickStream
from veritas_cli.oulad.csv_files import (
    ASSESSMENTS,
    CLICKS,
    COURSES,
    FILES,
    REGISTRATIONS,
    SITES,
    STUDENTS,
    SUBMISSIONS,
    OuladFiles,
)
from veritas_cli.oulad.report import FileReport, OnRefusal
from veritas_cli.oulad.submissions import COLUMNS as SUBMISSION_COLUMNS
from veritas_cli.oulad.submissions import SubmissionRecord, read_submissions

T = TypeVar("T")
S = TypeVar("S", EnrolmentRecord, SubmissionRecord)

BATCH_ROWS = 20_000
# One prepares its batch while the other waits for the server.
WRITERS = 2
# A batch of students is smaller: staffstuddash computes a performance record for each.
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
    """One import with its source, its targets and its reports.

    batch_rows: clicks per transaction, at least 1.
    """

    files: OuladFiles
    dropout: DropoutDatabaseManager
    staff: DatastoreManager
    progress: Progress
    batch_rows: int = BATCH_ROWS
    on_refusal: OnRefusal | None = None
    reports: dict[str, FileReport] = field(default_factory=dict)

    def run(self) -> None:
        """Import the rows that are not stored yet.

        Raises:
            OuladError: the files cannot be used; nothing was written.
            NeedsPostgresql: the database is the in-memory fallback.

        """
        self.dropout.courses.require_postgresql()
        names = (*FILES, _STAFF_STUDENTS, _STAFF_MARKS)
        self.reports = {
            name: FileReport(name, note=_NOTES.get(name, ""), on_refusal=self.on_refusal)
            for name in names
        }
        self.files.require(FILES)
        with TemporaryDirectory(prefix="veritas-import-") as folder:
            # All objects live until the end; the search for garbage would take a third of the time.
            gc.disable()
            try:
                catalogue, submissions = self._read_small_files()
                stream = self._read_clicks(Path(folder), catalogue)
            finally:
                gc.enable()
            gc.freeze()
            try:
                self._write(catalogue, submissions)
                self._write_clicks(stream)
            finally:
                gc.unfreeze()
        self.dropout.courses.finish_import(stream.windows)

    def _read_small_files(self) -> tuple[Catalogue, list[SubmissionRecord]]:
        with self._step("Reading courses and students", None, COURSES):
            catalogue = read_catalogue(self.files)
        for name, count in catalogue.rows_read.items():
            self.reports[name].read = count
        with (
            self._step("Reading submissions", None, SUBMISSIONS),
            self.files.records(SUBMISSIONS, SUBMISSION_COLUMNS) as records,
        ):
            return catalogue, read_submissions(records, catalogue, self.reports[SUBMISSIONS])

    def _read_clicks(self, folder: Path, catalogue: Catalogue) -> ClickStream:
        stream = ClickStream(folder, catalogue)
        with (
            self.files.records(CLICKS, CLICK_COLUMNS) as records,
            self._step("Reading clicks", records.size, CLICKS) as task,
        ):
            stream.read(
                records,
                records.size,
                self.reports[CLICKS],
                lambda: self.progress.update(task, completed=records.position),
            )
        return stream

    def _write(self, catalogue: Catalogue, submissions: Sequence[SubmissionRecord]) -> None:
        self._write_staff(catalogue, submissions)
        self._write_courses(catalogue)
        self._write_enrolments(list(catalogue.enrolments.values()))
        self._write_submissions(submissions)

    def _write_courses(self, catalogue: Catalogue) -> None:
        courses, work = list(catalogue.courses.values()), list(catalogue.coursework.values())
        with self._step("Storing courses", len(courses) + len(work), COURSES):
            results = self.dropout.courses.import_courses(
                [one.row for one in courses], [one.row for one in work]
            )
        lines = {COURSES: [one.line for one in courses], ASSESSMENTS: [one.line for one in work]}
        for (name, own_lines), own in zip(lines.items(), results, strict=True):
            self.reports[name].count(zip(own_lines, _outcomes(own), strict=True))

    def _write_enrolments(self, enrolments: Sequence[EnrolmentRecord]) -> None:
        def store(batch: Sequence[EnrolmentRecord]) -> list[Outcome]:
            return _outcomes(self.dropout.courses.import_enrolments([one.row for one in batch]))

        with self._step("Storing enrolments", len(enrolments), STUDENTS) as task:
            batches = _by_student(sorted(enrolments, key=_student_of), _RECORD_ROWS)
            for batch, outcomes in bounded_map(store, batches, WRITERS):
                for name in (STUDENTS, REGISTRATIONS):
                    lines = [one.lines[name] for one in batch]
                    self.reports[name].count(zip(lines, outcomes, strict=True))
                self.progress.advance(task, len(batch))

    def _write_submissions(self, submissions: Sequence[SubmissionRecord]) -> None:
        def store(batch: Sequence[SubmissionRecord]) -> list[Outcome]:
            return _outcomes(self.dropout.courses.import_submissions([one.row for one in batch]))

        report = self.reports[SUBMISSIONS]
        with self._step("Storing submissions", len(submissions), SUBMISSIONS) as task:
            batches = _by_student(submissions, _RECORD_ROWS)
            for batch, outcomes in bounded_map(store, batches, WRITERS):
                report.count(zip([one.line for one in batch], outcomes, strict=True))
                self.progress.advance(task, len(batch))

    def _write_clicks(self, stream: ClickStream) -> None:
        report = self.reports[CLICKS]
        with self._step("Storing clicks", stream.rows, CLICKS) as task:
            batches = stream.batches(self.batch_rows)
            for batch, outcomes in bounded_map(self._write_batch, batches, WRITERS):
                kinds = set(outcomes)
                if len(kinds) == 1 and kinds <= {Outcome.STORED, Outcome.REPEATED}:
                    report.count_all(kinds.pop(), len(outcomes))
                else:
                    report.count(zip(batch.lines.tolist(), outcomes, strict=True))
                self.progress.advance(task, len(outcomes))

    def _write_batch(self, batch: Batch) -> list[Outcome]:
        return self.dropout.clicks.add_many(batch.students)

    def _write_staff(self, catalogue: Catalogue, submissions: Sequence[SubmissionRecord]) -> None:
        lines = {one.row.student_id: one.lines[STUDENTS] for one in catalogue.enrolments.values()}
        marked: dict[str, list[SubmissionRecord]] = {student_id: [] for student_id in sorted(lines)}
        for one in submissions:
            if one.mark is not None:
                marked[one.row.student_id].append(one)
        students, marks = self.reports[_STAFF_STUDENTS], self.reports[_STAFF_MARKS]
        with self._step("Storing students and marks", len(marked), marks.name) as task:
            batches = _batches(list(marked.items()), _STAFF_ROWS)
            for batch, results in bounded_map(self._write_students, batches, WRITERS):
                own_lines = [lines[student_id] for student_id, _ in batch]
                _count_results(students, own_lines, results[0])
                own_lines = [one.line for _, own in batch for one in own]
                _count_results(marks, own_lines, results[1])
                self.progress.advance(task, len(batch))

    def _write_students(
        self, batch: Sequence[tuple[str, Sequence[SubmissionRecord]]]
    ) -> tuple[list[InsertResult], list[InsertResult]]:
        students = [
            StudentToStore(f"OULAD student {id_.removeprefix('oulad-')}", id=id_)
            for id_, _ in batch
        ]
        marks = [one.mark for _, own in batch for one in own if one.mark is not None]
        return self.staff.imports.add(students, marks)

    @contextmanager
    def _step(self, name: str, total: int | None, file: str) -> Iterator[TaskID]:
        begun = time.perf_counter()
        task = self.progress.add_task(name, total=total)
        yield task
        self.progress.update(task, total=total or 1, completed=total or 1)
        self.reports[file].seconds += time.perf_counter() - begun


def _batches(rows: Sequence[T], count: int) -> Iterator[Sequence[T]]:
    for start in range(0, len(rows), count):
        yield rows[start : start + count]


def _by_student(rows: Sequence[S], count: int) -> Iterator[Sequence[S]]:
    # Batches lock their students, so two batches with one student would wait for each other.
    start = 0
    while start < len(rows):
        end = min(start + count, len(rows))
        while end < len(rows) and _student_of(rows[end]) == _student_of(rows[end - 1]):
            end += 1
        yield rows[start:end]
        start = end


def _outcomes(results: Sequence[InsertResult]) -> list[Outcome]:
    return [result.outcome for result in results]


def _student_of(one: EnrolmentRecord | SubmissionRecord) -> str:
    return one.row.student_id


def _count_results(
    report: FileReport, lines: Sequence[int], results: Sequence[InsertResult]
) -> None:
    report.read += len(lines)
    for line, result in zip(lines, results, strict=True):
        if isinstance(result.refusal, StudentErased):
            report.count([(line, Outcome.ERASED)])
        elif result.refusal is not None:
            report.refuse(line, result.refusal.title)
        else:
            report.count([(line, result.outcome)])
