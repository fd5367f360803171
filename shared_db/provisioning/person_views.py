"""Views through which persons see a service's tables: made and removed by migrations.

A view has the name and the columns of its table, in the schema beside it. It reads with the rights
of its owner, so persons need none on the table. Row security of PostgreSQL would do the same, but
it refuses COPY to every role that it limits, and to the owner if it is forced.

A migration that changes the columns of a shown table calls `hide_table` before a column is dropped
or gets another type, and `show_table` with the table's condition at its end. For a new column
`show_table` alone is enough: it replaces the view. `downgrade` does the same.
"""

from alembic import op

from shared_db.connection.roles import seen_schema

# Name of the shown table in a condition.
SHOWN = "shown"


def create_seen_schema(schema: str) -> None:
    """Create the schema of the views on the tables of `schema`."""
    op.execute(f"CREATE SCHEMA IF NOT EXISTS {seen_schema(schema)}")


def drop_seen_schema(schema: str) -> None:
    """Drop the schema of the views; all views in it must be gone."""
    op.execute(f"DROP SCHEMA {seen_schema(schema)}")


def show_table(schema: str, name: str, condition: str | None) -> None:
    """Create or replace the view of a table, or of a view, with all of its present columns.

    condition: SQL of the rows that a person sees, on columns of `shown`; None for all rows.
    """
    where = f" WHERE {condition}" if condition is not None else ""
    op.execute(
        f"CREATE OR REPLACE VIEW {seen_schema(schema)}.{name} WITH (security_barrier) AS"  # noqa: S608 - our own names
        f" SELECT {SHOWN}.* FROM {schema}.{name} AS {SHOWN}{where}"
    )


def hide_table(schema: str, name: str) -> None:
    """Drop the view of a table; `veritas migrate` grants a later one again."""
    op.execute(f"DROP VIEW {seen_schema(schema)}.{name}")
