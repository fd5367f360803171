"""Import of OULAD's small course into a database, and the rows of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.progress import Progress
from sqlalchemy import Connection, text
from typer.testing import Result

from dropout_service.database import DropoutDatabaseManager
from shared_db.connection.database import Database
from staffstuddash_service.datastore import DatastoreManager
from tests.support.databases import engine_on
from tests.support.oulad_fixtures.small_course import write_oulad
from veritas_cli.oulad.csv_files import OuladFiles
from veritas_cli.oulad.importer import OuladImport

Run = Callable[..., Result]
# Without the times of the import, which differ.
_ROWS = "SELECT to_jsonb(t) - 'created_at' - 'recorded_at' - 'updated_at' - 'due_at' FROM {table} t"
_TABLES = text(
    "SELECT schemaname || '.' || tablename FROM pg_tables"
    " WHERE schemaname IN ('dropout', 'staffstuddash') AND tablename <> 'alembic_version'"
)


def bring_in(url: str, path: Path, *, batch_rows: int = 3) -> OuladImport:
    """Import a folder or zip and return the import with its reports."""
    database = Database.for_bind(engine_on(url))
    managers = DropoutDatabaseManager(database), DatastoreManager(database)
    done = OuladImport(OuladFiles(path), *managers, Progress(disable=True), batch_rows)
    done.run()
    return done


def bring_in_small(url: str, folder: Path, **changed: str) -> OuladImport:
    """Write the small course, with other contents by file, and import it."""
    return bring_in(url, write_oulad(folder / "oulad", **changed))


def contents(connection: Connection) -> dict[str, list[dict[str, Any]]]:
    """Return all rows of both services by table, sorted, without the times of import."""
    return {
        table: sorted(connection.scalars(text(_ROWS.format(table=table))), key=str)
        for table in sorted(connection.scalars(_TABLES))
    }


def contents_of(url: str) -> dict[str, list[dict[str, Any]]]:
    """Return the rows of a database, as `contents` does."""
    with engine_on(url).connect() as connection:
        return contents(connection)


def account(result: Result) -> dict[str, tuple[str, ...]]:
    """Return the counts of rows read, stored, present already and rejected, by file."""
    rows = (line.split() for line in result.output.splitlines())
    found = {row[0]: row for row in rows if row and row[0].endswith(".csv")}
    return {name: tuple(row[1:5]) for name, row in found.items()}
