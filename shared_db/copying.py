"""Many rows at once: PostgreSQL's COPY, in the text that it reads."""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from io import BytesIO
from typing import Any

import psycopg2
from psycopg2.extensions import connection as DriverConnection  # noqa: N812 - a class, in spite of its name
from sqlalchemy import JSON, Connection, LargeBinary, inspect
from sqlalchemy.dialects.postgresql import psycopg2 as psycopg2_dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Mapper, Session
from sqlalchemy.types import TypeEngine

_DIALECT = psycopg2_dialect.dialect()  # type: ignore[no-untyped-call] # SQLAlchemy's
_NULL = r"\N"
# Each piece that the driver hands on costs a turn at Python's lock.
_PIECE_BYTES = 1024 * 1024
# Below, a savepoint and COPY take longer than one INSERT.
WORTH_COPYING = 30

Encode = Callable[[Any], str]
_JSON = json.JSONEncoder(separators=(",", ":"))


def copy_rows(session: Session, rows: Sequence[object]) -> None:
    """Store mapped objects of one class by COPY; the session does not come to know them.

    Raises:
        IntegrityError: a constraint refuses one of them; the transaction, or savepoint, has failed.
        ValueError: a text holds a NUL or a lone surrogate, which PostgreSQL cannot store.

    """
    if not rows:
        return
    layout = _layout_of(type(rows[0]))
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


def add_rows(session: Session, rows: Sequence[object]) -> None:
    """Store new objects of one class in the way that is cheapest for so many on this store."""
    if len(rows) >= WORTH_COPYING and session.get_bind().dialect.name == "postgresql":
        copy_rows(session, rows)
    else:
        session.add_all(rows)
        session.flush()


def _driver_of(connection: Connection) -> DriverConnection:
    driver = connection.connection.dbapi_connection
    assert isinstance(driver, DriverConnection)  # noqa: S101 - COPY is asked of PostgreSQL alone
    return driver


@dataclass(frozen=True)
class _Layout:
    """How rows of one table are copied: the statement, and each attribute with its encoder."""

    statement: str
    columns: Sequence[tuple[str, Encode]]

    def text_of(self, rows: Iterable[object]) -> bytes:
        columns = self.columns
        lines = (
            "\t".join([encode(getattr(row, name)) for name, encode in columns]) for row in rows
        )
        return ("\n".join(lines) + "\n").encode()


_LAYOUTS: dict[type, _Layout] = {}


def _layout_of(model: type) -> _Layout:
    if model not in _LAYOUTS:
        _LAYOUTS[model] = _look_over(inspect(model))
    return _LAYOUTS[model]


def _look_over(mapper: Mapper[Any]) -> _Layout:
    quoted = _DIALECT.identifier_preparer
    columns = {attribute.key: attribute.columns[0] for attribute in mapper.column_attrs}
    names = ", ".join(quoted.quote(column.name) for column in columns.values())
    table = quoted.format_table(mapper.local_table)
    return _Layout(
        f"COPY {table} ({names}) FROM STDIN WITH (FORMAT text, ENCODING 'UTF8')",
        [(name, encoder_of(column.type)) for name, column in columns.items()],
    )


def encoder_of(kind: TypeEngine[Any]) -> Encode:
    """Return what writes a value of that type as one field of COPY's text format."""
    if isinstance(kind.dialect_impl(_DIALECT), JSON):
        return _json
    if isinstance(kind, LargeBinary):
        return _bytes
    bind = kind.dialect_impl(_DIALECT).bind_processor(_DIALECT)
    if bind is None:
        return _field
    return lambda value: _NULL if value is None else _field(bind(value))


def _json(value: object) -> str:
    # ASCII alone, so of what COPY gives a meaning only the backslash can be in it.
    return _NULL if value is None else _JSON.encode(value).replace("\\", "\\\\")


def _bytes(value: bytes | None) -> str:
    return _NULL if value is None else rf"\\x{value.hex()}"


def _field(value: object) -> str:
    match value:
        case None:
            return _NULL
        case str():
            return text_field(value)
        case bool():
            return "t" if value else "f"
        case int() | float():
            return repr(value)
        case date():  # and instants
            return value.isoformat()
    raise TypeError(f"no text for COPY of {type(value).__name__}")


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
