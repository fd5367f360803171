"""`veritas backup FILE`: all tables of Veritas in one file."""

from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection, Engine, text

from shared_db.clock import utc_now
from shared_db.retention.erasure_log import ErasureLog
from veritas_cli.database import command_settings, connected_engine, exit_on_error
from veritas_cli.dump.archive import Manifest, new_archive, new_dump, write_manifest
from veritas_cli.dump.client_tools import fitting_program, libpq_environment
from veritas_cli.dump.encryption import Copy, encryption_for, plain_copy
from veritas_cli.dump.transfer import Transfer, progress_by_table
from veritas_cli.migrations import HISTORIES, SCHEMAS
from veritas_cli.personal_data.erasures import LOG_NAME, tombstones
from veritas_cli.postgres.binaries import Programs, major_of
from veritas_cli.settings import BackupSettings
from veritas_cli.terminal import say

_TABLES = text(
    "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) FROM pg_class c"
    " JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname = ANY(:schemas) AND c.relkind = 'r' ORDER BY 1"
)


FILE = Annotated[Path, typer.Argument(help="The file to write; it must not exist.")]
RECIPIENTS = Annotated[
    list[str] | None,
    typer.Option(
        "--recipient",
        help="Encrypt for this public key of age (age1...); repeatable. By default for "
        "BACKUP_RECIPIENTS.",
    ),
]


def backup(file: FILE, recipient: RECIPIENTS = None) -> None:
    """Write all tables of Veritas into FILE, as of one instant; the services may keep running.

    Beside it `erasures.log` keeps the pseudonyms of erased students, which `veritas restore`
    erases again. With recipients the backup is encrypted before it reaches the disk: only holders
    of one of their secret keys can read or restore it.
    """
    with exit_on_error("backup"):
        recipients = recipient or BackupSettings.load().backup_recipients
        encrypt = encryption_for(recipients) if recipients else None
        engine = connected_engine(command_settings(), "backup")
        log = ErasureLog(file.parent / LOG_NAME)
        log.read()  # refuses a damaged one before the backup is made
        manifest = _write(engine, file, encrypt)
        with engine.connect() as connection:
            log.add(tombstones(connection))
        rows = sum(manifest.rows.values())
        size = file.stat().st_size
        state = f"encrypted for {len(recipients)} keys" if encrypt else "not encrypted"
        say(f"{file}: {rows:,} rows of {len(manifest.rows)} tables, {size:,} bytes, {state}.")


def _write(engine: Engine, file: Path, encrypt: Copy | None) -> Manifest:
    with new_archive(file) as archive, engine.connect() as connection:
        # The counts and the dump read the same snapshot.
        connection.execute(text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        snapshot = str(connection.scalar(text("SELECT pg_export_snapshot()")))
        server = str(connection.scalar(text("SHOW server_version")))
        programs = fitting_program("pg_dump", major_of(server))
        rows = count_rows(connection)
        with (
            progress_by_table("Backing up", len(rows)) as advance,
            new_dump(archive, is_encrypted=encrypt is not None) as dump,
        ):
            command = _command(programs, snapshot)
            transfer = Transfer(command, libpq_environment(engine.url), advance)
            transfer.read_into(dump, encrypt or plain_copy)
        manifest = Manifest(
            made_at=utc_now().isoformat(),
            veritas=version("veritas"),
            server=server,
            pg_dump=programs.version,
            revisions={history.schema: history.current(connection) for history in HISTORIES},
            rows=rows,
        )
        write_manifest(archive, manifest, encrypt)
    return manifest


def _command(programs: Programs, snapshot: str) -> list[str]:
    # Owners and grants belong to the server: `veritas restore` creates them again.
    options = ["--format=custom", "--verbose", "--no-owner", "--no-privileges"]
    schemas = [f"--schema={schema}" for schema in SCHEMAS]
    return [str(programs.path("pg_dump")), *options, f"--snapshot={snapshot}", *schemas]


def count_rows(connection: Connection) -> dict[str, int]:
    """Return the row count of each table, by its quoted name with the schema."""
    tables = connection.scalars(_TABLES, {"schemas": list(SCHEMAS)}).all()
    return {
        table: connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0  # noqa: S608 - names quoted by the server
        for table in tables
    }
