"""`veritas import csv`: tables of students, people, classes, enrolments and assessments."""

from contextlib import nullcontext
from pathlib import Path
from typing import Annotated

import typer

from shared_db.results import OnConflict
from shared_web.requests.csv_text import WINDOWS_1252
from staffstuddash_service.datastore import DatastoreManager, TableKind
from staffstuddash_service.migrations import HISTORY as STAFFSTUDDASH
from veritas_cli.commands.imports.progress import import_progress
from veritas_cli.csv_import.file import TableFile
from veritas_cli.csv_import.importer import CsvImport
from veritas_cli.csv_import.report import TableReport, refusal_table
from veritas_cli.database import exit_on_error, migrated_database
from veritas_cli.terminal import command_console


def csv_table(
    kind: Annotated[TableKind, typer.Argument(help="The rows of the table.")],
    path: Annotated[Path, typer.Argument(help="The file.")],
    column_map: Annotated[
        str | None,
        typer.Option("--map", help="Columns by field: 'name:First name+Last name,type:=exam'."),
    ] = None,
    on_conflict: Annotated[
        OnConflict, typer.Option(help="Treatment of ids that are stored with other content.")
    ] = OnConflict.REFUSE,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Store nothing.")] = False,  # noqa: FBT002 - typer's options
    refused: Annotated[
        Path | None, typer.Option(help="Write the refused rows here as CSV, with their lines.")
    ] = None,
) -> None:
    """Import a CSV table of students, people, classes, enrolments or assessments.

    All rows are stored in one transaction. If one is refused, nothing is stored, each refusal is
    printed with its line, and the exit status is 1. Repeating an import changes nothing. Other
    requests about the same students wait for its end.
    """
    with exit_on_error("import"):
        database = migrated_database("import", STAFFSTUDDASH)
        console = command_console()
        refusals = nullcontext() if refused is None else refusal_table(refused)
        with refusals as on_refusal, import_progress(console) as progress:
            task = CsvImport(
                TableFile(path),
                kind,
                DatastoreManager(database),
                progress,
                column_map,
                on_conflict,
                dry_run,
                report=TableReport(on_refusal=on_refusal),
            )
            task.run()
        task.report.print(console, task.file.name, is_dry=dry_run)
        if task.file.encoding == WINDOWS_1252:
            console.print("The file is not UTF-8 and was read as Windows-1252: check the accents.")
        if task.report.refused:
            raise typer.Exit(1)
