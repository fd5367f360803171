"""`veritas import`: load datasets of other institutions into the database."""

from contextlib import nullcontext
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
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.migrations import HISTORY as STAFFSTUDDASH
from veritas_cli.database import exit_on_error, migrated_database
from veritas_cli.oulad.csv_files import OuladFiles
from veritas_cli.oulad.importer import BATCH_ROWS, OuladImport
from veritas_cli.oulad.report import print_reports, refusal_file
from veritas_cli.terminal import command_console

imports = typer.Typer(no_args_is_help=True)


@imports.callback()
def imported() -> None:
    """Import datasets of other institutions."""


@imports.command("oulad")
def oulad(
    path: Annotated[Path, typer.Argument(help="OULAD's zip, or the folder of its files.")],
    batch_rows: Annotated[
        int, typer.Option(min=1, max=200_000, help="Clicks per transaction.")
    ] = BATCH_ROWS,
    refused: Annotated[
        Path | None, typer.Option(help="Write the refused rows here as CSV: file, line, reason.")
    ] = None,
) -> None:
    """Import the Open University Learning Analytics Dataset: courses, students, work, clicks.

    All files are read and checked before the first row is written. Stored rows are left as they
    are: an interrupted import continues when it is started again, and a second one changes
    nothing. Prints the counts of each file. Needs PostgreSQL.
    """
    with exit_on_error("import"):
        database = migrated_database("import", STAFFSTUDDASH, DROPOUT)
        console = command_console()
        refusals = nullcontext() if refused is None else refusal_file(refused)
        with refusals as on_refusal, _progress(console) as progress:
            task = OuladImport(
                OuladFiles(path),
                DropoutDatabaseManager(database),
                DatastoreManager(database),
                progress,
                batch_rows,
                on_refusal,
            )
            task.run()
        print_reports(console, task.reports.values())


class _Rate(ProgressColumn):
    """Rows or bytes per second."""

    def render(self, task: Task) -> Text:
        """Return the rate, or an empty text while it is unknown."""
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
