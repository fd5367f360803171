"""`veritas restore FILE`: load a backup, all of it or nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy import Connection, Engine, text

from shared_db.errors import ConfigurationError
from shared_web.settings import ServiceSettings
from veritas_cli.commands.backup import count_rows
from veritas_cli.commands.retention import report_runs, run_retention
from veritas_cli.database import command_settings, connected_engine, exit_on_error
from veritas_cli.dump.archive import Backup, Manifest, opened_backup, require_whole
from veritas_cli.dump.client_tools import fitting_program, libpq_environment
from veritas_cli.dump.transfer import Transfer, progress_by_table
from veritas_cli.migrations import SCHEMAS, migrate_all
from veritas_cli.personal_data.erasures import (
    LOG_NAME,
    erase_again,
    insert_tombstones,
    logged_erasures,
    tombstones,
)
from veritas_cli.postgres.binaries import major_of
from veritas_cli.services import logins
from veritas_cli.terminal import say

_ASIDE = "_before_restore"

FILE = Annotated[Path, typer.Argument(help="A file of `veritas backup`.")]
REPLACE = Annotated[
    bool, typer.Option("--replace", help="Replace the present rows; without it they are kept.")
]


IDENTITY = Annotated[
    Path | None, typer.Option(help="The file with the secret key of an encrypted backup.")
]


ERASURES = Annotated[
    Path | None,
    typer.Option(help="A log of erasures (ERASURE_LOG), in addition to the one beside FILE."),
]


def restore(
    file: FILE, *, replace: REPLACE = False, identity: IDENTITY = None, erasures: ERASURES = None
) -> None:
    """Load the tables of a backup; stop the services before.

    The file is checked first, with its key if it is encrypted; it is decrypted on its way to the
    server and never onto the disk. A database with rows is refused without --replace. With it the
    old tables are deleted when the new ones are complete. Students who were erased since the backup
    are erased again: those in ERASURE_LOG, in `erasures.log` beside FILE, and in the old tables.
    Then rows are deleted by age, as RETENTION_*_DAYS say.
    """
    with exit_on_error("restore"):
        erased = logged_erasures(_logs(file, erasures))
        with opened_backup(file, identity) as opened:
            require_whole(opened)
            manifest = opened.manifest
            settings = command_settings()
            engine = connected_engine(settings, "restore")
            _require_fitting_server(engine, manifest)
            with _schemas_aside(engine, replace=replace):
                with engine.connect() as connection:
                    erased |= tombstones(connection, _ASIDE)
                _load(engine, opened)
                _require_same_counts(engine, manifest)
                insert_tombstones(engine, erased)
        rows = sum(manifest.rows.values())
        say(f"Restored {rows:,} rows of {len(manifest.rows)} tables, as of {manifest.made_at}.")
        # A backup holds no roles and grants, and its tables may be those of an older release.
        refusal = migrate_all(engine, role_prefix=settings.database_role_prefix, logins=logins())
        say(refusal or "The tables are up to date, and the services have their roles.")
        count = erase_again(engine, "veritas restore")
        say(f"{count:,} students who were erased since the backup are erased again.")
        report_runs(run_retention(engine))


def _logs(file: Path, given: Path | None) -> list[Path]:
    if given is not None and not given.is_file():
        raise ConfigurationError(f"{given} is no file. Name the log of ERASURE_LOG.")
    own = ServiceSettings.load().erasure_log
    return [log for log in (file.parent / LOG_NAME, own, given) if log is not None]


def _require_fitting_server(engine: Engine, manifest: Manifest) -> None:
    with engine.connect() as connection:
        server = str(connection.scalar(text("SHOW server_version")))
    if major_of(server) < major_of(manifest.server):
        raise ConfigurationError(
            f"The backup is of PostgreSQL {manifest.server} and this server is {server}: a backup "
            "can be restored on the same or a newer version only."
        )


@contextmanager
def _schemas_aside(engine: Engine, *, replace: bool) -> Iterator[None]:
    """Rename the present schemas; drop them at the end, or rename them back on failure."""
    with engine.begin() as connection:
        present = _present(connection)
        has_rows = any(count_rows(connection).values())
        if has_rows and not replace:
            raise ConfigurationError(
                "The database is not empty. Restore into an empty one, or say --replace to give "
                "up the rows that are there (back them up first)."
            )
        for schema in present:
            connection.execute(text(f'ALTER SCHEMA "{schema}" RENAME TO "{schema}{_ASIDE}"'))
    try:
        yield
    except BaseException:
        with engine.begin() as connection:
            _drop(connection, SCHEMAS)
            for schema in present:
                connection.execute(text(f'ALTER SCHEMA "{schema}{_ASIDE}" RENAME TO "{schema}"'))
        raise
    with engine.begin() as connection:
        _drop(connection, [f"{schema}{_ASIDE}" for schema in present])


def _present(connection: Connection) -> list[str]:
    query = text("SELECT nspname FROM pg_namespace WHERE nspname = ANY(:schemas)")
    aside = [f"{schema}{_ASIDE}" for schema in SCHEMAS]
    if connection.scalars(query, {"schemas": aside}).first() is not None:
        raise ConfigurationError(
            f"Schemas that end in {_ASIDE} are left from a restore that was killed. Look which "
            "hold your rows: drop them, or rename them back, by hand."
        )
    return list(connection.scalars(query, {"schemas": list(SCHEMAS)}))


def _drop(connection: Connection, schemas: list[str] | tuple[str, ...]) -> None:
    for schema in schemas:
        connection.execute(text(f'DROP SCHEMA IF EXISTS "{schema}" CASCADE'))


def _load(engine: Engine, backup: Backup) -> None:
    manifest = backup.manifest
    program = fitting_program("pg_restore", major_of(manifest.pg_dump)).path("pg_restore")
    command = [str(program), "--verbose", "--single-transaction", "--exit-on-error"]
    command += ["--no-owner", "--no-privileges", f"--dbname={engine.url.database}"]
    with (
        progress_by_table("Restoring", len(manifest.rows)) as advance,
        backup.dump() as dump,
    ):
        transfer = Transfer(command, libpq_environment(engine.url), advance)
        transfer.write_from(dump, backup.copy)


def _require_same_counts(engine: Engine, manifest: Manifest) -> None:
    with engine.connect() as connection:
        rows = count_rows(connection)
    if rows != manifest.rows:
        differing = sorted({table for table, _ in rows.items() ^ manifest.rows.items()})
        raise ConfigurationError(
            f"The restored tables differ from the backup's counts: {', '.join(differing)}. "
            "Nothing was changed."
        )
