"""ZIP of an owner's rows, written from a stream of rows: the memory it takes has a bound."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any
from zipfile import ZIP_DEFLATED, ZipFile

import orjson
from sqlalchemy import ColumnElement, LargeBinary, RowMapping, Select, Table, select
from sqlalchemy.orm import DeclarativeBase, Session

from shared_db.clock import utc_now
from shared_db.personal_data import declaration_of, table_titles
from shared_db.row_export.page import MAX_ROWS, PAGE_END, in_words, page_begin, section

MEDIA_TYPE = "application/zip"
_ROWS_AT_ONCE = 200
_BESIDE = (
    "Each table is also a file of JSON beside this page; fields.json has the meaning, the purpose "
    "and the retention of every field."
)

# Further files of a service, by name: chunks of text from the session and the owner's ids.
MoreFiles = Callable[[Session, Sequence[str]], Iterator[tuple[str, str]]]


@dataclass(frozen=True)
class Part:
    """Part of a service in an export.

    name: of the service. title: of its page. base: of its mapped classes. owned: the condition of
    the owner's rows, by table. more_files: text files in addition.
    """

    name: str
    title: str
    base: type[DeclarativeBase]
    owned: Callable[[Sequence[str]], Mapping[Table, ColumnElement[bool]]]
    more_files: MoreFiles = lambda _session, _ids: iter(())


def new_zip(file: IO[bytes]) -> ZipFile:
    """Return a ZIP that is written into the file."""
    return ZipFile(file, "w", ZIP_DEFLATED, compresslevel=1)


def write_text(archive: ZipFile, name: str, chunks: Iterable[str]) -> None:
    """Add a text file."""
    with _member(archive, name) as file:
        for chunk in chunks:
            file.write(chunk.encode())


def write_rows(
    archive: ZipFile, folder: str, part: Part, session: Session, ids: Sequence[str]
) -> dict[str, int]:
    """Add all rows of the owner to the folder; return their number by table.

    The session has a snapshot: every table is read twice. folder: empty, or ends in a slash.
    """
    titles = table_titles(part.base)
    owned = part.owned(ids)
    counts = {
        table.name: _write_json(archive, f"{folder}{table.name}.json", _rows(session, query))
        for table, query in _queries(owned).items()
    }
    described = {str(table.name): _described(table, titles[table]) for table in owned}
    write_text(archive, f"{folder}fields.json", [_indented(described)])
    write_text(archive, f"{folder}index.html", _page(part, session, owned, titles, counts, ids))
    for name, content in part.more_files(session, ids):
        write_text(archive, f"{folder}{name}", [content])
    return counts


def _page(
    part: Part,
    session: Session,
    owned: Mapping[Table, ColumnElement[bool]],
    titles: Mapping[Table, str],
    counts: Mapping[str, int],
    ids: Sequence[str],
) -> Iterator[str]:
    instant = f"{utc_now():%Y-%m-%d %H:%M} UTC"
    introduction = [
        f"All rows that {part.name} stores of the student {' or '.join(ids)}, as of {instant}.",
        _BESIDE,
    ]
    yield page_begin(part.title, introduction)
    for table, query in _queries(owned).items():
        shown = {
            column.name: _meaning(column)
            for column in table.columns
            if not isinstance(column.type, LargeBinary)
        }
        yield from section(
            in_words(table.name).capitalize(),
            titles[table],
            shown,
            _rows(session, query.limit(MAX_ROWS)),
            count=counts[table.name],
            file=f"{table.name}.json",
        )
    yield PAGE_END


def _queries(owned: Mapping[Table, ColumnElement[bool]]) -> dict[Table, Select[Any]]:
    return {
        table: select(table).where(condition).order_by(*table.primary_key.columns)
        for table, condition in owned.items()
    }


def _rows(session: Session, query: Select[Any]) -> Iterator[RowMapping]:
    options = {"yield_per": _ROWS_AT_ONCE}
    yield from session.execute(query, execution_options=options).mappings()


def _write_json(archive: ZipFile, name: str, rows: Iterable[RowMapping]) -> int:
    count = 0
    with _member(archive, name) as file:
        file.write(b"[")
        for count, row in enumerate(rows, 1):
            separator = b",\n" if count > 1 else b"\n"
            file.write(separator + orjson.dumps(dict(row), default=bytes.hex))
        file.write(b"\n]\n")
    return count


def _described(table: Table, title: str) -> dict[str, Any]:
    return {"content": title, "fields": {c.name: _field(c) for c in table.columns}}


def _field(column: Any) -> dict[str, Any]:
    declared = declaration_of(column)
    if declared is None:
        return {"meaning": _meaning(column)}
    return {
        "meaning": _meaning(column),
        "about": list(declared.subjects),
        "purpose": declared.purpose,
        "kept": declared.keep,
    }


def _meaning(column: Any) -> str:
    return str(column.comment or in_words(column.name))


def _indented(value: Any) -> str:
    return orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()


def _member(archive: ZipFile, name: str) -> IO[bytes]:
    return archive.open(name, "w", force_zip64=True)
