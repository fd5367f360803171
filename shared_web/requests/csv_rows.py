"""Rows of a table: separators, quotes and line ends as spreadsheets write them."""

import csv
import io
import re
from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass

from shared_web.problems import InvalidRequest

# The most characters that a spreadsheet's cell can have.
MAX_CELL_LENGTH = 32_767
_SEPARATORS = ",;\t"
_FIRST_LINE = re.compile(r"[^\r\n]*")
_LINE_WITH_TEXT = re.compile(r"[^\r\n]*\S[^\r\n]*")
_NAMED_SEPARATOR = re.compile(r'"?sep=(.)"?', re.IGNORECASE)
_OPEN_QUOTE = "unexpected end of data"

# The module's own limit is of the whole process, and refuses a cell without naming it.
csv.field_size_limit(2**31 - 1)


@dataclass(frozen=True)
class TableRow:
    """Cells of one row without spaces around them, and the line on which it begins."""

    line: int
    cells: list[str]


def separator_of(text: str) -> str:
    """Return the separator of a table.

    A first line `sep=;` names it. Otherwise it is the most frequent one of the first line with
    text.

    Raises:
        InvalidRequest: another separator is named.

    """
    named = _NAMED_SEPARATOR.fullmatch(_FIRST_LINE.match(text)[0])  # type: ignore[index] # matches
    separator = named[1] if named else _most_frequent(text)
    if separator not in _SEPARATORS:
        raise InvalidRequest("Line 1 names a separator other than comma, semicolon and tab.")
    return separator


def table_rows(
    text: str, *, first_line: int = 1, separator: str | None = None
) -> Iterator[TableRow]:
    """Yield the rows that are not blank. CR, LF and both end a line, outside of quotes a row.

    first_line: number of the text's first line, if it is a later part of a table. separator: of
    that table; by default that of the text.

    Raises:
        InvalidRequest: a quote is not closed, text follows a closed one, or a cell is longer than
            `MAX_CELL_LENGTH`; names line and column. Or as `separator_of`.

    """
    is_beginning = separator is None
    separator = separator or separator_of(text)
    lines = _Lines(_without_spaces_after_quotes(text, separator), first_line)
    for first in lines:
        if (
            is_beginning
            and lines.row_line == 1
            and _NAMED_SEPARATOR.fullmatch(first.rstrip("\r\n"))
        ):
            continue
        try:
            cells = [cell.strip() for cell in next(_reader(lines.of_row(first), separator))]
        except csv.Error as failure:
            raise _refusal(lines, separator) from failure
        if any(cells):
            _limit_length(cells, lines.row_line)
            yield TableRow(lines.row_line, cells)


class _Lines:
    """Lines of a text, of which a row takes one or more.

    row_line: number of the current row's first line. row: its lines until now.
    """

    def __init__(self, text: str, first_line: int) -> None:
        # `str.splitlines` would also split at U+2028 and others.
        self._lines = enumerate(io.StringIO(text, newline=""), first_line)
        self.row_line = 0
        self.row: list[str] = []

    def __iter__(self) -> Iterator[str]:
        """Yield the first line of each row, except blank lines."""
        for number, line in self._lines:
            if line.strip():
                self.row_line, self.row = number, []
                yield line

    def of_row(self, first: str) -> Iterator[str]:
        """Yield the lines of a row, for a reader that takes as many as it needs."""
        self.row.append(first)
        yield first
        for _, line in self._lines:
            self.row.append(line)
            yield line


def _most_frequent(text: str) -> str:
    line = _LINE_WITH_TEXT.search(text)
    return max(_SEPARATORS, key=line[0].count) if line else ","


def _without_spaces_after_quotes(text: str, separator: str) -> str:
    # The csv module ignores spaces before a quote only. Whole quoted cells are matched, so that
    # nothing inside of them is.
    if '" ' not in text:
        return text
    return re.sub(rf'((?:\A|[{separator}\r\n]) *"[^"]*(?:""[^"]*)*") *', r"\1", text)


def _reader(lines: Iterator[str], separator: str, *, strict: bool = True) -> Iterator[list[str]]:
    return csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=strict)


def _limit_length(cells: list[str], line: int) -> None:
    for column, cell in enumerate(cells, 1):
        if len(cell) > MAX_CELL_LENGTH:
            raise InvalidRequest(
                f"The table cannot be read: line {line}, column {column} has {len(cell)} "
                f"characters, at most {MAX_CELL_LENGTH} are allowed. Perhaps a quote is not closed."
            )


def _refusal(lines: _Lines, separator: str) -> InvalidRequest:
    row = "".join(lines.row)

    def fails(length: int) -> bool:
        return _failure(row[:length], separator) not in (None, _OPEN_QUOTE)

    # The shortest beginning that cannot be read ends right after the cell at fault. Without one
    # the last cell is not closed.
    end = bisect_left(range(len(row) + 1), x=True, key=fails)
    readable = io.StringIO(row[: min(end, len(row)) - 1], newline="")
    column = len(next(_reader(readable, separator, strict=False), [""]))
    reason = "a quote that is not closed" if end > len(row) else "text after a closed quote"
    return InvalidRequest(
        f"The table cannot be read: line {lines.row_line}, column {column} has {reason}. Write a "
        'quote inside of quotes twice ("").'
    )


def _failure(row: str, separator: str) -> str | None:
    try:
        next(_reader(io.StringIO(row, newline=""), separator), None)
    except csv.Error as failure:
        return str(failure)
    return None
