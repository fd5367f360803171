"""Table in a file of any size, read row by row; its encoding is detected before."""

import codecs
from collections.abc import Iterator
from io import TextIOWrapper
from typing import IO

from shared_web.problems import InvalidRequest
from shared_web.requests.csv_rows import MAX_ROW_LENGTH, TableRow, rows_of_lines
from shared_web.requests.csv_text import UTF_8, UTF_16, WINDOWS_1252

_PIECE_BYTES = 1024 * 1024
_CODECS = {UTF_8: "utf-8-sig", UTF_16: "utf-16", WINDOWS_1252: "cp1252"}
_UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class TableSource:
    """Table in an open file, which the caller closes.

    encoding: UTF-16 if a byte order mark says so, else UTF-8, or Windows-1252 if the file is not
    valid UTF-8. position: the bytes read so far.

    Raises:
        InvalidRequest: the file is of another encoding.

    """

    def __init__(self, file: IO[bytes], name: str) -> None:
        self.name = name
        self.position = 0
        self._file = file
        self.encoding = _encoding(file, name)

    def rows(self) -> Iterator[TableRow]:
        """Yield the rows, with the header first.

        Raises:
            InvalidRequest: as `rows_of_lines`.

        """
        self._file.seek(0)
        text = TextIOWrapper(self._file, encoding=_CODECS[self.encoding], newline="")
        try:
            yield from rows_of_lines(self._lines(text))
        finally:
            if not self._file.closed:
                text.detach()  # which would close the file

    def _lines(self, text: TextIOWrapper) -> Iterator[str]:
        number = 0
        # One more, so that a line that is too long is noticed before all of it is in memory.
        while line := text.readline(MAX_ROW_LENGTH + 1):
            number += 1
            if len(line) > MAX_ROW_LENGTH:
                raise InvalidRequest(f"{self.name}, line {number} is too long for a table.")
            self.position = self._file.tell()
            yield line


def _encoding(file: IO[bytes], name: str) -> str:
    file.seek(0)
    encodings = [UTF_16] if file.read(2) in _UTF_16_MARKS else [UTF_8, WINDOWS_1252]
    for encoding in encodings:
        line = _wrong_line(file, encoding)
        if line is None:
            return encoding
    raise InvalidRequest(
        f"{name} is not {' or '.join(encodings).upper()}: look at line {line}. Save it as CSV "
        "UTF-8."
    )


def _wrong_line(file: IO[bytes], encoding: str) -> int | None:
    """Return the number of the first line that is not of the encoding, None if there is none."""
    decoder = codecs.getincrementaldecoder(_CODECS[encoding])()
    lines = 1
    file.seek(0)
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
