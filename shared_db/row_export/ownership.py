"""Tables with rows of an owner, found by their keys: a new table is exported without a list."""

from collections.abc import Collection, Mapping

from sqlalchemy import ColumnElement, Table, select


def owned_rows(owner: Table, column: str, ids: Collection[str]) -> dict[Table, ColumnElement[bool]]:
    """Return the tables with rows of the owner, each with the condition of these rows.

    owner: the table of owners, whose first column is the id. column: its name in other tables. A
    row that refers to an owned row belongs to the owner, too.
    """
    owned: dict[Table, ColumnElement[bool]] = {}
    for table in owner.metadata.sorted_tables:  # referred tables first
        condition = _condition(table, owner, column, ids, owned)
        if condition is not None:
            owned[table] = condition
    return owned


def _condition(
    table: Table,
    owner: Table,
    column: str,
    ids: Collection[str],
    owned: Mapping[Table, ColumnElement[bool]],
) -> ColumnElement[bool] | None:
    if table is owner:
        return next(iter(owner.primary_key.columns)).in_(ids)
    if column in table.c:
        return table.c[column].in_(ids)
    for key in sorted(table.foreign_keys, key=lambda each: each.parent.name):
        referred = key.column.table
        if referred is owner:
            return key.parent.in_(ids)
        if isinstance(referred, Table) and referred in owned:
            return key.parent.in_(select(key.column).where(owned[referred]))
    return None
