"""`veritas import oulad`: the Open University Learning Analytics Dataset."""

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from dropout_service.database import DropoutDatabaseManager
from dropout_service.migrations import HISTORY as DROPOUT
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.migrations import HISTORY as STAFFSTUDDASH
from veritas_cli.commands.imports.progress import import_progress
from veritas_cli.database import exit_on_error, migrated_database
from veritas_cli.oulad.csv_files import OuladFiles
from veritas_cli.oulad.importer import BATCH_ROWS, OuladImport
from veritas_cli.oulad.report import print_reports, refusal_file
from veritas_cli.terminal import command_console


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
        with refusals as on_refusal, import_progress(console) as progress:
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
