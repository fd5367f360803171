"""Rows of a table: separators, quotes and line ends as spreadsheets write them."""

import csv
import io
import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from shared_web.problems import InvalidRequest

# The most characters that a spreadsheet's cell can have.
MAX_CELL_LENGTH = 32_767
# A quote that is not closed would otherwise collect a file of any size.
MAX_ROW_LENGTH = 8 * 1024 * 1024
_SEPARATORS = ",;\t"
_END_OF_CELL = re.compile(r'([^"]*(?:""[^"]*)*"(?!")) *')
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
    return _separator(_head(_lines_of(text)))


def table_rows(
    text: str, *, first_line: int = 1, separator: str | None = None
) -> Iterator[TableRow]:
    """Yield the rows of a text as `rows_of_lines` does."""
    return rows_of_lines(_lines_of(text), first_line=first_line, separator=separator)


def rows_of_lines(
    lines: Iterable[str], *, first_line: int = 1, separator: str | None = None
) -> Iterator[TableRow]:
    """Yield the rows that are not blank. CR, LF and both end a line, outside of quotes a row.

    Only the lines of one row are in memory. first_line: number of the first line, if the lines are
    a later part of a table. separator: of that table; by default as `separator_of`.

    Raises:
        InvalidRequest: a quote is not closed, text follows a closed one, or a cell is longer than
            `MAX_CELL_LENGTH`; names line and column. Or as `separator_of`.

    """
    source = iter(lines)
    head = _head(source)
    is_named = separator is None and _named_separator(head) is not None
    separator = separator or _separator(head)
    rows = _Lines(_without_spaces_after_quotes(chain(head, source), separator), first_line)
    for first in rows:
        if is_named and rows.row_line == 1:
            continue
        if '"' in first:
            try:
                cells = [cell.strip() for cell in next(_reader(rows.of_row(first), separator))]
            except csv.Error as failure:
                raise _refusal(rows, separator) from failure
        else:
            # Most rows have no quotes; the reader would take four times as long.
            cells = [cell.strip() for cell in first.split(separator)]
        if any(cells):
            _limit_length(cells, rows.row_line)
            yield TableRow(rows.row_line, cells)


class _Lines:
    """Lines of a text, of which a row takes one or more.

    row_line: number of the current row's first line. row: its lines until now.
    """

    def __init__(self, lines: Iterable[str], first_line: int) -> None:
        self._lines = enumerate(lines, first_line)
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
        length = len(first)
        for _, line in self._lines:
            length += len(line)
            if length > MAX_ROW_LENGTH:
                raise _too_long(self.row_line)
            self.row.append(line)
            yield line


def _lines_of(text: str) -> Iterator[str]:
    # `str.splitlines` would also split at U+2028 and others.
    return io.StringIO(text, newline="")


def _separator(head: Sequence[str]) -> str:
    separator = _named_separator(head) or max(_SEPARATORS, key=head[-1].count)
    if separator not in _SEPARATORS:
        raise InvalidRequest("Line 1 names a separator other than comma, semicolon and tab.")
    return separator


def _named_separator(head: Sequence[str]) -> str | None:
    named = _NAMED_SEPARATOR.fullmatch(head[0].rstrip("\r\n"))
    return named[1] if named else None


def _head(lines: Iterator[str]) -> list[str]:
    """Return the lines up to the first one with text; at least one."""
    head: list[str] = []
    for line in lines:
        head.append(line)
        if line.strip():
            break
    return head or [""]


def _without_spaces_after_quotes(lines: Iterable[str], separator: str) -> Iterator[str]:
    # The csv module ignores spaces before a quote only. Whole quoted cells are matched, so that
    # nothing inside of them is.
    cell = re.compile(rf'((?:\A|{separator}) *"[^"]*(?:""[^"]*)*)("(?!") *)?')
    is_open = False
    for line in lines:
        if '"' not in line:
            yield line
            continue
        begun, place = "", 0
        if is_open:
            end = _END_OF_CELL.match(line)
            if end is None:
                yield line
                continue
            begun, place = end[1], end.end()
        is_open = False
        pieces = [begun]
        for found in cell.finditer(line, place):
            pieces += [line[place : found.start()], found[1], '"' if found[2] else ""]
            place = found.end()
            is_open = not found[2]
        yield "".join([*pieces, line[place:]])


def _reader(lines: Iterator[str], separator: str, *, strict: bool = True) -> Iterator[list[str]]:
    return csv.reader(lines, delimiter=separator, skipinitialspace=True, strict=strict)


def _too_long(line: int) -> InvalidRequest:
    return InvalidRequest(
        f"The table cannot be read: the row of line {line} has more than {MAX_ROW_LENGTH} "
        "characters. Perhaps a quote is not closed."
    )


def _limit_length(cells: list[str], line: int) -> None:
    if max(map(len, cells)) <= MAX_CELL_LENGTH:
        return
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
