"""The click stream of OULAD: read once, sorted by enrolment on disk, given in batches.

The file is sorted by day, and has more rows than may be held in memory. So it is first read to its
end and checked, each row as five numbers into one of several temporary files, by its enrolment;
then each of these, small enough, is sorted. Equal rows are real: they are told apart by the count
of their occurrence, which does not depend on the order of the file.
"""

from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from dropout_service.database.courses.bulk_import import ActivityWindow
from dropout_service.database.events.click_import import Resource, StudentClicks
from dropout_service.domain.resource_view import MAX_CLICKS
from dropout_service.domain.rules.activity import EPOCH
from veritas_cli.oulad.catalogue import Enrolled, Place, School
from veritas_cli.oulad.csv_files import OuladError, Records, Row
from veritas_cli.oulad.report import FileAccount

FILE = "studentVle.csv"
COLUMNS = ("code_module", "code_presentation", "id_student", "id_site", "date", "sum_click")
UNKNOWN_TYPE = "unknown"
# A row is about 40 bytes of CSV and 20 of ours; a part is held in memory several times over.
_PART_BYTES = 12 * 1024 * 1024
_MOST_PARTS = 500
_ROWS_AT_ONCE = 100_000
_LONGEST_SITE = 100
_WIDTH = 5

Numbers = NDArray[np.int32]


@dataclass(frozen=True)
class Batch:
    """Clicks of some enrolments, and the line of each."""

    students: Sequence[StudentClicks]
    lines: NDArray[np.int32]


class ClickStream:
    """The clicks of all courses, on their way into the database."""

    def __init__(self, folder: Path, school: School) -> None:
        self._folder = folder
        self._enrolled = list(school.enrolled.values())
        self._number = {one.place: number for number, one in enumerate(self._enrolled)}
        self._sites = {place: number for number, place in enumerate(school.sites)}
        self._resources = [Resource(place[2], type_) for place, type_ in school.sites.items()]
        self._days: dict[str, int] = {}
        self._clicks: dict[str, int] = {}
        self._parts: list[Path] = []
        self._windows: dict[str, ActivityWindow] = {}
        self.rows = 0

    @property
    def windows(self) -> Mapping[str, ActivityWindow]:
        """The first and last day with clicks of each course that has any; by the course's id."""
        return self._windows

    def read(self, records: Records, account: FileAccount, advance: Callable[[], None]) -> None:
        """Read the file to its end, refusing bad rows; `advance` is called now and then.

        Raises:
            OuladError: the file is damaged; nothing of it was given out yet.

        """
        count = max(1, min(_MOST_PARTS, records.size // _PART_BYTES, len(self._enrolled)))
        self._parts = [self._folder / f"part-{number:03}" for number in range(count)]
        rows = iter(records)
        while self._read_some(islice(rows, _ROWS_AT_ONCE), account):
            advance()

    def _read_some(
        self, rows: Iterator[tuple[int, tuple[str, ...] | None]], account: FileAccount
    ) -> int:
        buffers = [array("i") for _ in self._parts]
        numbers, sites, days, counts = self._number, self._sites, self._days, self._clicks
        share = len(self._parts) / max(1, len(self._enrolled))
        read = 0
        for line, values in rows:
            read += 1
            if values is None:
                account.refuse(line, "too few or too many fields")
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
                    row = self._look_closer(line, values)
                except OuladError as refusal:
                    account.refuse(line, refusal.reason)
                    continue
            buffers[int(row[0] * share)].extend(row)
        account.read += read
        self._keep(buffers)
        return read

    def _look_closer(self, line: int, values: tuple[str, ...]) -> tuple[int, int, int, int, int]:
        """Return a row's numbers, and know its words from now on."""
        row = Row(FILE, line, dict(zip(COLUMNS, values, strict=True)))
        row.student_id()
        place: Place = (values[0], values[1], values[2])
        if place not in self._number:
            raise row.refusal("the student is not in studentInfo.csv for this course")
        day, clicks = row.day("date"), row.whole("sum_click")
        if not 0 <= clicks <= MAX_CLICKS:
            raise row.refusal(f"sum_click is {clicks}, not within 0 to {MAX_CLICKS}")
        site = self._site(row, (values[0], values[1], row.text("id_site")))
        self._days[values[4]], self._clicks[values[5]] = day, clicks
        return self._number[place], day, site, clicks, line

    def _site(self, row: Row, place: Place) -> int:
        if place not in self._sites:
            if not (place[2].isprintable() and len(place[2]) <= _LONGEST_SITE):
                raise row.refusal("id_site is no id")
            self._sites[place] = len(self._resources)
            self._resources.append(Resource(place[2], UNKNOWN_TYPE))
        return self._sites[place]

    def _keep(self, buffers: Sequence["array[int]"]) -> None:
        for path, buffer in zip(self._parts, buffers, strict=True):
            self.rows += len(buffer) // _WIDTH
            if buffer:
                with path.open("ab") as file:
                    buffer.tofile(file)

    def batches(self, rows: int) -> Iterator[Batch]:
        """Give all clicks by enrolment, about so many rows at once."""
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
            # By enrolment, day, site and clicks.
            table = numbers[np.lexsort(numbers[:, (3, 2, 1, 0)].T)]
            yield from self._of_part(table, _occurrences(table))

    def _of_part(
        self, table: Numbers, occurrences: NDArray[np.int64]
    ) -> Iterator[tuple[StudentClicks, NDArray[np.int32]]]:
        starts = np.flatnonzero(np.diff(table[:, 0], prepend=-1)).tolist()
        for start, end in zip(starts, [*starts[1:], len(table)], strict=True):
            one = self._enrolled[int(table[start, 0])]
            own = table[start:end]
            self._widen(one.row.course_id, int(own[0, 1]), int(own[-1, 1]))
            yield self._clicks_of(one, own, occurrences[start:end]), own[:, 4]

    def _clicks_of(
        self, one: Enrolled, own: Numbers, occurrences: NDArray[np.int64]
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
    """Return of each row of a sorted table which one it is of its equals, from 1."""
    is_new = np.ones(len(table), bool)
    is_new[1:] = (table[1:, :4] != table[:-1, :4]).any(axis=1)
    place = np.arange(len(table))
    return place - np.maximum.accumulate(np.where(is_new, place, 0)) + 1
