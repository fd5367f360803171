"""Many rows at once: PostgreSQL's COPY, in the text that it reads."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO
from itertools import repeat
from typing import Any

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
    inspect,
)
from sqlalchemy.dialects.postgresql import psycopg2 as psycopg2_dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Mapper, Session
from sqlalchemy.types import TypeEngine

from shared_db.columns import UtcDateTime, values_of

_DIALECT = psycopg2_dialect.dialect()  # type: ignore[no-untyped-call] # SQLAlchemy's
_NULL = r"\N"
# Each piece that the driver hands on costs a turn at Python's lock.
_PIECE_BYTES = 1024 * 1024
# Below, a savepoint and COPY take longer than one INSERT.
COPY_MIN_ROWS = 5

Encode = Callable[[Any], str]


def copy_rows(session: Session, rows: Sequence[object]) -> None:
    """Store mapped objects of one class by COPY; the session does not come to know them.

    Raises:
        IntegrityError: a constraint refuses one of them; the transaction, or savepoint, has failed.
        ValueError: a text holds a NUL or a lone surrogate, which PostgreSQL cannot store.

    """
    if not rows:
        return
    layout = layout_of(type(rows[0]))
    copy_text(session, layout.statement, layout.text_of(rows))


def copy_text(session: Session, statement: str, text: bytes) -> None:
    """Run a COPY FROM STDIN whose lines are put together already, in its text format.

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


def bulk_insert(session: Session, rows: Sequence[object]) -> None:
    """Store new objects of one class in the way that is cheapest for so many on this store."""
    if len(rows) >= COPY_MIN_ROWS and session.get_bind().dialect.name == "postgresql":
        copy_rows(session, rows)
    else:
        session.add_all(rows)
        session.flush()


def _driver_of(connection: Connection) -> DriverConnection:
    driver = connection.connection.dbapi_connection
    assert isinstance(driver, DriverConnection)  # noqa: S101 - COPY is asked of PostgreSQL alone
    return driver


@dataclass(frozen=True)
class CopyFormat:
    """How rows of one table are copied: the statement, and each attribute with its encoder."""

    statement: str
    columns: Sequence[tuple[str, Encode]]

    def text_of(self, rows: Iterable[object]) -> bytes:
        """Return the rows as the statement reads them."""
        found = list(map(values_of, rows))
        # A column at a time, which takes two thirds of the time of a row at a time.
        columns = [
            _encoded([row.get(name) for row in found], encode) for name, encode in self.columns
        ]
        return ("\n".join(map("\t".join, zip(*columns, strict=True))) + "\n").encode()


def _encoded(values: list[Any], encode: Encode) -> Iterable[str]:
    first = values[0]
    # As the instant at which all rows of a batch came, and what none of them has.
    if all(value is first for value in values):
        return repeat(encode(first), len(values))
    return map(encode, values)


_LAYOUTS: dict[type, CopyFormat] = {}


def layout_of(model: type) -> CopyFormat:
    """Return how rows of a mapped class are copied; looked over once."""
    if model not in _LAYOUTS:
        _LAYOUTS[model] = _look_over(inspect(model))
    return _LAYOUTS[model]


def _look_over(mapper: Mapper[Any]) -> CopyFormat:
    quoted = _DIALECT.identifier_preparer
    columns = {attribute.key: attribute.columns[0] for attribute in mapper.column_attrs}
    names = ", ".join(quoted.quote(column.name) for column in columns.values())
    table = quoted.format_table(mapper.local_table)
    return CopyFormat(
        f"COPY {table} ({names}) FROM STDIN WITH (FORMAT text, ENCODING 'UTF8')",
        [(name, encoder_of(column.type)) for name, column in columns.items()],
    )


def encoder_of(kind: TypeEngine[Any]) -> Encode:
    """Return what writes a value of that type as one field of COPY's text format."""
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
    # Control characters are escaped in it, so of what COPY gives a meaning only the backslash is.
    if value is None:
        return _NULL
    return to_json(value, inf_nan_mode="constants").decode().replace("\\", "\\\\")


def _bytes(value: bytes | None) -> str:
    return _NULL if value is None else rf"\\x{value.hex()}"


def _boolean(value: bool | None) -> str:  # noqa: FBT001 - what is to be written
    return _NULL if value is None else "t" if value else "f"


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
    (Boolean, _boolean),
    (Float, _number),
    (Integer, _number),
)


def _text(value: str | None) -> str:
    if value is None:
        return _NULL
    # Most texts are of this kind; of what is printable only a backslash means something to COPY.
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
    if value.isprintable():
        return value
    return value.replace("\n", r"\n").replace("\r", r"\r").replace("\t", r"\t")
