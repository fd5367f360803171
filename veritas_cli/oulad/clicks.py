"""Click stream of OULAD: read once, sorted by enrolment on disk, returned in batches.

The file is sorted by day and may not fit into memory. Reading checks each row and appends it as
five numbers to one of several temporary files, chosen by its enrolment; each of these is small
enough to be sorted in memory. Equal rows are real: an occurrence count distinguishes them, and it
does not depend on the order of the file.
"""

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dropout_service.database.courses.bulk_import import ActivityWindow
from dropout_service.database.events.click_import import Resource, StudentClicks
from dropout_service.domain.resource_view import MAX_CLICKS
from dropout_service.domain.rules.activity import EPOCH
from veritas_cli.oulad.catalogue import Catalogue, EnrolmentRecord, SiteKey
from veritas_cli.oulad.csv_files import CLICKS, WRONG_FIELD_COUNT, OuladError, Record, Row
from veritas_cli.oulad.report import FileReport

COLUMNS = ("code_module", "code_presentation", "id_student", "id_site", "date", "sum_click")
UNKNOWN_TYPE = "unknown"
# A row has about 40 bytes of CSV, and 20 in a part; sorting holds several copies of a part.
_PART_BYTES = 12 * 1024 * 1024
_MAX_PARTS = 500
_CHUNK_ROWS = 100_000
_MAX_SITE_LENGTH = 100
_WIDTH = 5

Numbers = NDArray[np.int32]


@dataclass(frozen=True)
class Batch:
    """Clicks of some enrolments, and the line of each click."""

    students: Sequence[StudentClicks]
    lines: NDArray[np.int32]


