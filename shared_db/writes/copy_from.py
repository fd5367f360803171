"""Bulk insert by PostgreSQL's COPY, in its text format."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO
from itertools import repeat
from typing import IO, Any

import psycopg2
from psycopg2.extensions import connection as DriverConnection  # noqa: N812 - a class, in spite of its name
from pydantic_core import to_json
from sqlalchemy import (
    JSON,
    Boolean,
    Connection,
    Date,
    Float,
    Integer,
    LargeBinary,
    String,
    Uuid,
    insert,
    inspect,
)
from sqlalchemy.dialects.postgresql import psycopg2 as psycopg2_dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Mapper, Session
from sqlalchemy.types import TypeEngine

from shared_db.columns import Row, UtcDateTime

_DIALECT = psycopg2_dialect.dialect()  # type: ignore[no-untyped-call] # SQLAlchemy's
_NULL = r"\N"
# The driver takes Python's lock for each piece.
_PIECE_BYTES = 1024 * 1024
# Below, a savepoint and COPY take longer than one INSERT.
COPY_MIN_ROWS = 5

Encode = Callable[[Any], str]


def copy_rows(session: Session, model: type[Any], rows: Sequence[Row]) -> None:
    """Insert rows of a mapped class by COPY.

    Raises:
        IntegrityError: a constraint refuses one of them; the transaction, or savepoint, has failed.
        ValueError: a text holds a NUL or a lone surrogate, which PostgreSQL cannot store.

    """
    if not rows:
        return
    format_ = copy_format_of(model)
    copy_text(session, format_.statement, format_.encode(rows))


def copy_text(session: Session, statement: str, text: bytes) -> None:
    """Run a COPY FROM STDIN on lines in its text format.

    Raises:
        IntegrityError: a constraint refuses one of them; the transaction, or savepoint, has failed.

    """
    connection = session.connection()
    driver = _driver_of(connection)
    try:
        with driver.cursor() as cursor:
            cursor.copy_expert(statement, BytesIO(text), size=_PIECE_BYTES)
    except psycopg2.Error as failure:
        is_lost = connection.dialect.is_disconnect(failure, connection.connection, None)  # type: ignore[arg-type] # it is PEP 249's
        raise DBAPIError.instance(
            statement,
            None,
            failure,
            psycopg2.Error,
            hide_parameters=True,
            connection_invalidated=is_lost,
            dialect=connection.dialect,
        ) from failure


def copy_to(session: Session, statement: str, target: IO[bytes]) -> None:
    """Run a COPY TO STDOUT, and write its text into a file."""
    driver = _driver_of(session.connection())
    try:
        with driver.cursor() as cursor:
            cursor.copy_expert(statement, target, size=_PIECE_BYTES)
    except psycopg2.Error as failure:
        raise DBAPIError.instance(
            statement, None, failure, psycopg2.Error, hide_parameters=True
        ) from failure


def bulk_insert(session: Session, model: type[Any], rows: Sequence[Row]) -> None:
    """Insert new rows of a mapped class in the cheapest way for their number on this store."""
    if len(rows) >= COPY_MIN_ROWS and session.get_bind().dialect.name == "postgresql":
        copy_rows(session, model, rows)
    elif rows:
        session.execute(insert(model), rows)


def _driver_of(connection: Connection) -> DriverConnection:
    driver = connection.connection.dbapi_connection
    assert isinstance(driver, DriverConnection)  # noqa: S101 - COPY runs on PostgreSQL only
    return driver


@dataclass(frozen=True)
class CopyFormat:
    """COPY statement of one table, and the encoder of each attribute."""

    statement: str
    columns: Sequence[tuple[str, Encode]]

    def encode(self, rows: Sequence[Row]) -> bytes:
        """Return the rows as the statement reads them."""
        # A column at a time, which takes two thirds of the time of a row at a time.
        columns = [
            _encoded([row.get(name) for row in rows], encode) for name, encode in self.columns
        ]
        return ("\n".join(map("\t".join, zip(*columns, strict=True))) + "\n").encode()


def _encoded(values: list[Any], encode: Encode) -> Iterable[str]:
    first = values[0]
    # For example the instant of the whole batch, or a value that all rows lack.
    if all(value is first for value in values):
        return repeat(encode(first), len(values))
    return map(encode, values)


_FORMATS: dict[type, CopyFormat] = {}


def copy_format_of(model: type) -> CopyFormat:
    """Return the copy format of a mapped class, which is inspected once."""
    if model not in _FORMATS:
        _FORMATS[model] = _inspect_columns(inspect(model))
    return _FORMATS[model]


def _inspect_columns(mapper: Mapper[Any]) -> CopyFormat:
    quoted = _DIALECT.identifier_preparer
    columns = {attribute.key: attribute.columns[0] for attribute in mapper.column_attrs}
    names = ", ".join(quoted.quote(column.name) for column in columns.values())
    table = quoted.format_table(mapper.local_table)
    return CopyFormat(
        f"COPY {table} ({names}) FROM STDIN WITH (FORMAT text, ENCODING 'UTF8')",
        [(name, encoder_of(column.type)) for name, column in columns.items()],
    )


def encoder_of(kind: TypeEngine[Any]) -> Encode:
    """Return the encoder of a column type: from a value to one field of COPY's text format."""
    stored = kind.dialect_impl(_DIALECT)
    if isinstance(stored, JSON):
        return _json
    for family, encode in _ENCODERS:
        if isinstance(kind, family):
            return encode
    bind = stored.bind_processor(_DIALECT)
    if isinstance(kind, String):
        return _text if bind is None else lambda value: _text(value and bind(value))
    raise TypeError(f"no text for COPY of {kind!r}")


def _json(value: object) -> str:
    # JSON escapes control characters, so the backslash is the only character special to COPY.
    if value is None:
        return _NULL
    return to_json(value, inf_nan_mode="constants").decode().replace("\\", "\\\\")


def _bytes(value: bytes | None) -> str:
    return _NULL if value is None else rf"\\x{value.hex()}"


def _boolean(value: bool | None) -> str:  # noqa: FBT001 - the value to encode
    return _NULL if value is None else "t" if value else "f"


def _uuid(value: object) -> str:
    return _NULL if value is None else str(value)


def _number(value: float | None) -> str:
    return _NULL if value is None else repr(value)


def _date(value: date | None) -> str:
    return _NULL if value is None else value.isoformat()


def _instant(value: datetime | None) -> str:
    if value is None:
        return _NULL
    if value.tzinfo is None:
        raise ValueError("an instant needs a time zone")
    return value.isoformat()


_ENCODERS: tuple[tuple[type[TypeEngine[Any]], Encode], ...] = (
    (UtcDateTime, _instant),
    (Date, _date),
    (LargeBinary, _bytes),
    (Uuid, _uuid),
    (Boolean, _boolean),
    (Float, _number),
    (Integer, _number),
)


def _text(value: str | None) -> str:
    if value is None:
        return _NULL
    # A shortcut for most texts, which are alphanumeric.
    return value if value.isalnum() else text_field(value)


def text_field(value: str) -> str:
    """Return a text as one field of COPY's text format.

    Raises:
        ValueError: it holds a NUL, which PostgreSQL cannot store.

    """
    if "\0" in value:
        raise ValueError("a text must not contain the NUL character")
    if "\\" in value:
        value = value.replace("\\", "\\\\")
    if value.isprintable():  # no other printable character is special to COPY
        return value
    return value.replace("\n", r"\n").replace("\r", r"\r").replace("\t", r"\t")
