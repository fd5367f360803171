"""Rows of a student in every table of a service, each with a text that names its table."""

from datetime import date
from typing import Any

from sqlalchemy import Boolean, Column, Date, Enum, Float, Integer, LargeBinary, MetaData
from sqlalchemy.orm import Session

from shared_db.columns import UtcDateTime
from tests.support.factories import NOON

_VALUES = {
    Boolean: False,
    Date: date(2026, 3, 2),
    Float: 1.0,
    Integer: 1,
    UtcDateTime: NOON,
}


def insert_marked_rows(session: Session, metadata: MetaData, mark: str) -> None:
    """Insert a row into each table; its texts begin with the mark, which is the student's id.

    A row that refers to another one refers to the row of the same mark.
    """
    for table in metadata.sorted_tables:
        session.execute(table.insert(), {column.key: _value(column, mark) for column in table.c})


def mark_of(table: str, mark: str) -> str:
    """Return the text in the table's row; the id of the student's own row is the mark itself."""
    return mark if table == "students" else f"{mark} in {table}"


def _value(column: Column[Any], mark: str) -> Any:
    keys = list(column.foreign_keys)
    if keys:
        parent = keys[0].column.table
        return None if parent is column.table else mark_of(str(parent.name), mark)
    if column.name in ("student_id", "chain"):  # a chain connects a read with its students
        return mark
    if column.name == "deleted_at" and column.nullable:
        return None  # a mark with a score was not deleted
    if isinstance(column.type, Enum):
        return next(iter(column.type.enum_class or ()))
    digest = mark.encode().ljust(16, b"0")[:16]  # those of different contents differ
    for type_, value in {LargeBinary: digest, **_VALUES}.items():
        if isinstance(column.type, type_):
            return value
    return _text(column, mark_of(str(column.table.name), mark))


def _text(column: Column[Any], text: str) -> Any:
    length = getattr(column.type, "length", None)
    return text[:length] if issubclass(column.type.python_type, str) else {"text": text}