class ClickStream:
    """Clicks by enrolment, kept in temporary files of a folder until they are taken."""

    def __init__(self, folder: Path, catalogue: Catalogue) -> None:
        self._folder = folder
        self._enrolments = list(catalogue.enrolments.values())
        self._numbers = {key: number for number, key in enumerate(catalogue.enrolments)}
        self._sites = {key: number for number, key in enumerate(catalogue.sites)}
        self._resources = [Resource(key[2], type_) for key, type_ in catalogue.sites.items()]
        self._days: dict[str, int] = {}
        self._clicks: dict[str, int] = {}
        self._parts: list[Path] = []
        self._windows: dict[str, ActivityWindow] = {}
        self.rows = 0

    @property
    def windows(self) -> Mapping[str, ActivityWindow]:
        """The first and last day with clicks, by course id."""
        return self._windows

    def read(
        self,
        records: Iterable[Record],
        size: int,
        report: FileReport,
        advance: Callable[[], None] = lambda: None,
    ) -> None:
        """Read all rows of a file of `size` bytes; `advance` is called after each chunk.

        Raises:
            OuladError: the file is damaged.

        """
        count = max(1, min(_MAX_PARTS, size // _PART_BYTES, len(self._enrolments)))
        self._parts = [self._folder / f"part-{number:03}" for number in range(count)]
        rows = iter(records)
        while self._read_chunk(islice(rows, _CHUNK_ROWS), report):
            advance()

    def _read_chunk(self, rows: Iterator[Record], report: FileReport) -> int:
        buffers = [array("i") for _ in self._parts]
        numbers, sites, days, counts = self._numbers, self._sites, self._days, self._clicks
        share = len(self._parts) / max(1, len(self._enrolments))
        read = 0
        for line, values in rows:
            read += 1
            if values is None:
                report.refuse(line, WRONG_FIELD_COUNT)
                continue
            module, presentation, student, site, date, clicks = values
            try:
                row = (
                    numbers[module, presentation, student],
                    days[date],
                    sites[module, presentation, site],
                    counts[clicks],
                    line,
                )
            except KeyError:
                try:
                    row = self._check(line, values)
                except OuladError as refusal:
                    report.refuse(line, refusal.reason)
                    continue
            buffers[int(row[0] * share)].extend(row)
        report.read += read
        self._append(buffers)
        return read

    def _check(self, line: int, values: tuple[str, ...]) -> tuple[int, int, int, int, int]:
        """Return a row's numbers, and remember its texts for the fast path."""
        row = Row(CLICKS, line, dict(zip(COLUMNS, values, strict=True)))
        row.student_id()
        key = (values[0], values[1], values[2])
        if key not in self._numbers:
            raise row.refusal("the student is not in studentInfo.csv for this course")
        day, clicks = row.day("date"), row.whole("sum_click")
        if not 0 <= clicks <= MAX_CLICKS:
            raise row.refusal(f"sum_click is {clicks}, not within 0 to {MAX_CLICKS}")
        site = self._site(row, (values[0], values[1], row.text("id_site")))
        self._days[values[4]], self._clicks[values[5]] = day, clicks
        return self._numbers[key], day, site, clicks, line

    def _site(self, row: Row, key: SiteKey) -> int:
        if key not in self._sites:
            if not (key[2].isprintable() and len(key[2]) <= _MAX_SITE_LENGTH):
                raise row.refusal("id_site is no id")
            self._sites[key] = len(self._resources)
            self._resources.append(Resource(key[2], UNKNOWN_TYPE))
        return self._sites[key]

    def _append(self, buffers: Sequence["array[int]"]) -> None:
        for path, buffer in zip(self._parts, buffers, strict=True):
            self.rows += len(buffer) // _WIDTH
            if buffer:
                with path.open("ab") as file:
                    buffer.tofile(file)

    def batches(self, rows: int) -> Iterator[Batch]:
        """Yield all clicks sorted by enrolment, in batches of about so many rows, once."""
        students: list[StudentClicks] = []
        lines: list[NDArray[np.int32]] = []
        count = 0
        for one, own in self._by_enrolment():
            students.append(one)
            lines.append(own)
            count += len(own)
            if count >= rows:
                yield Batch(students, np.concatenate(lines))
                students, lines, count = [], [], 0
        if students:
            yield Batch(students, np.concatenate(lines))

    def _by_enrolment(self) -> Iterator[tuple[StudentClicks, NDArray[np.int32]]]:
        for path in self._parts:
            if not path.exists():
                continue
            numbers = np.fromfile(path, np.int32).reshape(-1, _WIDTH)
            path.unlink()
            # Sorted by enrolment, day, site and clicks.
            table = numbers[np.lexsort(numbers[:, (3, 2, 1, 0)].T)]
            yield from self._of_part(table, _occurrences(table))

    def _of_part(
        self, table: Numbers, occurrences: NDArray[np.int64]
    ) -> Iterator[tuple[StudentClicks, NDArray[np.int32]]]:
        starts = np.flatnonzero(np.diff(table[:, 0], prepend=-1)).tolist()
        for start, end in zip(starts, [*starts[1:], len(table)], strict=True):
            one = self._enrolments[int(table[start, 0])]
            own = table[start:end]
            self._widen(one.row.course_id, int(own[0, 1]), int(own[-1, 1]))
            yield self._clicks_of(one, own, occurrences[start:end]), own[:, 4]

    def _clicks_of(
        self, one: EnrolmentRecord, own: Numbers, occurrences: NDArray[np.int64]
    ) -> StudentClicks:
        first = one.course.starts_on.toordinal() - EPOCH.toordinal()
        prefix = one.row.id
        days, clicks = own[:, 1].tolist(), own[:, 3].tolist()
        resources = [self._resources[site] for site in own[:, 2].tolist()]
        columns = zip(resources, days, clicks, occurrences.tolist(), strict=True)
        ids = [
            f"{prefix}-{resource[0]}-{day}-{count}-{occurrence}"
            for resource, day, count, occurrence in columns
        ]
        on = (own[:, 1] + first).tolist()
        return StudentClicks(one.row.student_id, one.row.course_id, ids, on, resources, clicks)

    def _widen(self, course_id: str, first: int, last: int) -> None:
        known = self._windows.get(course_id, ActivityWindow(first, last))
        self._windows[course_id] = ActivityWindow(min(known.first, first), max(known.last, last))


def _occurrences(table: Numbers) -> NDArray[np.int64]:
    """Return the position of each row of a sorted table among its equals, counted from 1."""
    is_new = np.ones(len(table), bool)
    is_new[1:] = (table[1:, :4] != table[:-1, :4]).any(axis=1)
    place = np.arange(len(table))
    return place - np.maximum.accumulate(np.where(is_new, place, 0)) + 1
