"""Arrays of values as rows of a query, on PostgreSQL: its text is the same for any number."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import String, TableValuedAlias, bindparam, cast, column, func
from sqlalchemy.dialects.postgresql import ARRAY

from shared_db.columns import Key


def array_rows(**types: Any) -> TableValuedAlias:
    """Return the array parameters of these names as a table with a column of each."""
    arrays = [
        cast(bindparam(name, type_=_array(type_)), _array(type_)) for name, type_ in types.items()
    ]
    columns = [column(name, type_) for name, type_ in types.items()]
    return func.unnest(*arrays).table_valued(*columns, name="asked").render_derived()


def array_values(rows: Sequence[Sequence[Any]], *names: str) -> dict[str, list[Any]]:
    """Return the parameters of `array_rows` for rows of values in the order of the names."""
    columns = zip(*rows, strict=True) if rows else ((),) * len(names)
    return {name: list(values) for name, values in zip(names, columns, strict=True)}


def _array(type_: Any) -> ARRAY[Any]:
    # `String` without a length: else PostgreSQL would cast each value.
    return ARRAY(String if type_ is Key else type_)
