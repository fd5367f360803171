"""`veritas backup FILE`: everything that Veritas stores, as one file."""

from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection, Engine, text

from shared_db.clock import utc_now
from veritas_cli.database import command_settings, connected_engine, refusals_in_one_line
from veritas_cli.dump.archive import DUMP, Manifest, new_archive, write_manifest
from veritas_cli.dump.client_tools import Program, fitting_program, libpq_environment, major_of
from veritas_cli.dump.transfer import Transfer, progress_by_table
from veritas_cli.migrations import HISTORIES
from veritas_cli.terminal import say

SCHEMAS = tuple(history.schema for history in HISTORIES)

_TABLES = text(
    "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) FROM pg_class c"
    " JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname = ANY(:schemas) AND c.relkind = 'r' ORDER BY 1"
)


def backup(
    file: Annotated[Path, typer.Argument(help="Where to write it; must not exist.")],
) -> None:
    """Write all tables of Veritas into FILE, as they are at one instant; services may go on."""
    with refusals_in_one_line("backup"):
        engine = connected_engine(command_settings(), "backup")
        manifest = _write(engine, file)
        rows = sum(manifest.rows.values())
        size = file.stat().st_size
        say(f"{file}: {rows:,} rows of {len(manifest.rows)} tables, {size:,} bytes.")


def _write(engine: Engine, file: Path) -> Manifest:
    with new_archive(file) as archive, engine.connect() as connection:
        # The counts and the dump see the same rows, however much is written meanwhile.
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        snapshot = str(connection.scalar(text("SELECT pg_export_snapshot()")))
        server = str(connection.scalar(text("SHOW server_version")))
        program = fitting_program("pg_dump", major_of(server))
        rows = count_rows(connection)
        with (
            progress_by_table("Backing up", len(rows)) as turn_of,
            archive.open(DUMP, "w", force_zip64=True) as dump,
        ):
            command = _command(program, snapshot)
            Transfer(command, libpq_environment(engine.url), turn_of).read_into(dump)
        manifest = Manifest(
            made_at=utc_now().isoformat(),
            veritas=version("veritas"),
            server=server,
            pg_dump=program.version,
            revisions={history.schema: history.current(connection) for history in HISTORIES},
            rows=rows,
        )
        write_manifest(archive, manifest)
    return manifest


def _command(program: Program, snapshot: str) -> list[str]:
    # Owners and grants are the server's own affair: restoring makes them anew.
    options = ["--format=custom", "--verbose", "--no-owner", "--no-privileges"]
    schemas = [f"--schema={schema}" for schema in SCHEMAS]
    return [str(program.path), *options, f"--snapshot={snapshot}", *schemas]


def count_rows(connection: Connection) -> dict[str, int]:
    """Return how many rows each table has, by its quoted name with the schema."""
    tables = connection.scalars(_TABLES, {"schemas": list(SCHEMAS)}).all()
    return {
        table: connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0  # noqa: S608 - names quoted by the server
        for table in tables
    }
