"""CSV file of any size, read row by row; its encoding is detected before."""

import codecs
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from shared_web.requests.csv_rows import MAX_ROW_LENGTH, TableRow, rows_of_lines
from shared_web.requests.csv_text import UTF_8, UTF_16, WINDOWS_1252
from veritas_cli.errors import CommandFailure

_PIECE_BYTES = 1024 * 1024
_CODECS = {UTF_8: "utf-8-sig", UTF_16: "utf-16", WINDOWS_1252: "cp1252"}
_UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class TableFile:
    """Table in a file.

    encoding: UTF-16 if a byte order mark says so, else UTF-8, or Windows-1252 if the file is not
    valid UTF-8. size: its bytes. position: the bytes read so far.

    Raises:
        CommandFailure: the file cannot be read, or is of another encoding.

    """

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self.position = 0
        self._path = path
        try:
            self.size = path.stat().st_size
            self.encoding = _encoding(path)
        except OSError as failure:
            raise CommandFailure(f"{path} cannot be read: {failure.strerror}.") from failure

    def rows(self) -> Iterator[TableRow]:
        """Yield the rows, with the header first.

        Raises:
            InvalidRequest: as `rows_of_lines`.

        """
        with self._path.open(encoding=_CODECS[self.encoding], newline="") as file:
            yield from rows_of_lines(self._lines(file))

    def _lines(self, file: IO[str]) -> Iterator[str]:
        number = 0
        # One more, so that a line that is too long is noticed before all of it is in memory.
        while line := file.readline(MAX_ROW_LENGTH + 1):
            number += 1
            if len(line) > MAX_ROW_LENGTH:
                raise CommandFailure(f"{self.name}, line {number} is too long for a table.")
            self.position = file.buffer.tell()  # type: ignore[attr-defined] # of an open text
            yield line


def _encoding(path: Path) -> str:
    with path.open("rb") as file:
        is_marked = file.read(2) in _UTF_16_MARKS
    encodings = [UTF_16] if is_marked else [UTF_8, WINDOWS_1252]
    for encoding in encodings:
        line = _wrong_line(path, encoding)
        if line is None:
            return encoding
    raise CommandFailure(
        f"{path.name} is not {' or '.join(encodings).upper()}: look at line {line}. Save it as CSV "
        "UTF-8."
    )


def _wrong_line(path: Path, encoding: str) -> int | None:
    """Return the number of the first line that is not of the encoding, None if there is none."""
    decoder = codecs.getincrementaldecoder(_CODECS[encoding])()
    lines = 1
    with path.open("rb") as file:
        while True:
            piece = file.read(_PIECE_BYTES)
            try:
                text = decoder.decode(piece, final=not piece)
            except UnicodeDecodeError as failure:
                return lines + failure.object[: failure.start].count(b"\n")
            if "\x00" in text:
                return lines + text[: text.index("\x00")].count("\n")
            if not piece:
                return None
            lines += text.count("\n")
