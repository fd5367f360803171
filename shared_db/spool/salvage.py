"""Salvage of rows from a damaged spool, page by page, without SQLite.

A row is in one cell of a leaf page of the table; a value too long for the page continues in a chain
of overflow pages. Both can be read without the file's header, schema or inner pages, which SQLite
needs intact. The layout is that of sqlite.org/fileformat2.html.
"""

import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from shared_db.errors import ConfigurationError
from shared_db.spool.export import entry_from_json
from shared_db.spool.file import Entry
from shared_db.spool.spoolable import SpoolableType

_MAGIC = b"SQLite format 3\x00"
_USUAL_PAGE_BYTES = 4096
_FILE_HEADER_BYTES = 100
_LEAF_OF_TABLE = 0x0D
_LEAF_HEADER_BYTES = 8
_POINTER_BYTES = 2
_WAL_MAGICS = {0x377F0682, 0x377F0683}
_WAL_HEADER_BYTES = 32
_FRAME_HEADER_BYTES = 24
_VARINT_BYTES = 9
_NUMBER_BYTES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}
_COLUMNS = 9
_DIGEST_BYTES = 16

Pages = Mapping[int, bytes]


def readable_entries(path: Path) -> list[Entry]:
    """Return the completely readable rows of a damaged spool, each id once, as waiting.

    Removed rows are not among them: SQLite overwrites them (`secure_delete`).

    Raises:
        OSError: the file cannot be read.

    """
    pages = _pages(path)
    found = {(e.kind, e.id): e for number in pages for e in _entries(pages, number)}
    return sorted(found.values(), key=lambda entry: entry.sequence)


def checked_entries(
    path: Path, kinds: Iterable[SpoolableType[Any, Any]]
) -> tuple[list[Entry], int]:
    """Return the intact rows of a damaged spool, and the number of readable rows that are not.

    kinds: the types of the spool's service. A row is intact if its payload gives its digest and its
    other columns.

    Raises:
        ConfigurationError: the file cannot be read.

    """
    try:
        entries = readable_entries(path)
    except OSError as failure:
        raise ConfigurationError(f"{path} cannot be read: {failure.strerror}.") from failure
    known = {kind.name: kind for kind in kinds}
    whole = [entry for entry in entries if _is_whole(entry, known)]
    return whole, len(entries) - len(whole)


def _is_whole(entry: Entry, kinds: Mapping[str, SpoolableType[Any, Any]]) -> bool:
    try:
        made = entry_from_json(kinds[entry.kind], entry.payload)
    except (KeyError, ValueError):
        return False
    # A row has its id, subject and instant twice: in their columns and in the payload.
    return replace(made, sequence=entry.sequence) == entry


def _pages(path: Path) -> dict[int, bytes]:
    """Return the pages by number, each in the version of the journal if it was committed there."""
    content = path.read_bytes()
    size = _page_bytes(content)
    starts = range(0, len(content), size)
    pages = {number: content[at : at + size] for number, at in enumerate(starts, 1)}
    wal = Path(f"{path}-wal")
    if wal.exists():
        pages.update(_committed(wal.read_bytes()))
    return pages


def _page_bytes(content: bytes) -> int:
    if content[:16] != _MAGIC:
        return _USUAL_PAGE_BYTES
    size = int.from_bytes(content[16:18], "big")
    return 65536 if size == 1 else max(512, size)


def _committed(wal: bytes) -> dict[int, bytes]:
    if len(wal) < _WAL_HEADER_BYTES or struct.unpack(">I", wal[:4])[0] not in _WAL_MAGICS:
        return {}
    size, salts = struct.unpack(">I", wal[8:12])[0], wal[16:24]
    committed: dict[int, bytes] = {}
    pending: dict[int, bytes] = {}
    for at in range(_WAL_HEADER_BYTES, len(wal), _FRAME_HEADER_BYTES + max(512, size)):
        header = wal[at : at + _FRAME_HEADER_BYTES]
        page = wal[at + _FRAME_HEADER_BYTES : at + _FRAME_HEADER_BYTES + size]
        if len(page) < size or header[8:16] != salts:
            break
        number, pages_after_commit = struct.unpack(">II", header[:8])
        pending[number] = page
        if pages_after_commit:
            committed.update(pending)
            pending.clear()
    return committed


