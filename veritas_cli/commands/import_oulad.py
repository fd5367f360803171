"""`veritas import`: data of others, brought into the database."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.text import Text

from dropout_service.database import DropoutDatabaseManager
from dropout_service.migrations import HISTORY as DROPOUT
from shared_db.connection.database import Database
from shared_db.errors import ConfigurationError
from shared_db.provisioning.migrations import require_migrated
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.migrations import HISTORY as STAFFSTUDDASH
from veritas_cli.database import command_settings, connected_engine, refusals_in_one_line
from veritas_cli.oulad.csv_files import OuladError, OuladFiles
from veritas_cli.oulad.importer import BATCH_ROWS, OuladImport
from veritas_cli.oulad.report import RefusalFile, show_account

STATEMENT_SECONDS = 600
_WIDTH_IN_FILES = 160

imports = typer.Typer(no_args_is_help=True, help="Bring in data of others.")


@imports.callback()
def imported() -> None:
    """Bring in data of others."""


@imports.command("oulad")
def oulad(
    path: Annotated[Path, typer.Argument(help="OULAD's zip, or the folder of its files.")],
    batch_rows: Annotated[
        int, typer.Option(min=1, max=200_000, help="Clicks per transaction.")
    ] = BATCH_ROWS,
    refused: Annotated[
        Path | None, typer.Option(help="Write every refused row (file, line, reason) here, as CSV.")
    ] = None,
) -> None:
    """Bring in the Open University Learning Analytics Dataset: courses, students, work, clicks.

    All files are read and checked before the first row is written. What is there already stays as
    it is: an import that was interrupted goes on when it is started again, and a second one changes
    nothing. Ends with an account of every row. Needs PostgreSQL.
    """
    with refusals_in_one_line("import"):
        database = _database()
        console = _console()
        try:
            with _refusals(refused) as tell, _progress(console) as progress:
                task = OuladImport(
                    OuladFiles(path),
                    DropoutDatabaseManager(database),
                    DatastoreManager(database),
                    progress,
                    batch_rows,
                    tell.add if tell else None,
                )
                task.run()
        except OuladError as refusal:
            raise ConfigurationError(str(refusal)) from refusal
        show_account(console, task.accounts.values())


def _database() -> Database:
    engine = connected_engine(command_settings(), "import")
    database = Database.on(engine, statement_timeout_seconds=STATEMENT_SECONDS)
    for history in (STAFFSTUDDASH, DROPOUT):
        require_migrated(database, history)
    return database


@contextmanager
def _refusals(path: Path | None) -> Iterator[RefusalFile | None]:
    if path is None:
        yield None
        return
    file = RefusalFile(path)
    try:
        yield file
    finally:
        file.close()


def _console() -> Console:
    width = None if sys.stdout.isatty() else _WIDTH_IN_FILES
    return Console(width=width, markup=False, highlight=False, emoji=False)


class _Rate(ProgressColumn):
    """How many a second, of rows or bytes."""

    def render(self, task: Task) -> Text:
        """Return the rate, nothing while it is not known."""
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:,.0f}/s")


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        _Rate(),
        TimeElapsedColumn(),
        console=console,
        disable=not console.is_terminal,
    )
