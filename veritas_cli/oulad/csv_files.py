"""CSV files of OULAD in a zip or a folder, read row by row; errors name the file and line."""

import csv
import io
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path, PurePosixPath
from typing import IO
from zipfile import BadZipFile, ZipFile, is_zipfile

from veritas_cli.errors import CommandFailure

COURSES, ASSESSMENTS, SITES = "courses.csv", "assessments.csv", "vle.csv"
STUDENTS, REGISTRATIONS = "studentInfo.csv", "studentRegistration.csv"
SUBMISSIONS, CLICKS = "studentAssessment.csv", "studentVle.csv"
FILES = (COURSES, ASSESSMENTS, SITES, STUDENTS, REGISTRATIONS, SUBMISSIONS, CLICKS)

WRONG_FIELD_COUNT = "too few or too many fields"
MAX_DAYS = 3660
# Missing values are empty in the published files, and a question mark in another distribution.
_MISSING = ("", "?")

# Line number, and the values of the wanted columns; None if the row has too few or many fields.
Record = tuple[int, tuple[str, ...] | None]


class OuladError(CommandFailure):
    """Unusable data; reason: the cause without the place, if it lies in one line of a file."""

    reason = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a file, by column."""

    file: str
    line: int
    fields: dict[str, str]

    def refusal(self, reason: str) -> OuladError:
        """Return the error that refuses this line."""
        error = OuladError(f"{self.file}, line {self.line}: {reason}.")
        error.reason = reason
        return error

    def text(self, column: str) -> str:
        """Return a required value."""
        value = self.fields[column]
        if value in _MISSING:
            raise self.refusal(f"{column} is missing")
        return value

    def text_or_none(self, column: str) -> str | None:
        """Return a value, or None if it is missing."""
        value = self.fields[column]
        return None if value in _MISSING else value

    def number_or_none(self, column: str) -> float | None:
        """Return a number, or None if it is missing."""
        value = self.fields[column]
        if value in _MISSING:
            return None
        try:
            return float(value)
        except ValueError as failure:
            raise self.refusal(f"{column} is {value!r}, not a number") from failure

    def whole_or_none(self, column: str) -> int | None:
        """Return a whole number, which may be written as 19.0, or None if it is missing."""
        number = self.number_or_none(column)
        if number is None:
            return None
        if not number.is_integer():
            raise self.refusal(f"{column} is {self.fields[column]!r}, not a whole number")
        return int(number)

    def whole(self, column: str) -> int:
        """Return a required whole number."""
        self.text(column)
        return self.whole_or_none(column) or 0

    def day_or_none(self, column: str) -> int | None:
        """Return a day, counted from the course's first, or None if it is missing."""
        day = self.whole_or_none(column)
        if day is not None and abs(day) > MAX_DAYS:
            raise self.refusal(f"{column} is {day}, which is no day of a course")
        return day

    def day(self, column: str) -> int:
        """Return a required day, counted from the course's first."""
        self.text(column)
        return self.day_or_none(column) or 0

    def student_id(self) -> str:
        """Return the student's number, as text."""
        value = self.text("id_student")
        if not (value.isascii() and value.isdecimal()):
            raise self.refusal(f"id_student is {value!r}, not a number")
        return value


