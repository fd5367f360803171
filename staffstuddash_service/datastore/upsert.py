"""Upsert of many rows by their primary key."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import inspect
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session
from sqlalchemy.sql.elements import ColumnElement

from shared_db.columns import Row
from staffstuddash_service.models import Base

Condition = Callable[[Any, Any], ColumnElement[bool]]


def upsert(
    session: Session,
    model: type[Base],
    rows: Sequence[Row],
    changed: Condition | None = None,
) -> None:
    """Insert rows or overwrite those of the same primary key.

    changed: condition on the stored and the new row for overwriting; by default always.
    """
    if not rows:
        return
    table = inspect(model).local_table
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    statement = dialect.insert(model)
    new = statement.excluded
    keys = [column.name for column in table.primary_key.columns]  # type: ignore[attr-defined]
    statement = statement.on_conflict_do_update(
        index_elements=keys,
        set_={name: new[name] for name in rows[0] if name not in keys},
        where=changed(model, new) if changed else None,
    )
    # RETURNING makes SQLAlchemy send many rows in one statement instead of one. `render_nulls`
    # keeps it from splitting them into runs of rows that lack the same values.
    sent = statement.returning(table.c[keys[0]])
    session.execute(sent, rows, execution_options={"render_nulls": True}).all()
