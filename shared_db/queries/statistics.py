"""Statistics of the planner, which hold values of rows: refreshed after an erasure.

Only the owner of a table may ANALYZE it (PostgreSQL 17 has a privilege for it, 15 has none), so
each service has a function of its schema, `refresh_statistics`, which runs with the owner's rights.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import MetaData, text
from sqlalchemy.orm import Session

from shared_db.personal_data import STUDENT, table_declaration

# An erasure commits a little after the instant in its tombstone.
_DUE = text(
    "SELECT relname FROM pg_stat_user_tables"
    " WHERE schemaname = :schema AND relname = ANY(:tables)"
    " AND coalesce(greatest(last_analyze, last_autoanalyze), '-infinity')"
    " < least(:erased_at + interval '1 minute', now() - make_interval(secs => :seconds))"
    " ORDER BY relname"
)


def tables_of_students(metadata: MetaData) -> list[str]:
    """Return the names of the tables with personal data of students."""
    declared = {table.name: table_declaration(table) for table in metadata.sorted_tables}
    return sorted(name for name, one in declared.items() if one and STUDENT in one.subjects)


def due_tables(
    session: Session, schema: str, tables: Sequence[str], erased_at: datetime, seconds: float
) -> Sequence[str]:
    """Return the tables with statistics from before an erasure, and older than so many seconds."""
    values = {"schema": schema, "tables": list(tables), "erased_at": erased_at}
    return session.scalars(_DUE, {**values, "seconds": seconds}).all()


def refresh_statistics(session: Session, schema: str, table: str) -> None:
    """Compute the statistics of a table again, from the rows that it has now."""
    query = text(f"SELECT {schema}.refresh_statistics(CAST(:table AS name))")
    session.execute(query, {"table": table})
