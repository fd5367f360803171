"""The CSV files of OULAD in a zip or a folder: row by row, each refusal with its line."""

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

# The published file leaves missing values empty, another distribution writes a question mark.
_MISSING = ("", "?")
_COURSE = ("code_module", "code_presentation")
_MOST_DAYS = 3660


class OuladError(Exception):
    """The data cannot be used; the text is one line that says what, where and what to do.

    reason: of what is wrong in one line of a file, the text without where.
    """

    reason = ""


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a file, by column."""

    file: str
    line: int
    fields: dict[str, str]

    @property
    def place(self) -> str:
        """Where it stands."""
        return f"{self.file}, line {self.line}"

    def refusal(self, text: str) -> OuladError:
        """Return the error for what is wrong in this line."""
        error = OuladError(f"{self.place}: {text}.")
        error.reason = text
        return error

    def text(self, column: str) -> str:
        """Return a value that must be there."""
        value = self.fields[column]
        if value in _MISSING:
            raise self.refusal(f"{column} is missing")
        return value

    def text_or_none(self, column: str) -> str | None:
        """Return a value, or None where it is missing."""
        value = self.fields[column]
        return None if value in _MISSING else value

    def number_or_none(self, column: str) -> float | None:
        """Return a number, or None where it is missing."""
        value = self.fields[column]
        if value in _MISSING:
            return None
        try:
            return float(value)
        except ValueError as failure:
            raise self.refusal(f"{column} is {value!r}, not a number") from failure

    def whole_or_none(self, column: str) -> int | None:
        """Return a whole number, also one written as 19.0, or None where it is missing."""
        number = self.number_or_none(column)
        if number is None:
            return None
        if not number.is_integer():
            raise self.refusal(f"{column} is {self.fields[column]!r}, not a whole number")
        return int(number)

    def whole(self, column: str) -> int:
        """Return a whole number that must be there."""
        self.text(column)
        return self.whole_or_none(column) or 0

    def day_or_none(self, column: str) -> int | None:
        """Return a day, counted from the course's first, or None where it is missing."""
        day = self.whole_or_none(column)
        if day is not None and abs(day) > _MOST_DAYS:
            raise self.refusal(f"{column} is {day}, which is no day of a course")
        return day

    def day(self, column: str) -> int:
        """Return a day that must be there, counted from the course's first."""
        self.text(column)
        return self.day_or_none(column) or 0

    def student_id(self) -> str:
        """Return the student's number, as text."""
        value = self.text("id_student")
        if not (value.isascii() and value.isdecimal()):
            raise self.refusal(f"id_student is {value!r}, not a number")
        return value


class OuladFiles:
    """The files of one zip or folder.

    Raises:
        OuladError: it is not there, is neither zip nor folder, or was cut off.

    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self._explained(path.name):
            self._members = _members(path)

    def require(self, names: Sequence[str]) -> None:
        """Check that these files are there.

        Raises:
            OuladError: one is not.

        """
        for name in names:
            if name not in self._members:
                raise OuladError(f"{self.path} has no {name}; a zip or folder of OULAD has.")

    def rows(
        self, name: str, columns: Sequence[str], course: tuple[str, str] | None = None
    ) -> Iterator[Row]:
        """Give the rows of a file, with `course` only those of that module and presentation.

        Raises:
            OuladError: the file or a column is missing, or a line has too few or many fields.

        """
        with self._explained(name), self._opened(name) as lines:
            reader = csv.reader(lines)
            header = next(reader, [])
            places = _places(name, header, (*columns, *(_COURSE if course else ())))
            module, presentation = (places.get(column, 0) for column in _COURSE)
            for values in reader:
                if values and len(values) != len(header):
                    count = f"{len(values)} fields where the header has {len(header)}"
                    raise OuladError(f"{name}, line {reader.line_num}: {count}.")
                if not values or course not in (None, (values[module], values[presentation])):
                    continue
                fields = {column: values[places[column]] for column in columns}
                yield Row(name, reader.line_num, fields)

    def header(self, name: str) -> Sequence[str]:
        """Return the names of a file's columns.

        Raises:
            OuladError: the file is missing, or it is damaged.

        """
        with self._explained(name), self._opened(name) as lines:
            return next(csv.reader(lines), [])

    @contextmanager
    def records(self, name: str, columns: Sequence[str]) -> Iterator["Records"]:
        """Open a file to be read fast, row by row; what is wrong with a row is the reader's to say.

        Raises:
            OuladError: the file or a column is missing, or it is damaged.

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
    """The rows of an open file: the line, and the values of the columns or None if it is no row."""

    def __init__(self, name: str, lines: IO[str], columns: Sequence[str], size: int) -> None:
        self.size = size
        self._lines = lines
        self._reader = csv.reader(lines)
        header = next(self._reader, [])
        self._width = len(header)
        self._pick = itemgetter(*_places(name, header, columns).values())

    @property
    def position(self) -> int:
        """How many bytes were read, of `size`."""
        position: int = self._lines.buffer.tell()  # type: ignore[attr-defined] # of an open text
        return position

    def __iter__(self) -> Iterator[tuple[int, tuple[str, ...] | None]]:
        """Go through the rows that are left; empty lines are none."""
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
        # Zipped as a folder, its name stands before the files'.
        return {PurePosixPath(member).name: member for member in archive.namelist()}


def _places(name: str, header: Sequence[str], columns: Sequence[str]) -> dict[str, int]:
    if not header:
        raise OuladError(f"{name} is empty.")
    for column in columns:
        if column not in header:
            raise OuladError(f"{name} has no column {column}; it has {', '.join(header)}.")
    return {column: header.index(column) for column in columns}