def _entries(pages: Pages, number: int) -> Iterator[Entry]:
    page = pages[number]
    start = _FILE_HEADER_BYTES if number == 1 else 0
    if len(page) < start + _LEAF_HEADER_BYTES or page[start] != _LEAF_OF_TABLE:
        return
    [cells] = struct.unpack(">H", page[start + 3 : start + 5])
    first = start + _LEAF_HEADER_BYTES
    for at in range(first, min(first + cells * _POINTER_BYTES, len(page) - 1), _POINTER_BYTES):
        [cell] = struct.unpack(">H", page[at : at + _POINTER_BYTES])
        try:
            entry = _entry(pages, page, cell)
        except (ValueError, IndexError, KeyError, struct.error):
            continue  # of another table, or incomplete
        if entry is not None:
            yield entry


def _entry(pages: Pages, page: bytes, at: int) -> Entry | None:
    length, at = _varint(page, at)
    place, at = _varint(page, at)
    values = _values(_payload(pages, page, at, length))
    if len(values) < _COLUMNS:
        return None
    _, kind, id_, subject, payload, digest, accepted_at, *_ = values
    texts = (kind, id_, payload, accepted_at, subject or "")
    if not all(isinstance(text, str) for text in texts) or len(digest) != _DIGEST_BYTES:
        return None
    accepted = datetime.fromisoformat(accepted_at)
    return Entry(kind, id_, subject, payload, digest, accepted, sequence=place)


def _payload(pages: Pages, page: bytes, at: int, length: int) -> bytes:
    """Return the cell's payload; a long one continues in overflow pages."""
    most = len(page) - 35
    if length <= most:
        return page[at : at + length]
    least = (len(page) - 12) * 32 // 255 - 23
    local = least + (length - least) % (len(page) - 4)
    local = local if local <= most else least
    if length > len(pages) * len(page):
        raise ValueError("longer than the file")
    pieces = [page[at : at + local]]
    [following] = struct.unpack(">I", page[at + local : at + local + 4])
    missing = length - local
    while missing > 0:
        overflow = pages[following]
        [following] = struct.unpack(">I", overflow[:4])
        pieces.append(overflow[4 : 4 + missing])
        missing -= max(1, len(overflow) - 4)
    return b"".join(pieces)


def _values(payload: bytes) -> list[Any]:
    """Return the columns of a record."""
    header_bytes, at = _varint(payload, 0)
    kinds = []
    while at < header_bytes:
        kind, at = _varint(payload, at)
        kinds.append(kind)
    values = []
    for kind in kinds:
        value, at = _value(payload, at, kind)
        values.append(value)
    if at != len(payload):
        raise ValueError("the record is not whole")
    return values


def _value(payload: bytes, at: int, kind: int) -> tuple[Any, int]:
    if kind in (0, 8, 9):
        return (None, 0, 1)[(0, 8, 9).index(kind)], at
    if kind in _NUMBER_BYTES:
        end = at + _NUMBER_BYTES[kind]
        return int.from_bytes(payload[at:end], "big", signed=True), end
    if kind < 12:  # noqa: PLR2004 - a float or a reserved kind, which no column of ours holds
        raise ValueError("not a value of a spool")
    end = at + (kind - 12) // 2
    value = payload[at:end]
    return (value.decode() if kind % 2 else value), end


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = 0
    for place in range(_VARINT_BYTES):
        byte = data[at + place]
        if place == _VARINT_BYTES - 1:
            return value << 8 | byte, at + _VARINT_BYTES
        value = value << 7 | byte & 0x7F
        if byte < 0x80:  # noqa: PLR2004 - the high bit means that another byte follows
            break
    return value, at + place + 1