class OuladFiles:
    """Files of one zip or folder.

    Raises:
        OuladError: the path does not exist, is neither zip nor folder, or was cut off.

    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._explained(path.name):
            self._members = _members(path)

    def require(self, names: Sequence[str]) -> None:
        """Check that these files exist.

        Raises:
            OuladError: one is missing.

        """
        for name in names:
            if name not in self._members:
                raise OuladError(f"{self.path} has no {name}; a zip or folder of OULAD has.")

    def rows(self, name: str, columns: Sequence[str]) -> Iterator[Row]:
        """Yield the rows of a file; the first bad row ends it.

        Raises:
            OuladError: the file or a column is missing, or a line has too few or many fields.

        """
        with self.records(name, columns) as records:
            for line, values in records:
                row = Row(name, line, dict(zip(columns, values or (), strict=False)))
                if values is None:
                    raise row.refusal(WRONG_FIELD_COUNT)
                yield row

    def header(self, name: str) -> Sequence[str]:
        """Return the names of a file's columns.

        Raises:
            OuladError: the file is missing or damaged.

        """
        with self._explained(name), self._opened(name) as lines:
            return next(csv.reader(lines), [])

    @contextmanager
    def records(self, name: str, columns: Sequence[str]) -> Iterator["Records"]:
        """Open a file for fast reading; the caller checks the values of each row.

        Raises:
            OuladError: the file or a column is missing, or the file is damaged.

        """
        with self._explained(name), self._opened(name) as lines:
            yield Records(name, lines, columns, self._size(name))

    def _size(self, name: str) -> int:
        if self.path.is_dir():
            return (self.path / self._members[name]).stat().st_size
        with ZipFile(self.path) as archive:
            return archive.getinfo(self._members[name]).file_size

    @contextmanager
    def _opened(self, name: str) -> Iterator[IO[str]]:
        self.require([name])
        member = self._members[name]
        if self.path.is_dir():
            with (self.path / member).open(encoding="utf-8-sig", newline="") as lines:
                yield lines
            return
        with ZipFile(self.path) as archive:
            if archive.getinfo(member).flag_bits & 1:
                raise OuladError(f"{self.path} is encrypted: unpack it and name the folder.")
            with archive.open(member) as content:
                yield io.TextIOWrapper(content, encoding="utf-8-sig", newline="")

    @contextmanager
    def _explained(self, name: str) -> Iterator[None]:
        try:
            yield
        except (BadZipFile, zlib.error, EOFError, NotImplementedError) as failure:
            text = f"{name} in {self.path} is damaged ({failure}): download it again."
            raise OuladError(text) from failure
        except (csv.Error, UnicodeDecodeError) as failure:
            raise OuladError(f"{name} in {self.path} is no CSV file: {failure}.") from failure
        except OSError as failure:
            text = f"{self.path} cannot be read: {failure.strerror or failure}."
            raise OuladError(text) from failure


class Records:
    """Rows of an open file, with at least two columns of each."""

    def __init__(self, name: str, lines: IO[str], columns: Sequence[str], size: int) -> None:
        self.size = size
        self._lines = lines
        self._reader = csv.reader(lines)
        header = next(self._reader, [])
        self._width = len(header)
        self._pick = itemgetter(*_positions(name, header, columns))

    @property
    def position(self) -> int:
        """Bytes read so far, of `size`."""
        position: int = self._lines.buffer.tell()  # type: ignore[attr-defined] # of an open text
        return position

    def __iter__(self) -> Iterator[Record]:
        """Yield the remaining rows without the empty lines."""
        for values in self._reader:
            if len(values) == self._width:
                yield self._reader.line_num, self._pick(values)
            elif values:
                yield self._reader.line_num, None


def _members(path: Path) -> dict[str, str]:
    if path.is_dir():
        return {file.name: file.name for file in path.iterdir()}
    if not path.exists():
        raise OuladError(f"There is no file {path}.")
    if not is_zipfile(path):
        with path.open("rb") as file:
            is_cut_off = file.read(4) == b"PK\x03\x04"
        if is_cut_off:
            raise OuladError(f"{path} is a zip that was cut off: download it again.")
        raise OuladError(f"{path} is neither a zip nor a folder with OULAD's CSV files.")
    with ZipFile(path) as archive:
        # A zipped folder puts its name before those of the files.
        return {PurePosixPath(member).name: member for member in archive.namelist()}


def _positions(name: str, header: Sequence[str], columns: Sequence[str]) -> list[int]:
    if not header:
        raise OuladError(f"{name} is empty.")
    for column in columns:
        if column not in header:
            raise OuladError(f"{name} has no column {column}; it has {', '.join(header)}.")
    return [header.index(column) for column in columns]
