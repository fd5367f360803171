"""Table of one file, read in blocks of whole rows, so that memory does not grow with the file."""

import codecs
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO

from shared_web.problems import InvalidRequest
from shared_web.requests.csv_rows import TableRow, separator_of, table_rows
from shared_web.requests.csv_text import UTF_8, WINDOWS_1252
from shared_web.requests.text import normalized
from veritas_cli.oneroster.reading.archive import Archive, OneRosterError
from veritas_cli.oneroster.reading.columns import normal_name

_BLOCK_LENGTH = 1024**2
# A quote that is not closed joins the lines after it; such a block is read as far as it goes.
_MAX_BLOCK_LENGTH = 16 * 1024**2
_CHUNK_BYTES = 1024**2
_MARKS = {
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}

# Cells that are not empty, by column; or the reason for which the row cannot be read.
Cells = dict[str, str] | str


class Table:
    """Rows of an open file under its header; iterating yields the line and cells of each row.

    notes: remarks for the reader of the report. length: characters read so far.
    """

    def __init__(self, name: str, lines: IO[str], columns: Sequence[str], notes: list[str]) -> None:
        self.name = name
        self.notes = notes
        self.length = 0
        self._blocks = self._read_blocks(lines)
        self._separator = ","
        self._rows = self._read_rows()
        header = next(self._rows, None)
        if header is None:
            raise OneRosterError(f"{name} is empty: it has no header.")
        self._names = _header(name, header, columns)

    @classmethod
    @contextmanager
    def opened(
        cls,
        archive: Archive,
        name: str,
        columns: Sequence[str],
        required: Sequence[str] | None = None,
    ) -> Iterator["Table"]:
        """Open a file. required: columns that the header must have, by default all.

        Raises:
            OneRosterError: the file is damaged, or a column is missing; also while it is read.

        """
        key = name.lower()
        notes: list[str] = []
        with archive.open(key) as content:
            codec = _codec(name, content)
        if codec == WINDOWS_1252:
            notes.append(f"{name} is not UTF-8 and was read as Windows-1252.")
        with archive.open(key) as content, io.TextIOWrapper(content, codec, newline="") as lines:
            table = cls(name, lines, columns, notes)
            table.require(columns if required is None else required)
            yield table

    def require(self, columns: Sequence[str]) -> None:
        """Check that the header has these columns.

        Raises:
            OneRosterError: one is missing.

        """
        missing = [column for column in columns if column not in self._names]
        if missing:
            raise OneRosterError(f"{self.name} has no column {', '.join(missing)}.")

    def __iter__(self) -> Iterator[tuple[int, Cells]]:
        """Yield the line and cells of each row."""
        names, width = self._names, len(self._names)
        for row in self._rows:
            cells = row.cells
            if len(cells) != width and (len(cells) < width or any(cells[width:])):
                yield row.line, f"the row has {len(cells)} cells, the header {width}"
                continue
            named = {name: cell for name, cell in zip(names, cells, strict=False) if cell and name}
            try:
                # One test for all cells: most rows are ASCII.
                text = "".join(named.values())
                is_plain = text.isascii() and "\x00" not in text
                yield (
                    row.line,
                    named if is_plain else {name: normalized(cell) for name, cell in named.items()},
                )
            except ValueError as reason:
                yield row.line, f"a cell {reason}"

    def _read_rows(self) -> Iterator[TableRow]:
        line = 1
        for number, (block, count) in enumerate(self._blocks):
            if number == 0:
                self._separator = separator_of(block)
            named = self._separator if number else None
            try:
                yield from table_rows(block, first_line=line, separator=named)
            except InvalidRequest as refusal:
                raise OneRosterError(f"{self.name}: {refusal}") from refusal
            line += count

    def _read_blocks(self, lines: IO[str]) -> Iterator[tuple[str, int]]:
        """Yield blocks that end with a row, and the number of lines in each."""
        block: list[str] = []
        length = quotes = 0
        for line in lines:
            block.append(line)
            length += len(line)
            quotes += line.count('"')
            is_whole = quotes % 2 == 0 or length > _MAX_BLOCK_LENGTH
            if length > _BLOCK_LENGTH and is_whole:
                self.length += length
                yield "".join(block), len(block)
                block, length, quotes = [], 0, 0
        self.length += length
        if block:
            yield "".join(block), len(block)


def _header(name: str, row: TableRow, columns: Sequence[str]) -> list[str]:
    """Return the column at each place, an empty text for one that is not read."""
    wanted = {normal_name(column): column for column in columns}
    found = [normal_name(cell) for cell in row.cells]
    while found and not found[-1]:
        found.pop()
    names = [wanted.get(cell, "") for cell in found]
    read = [column for column in names if column]
    if len(set(read)) < len(read):
        raise OneRosterError(f"{name}, line {row.line}: the header has a column twice.")
    return names


def _codec(name: str, content: IO[bytes]) -> str:
    chunk = content.read(_CHUNK_BYTES)
    for mark, codec in _MARKS.items():
        if chunk.startswith(mark):
            return codec
    decoder = codecs.getincrementaldecoder(UTF_8)()
    try:
        while chunk:
            if b"\x00" in chunk:
                raise OneRosterError(f"{name} has NUL characters. Export it as UTF-8.")
            decoder.decode(chunk)
            chunk = content.read(_CHUNK_BYTES)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return WINDOWS_1252
    return UTF_8
