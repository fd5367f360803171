"""`veritas import oneroster`: the roster and gradebook of a school's system."""

from pathlib import Path
from typing import Annotated

import typer

from staffstuddash_service.migrations import HISTORY as STAFFSTUDDASH
from veritas_cli.commands.imports.progress import import_progress
from veritas_cli.database import exit_on_error, migrated_database
from veritas_cli.errors import CommandFailure
from veritas_cli.oneroster.importer import import_export
from veritas_cli.oneroster.report import print_account
from veritas_cli.terminal import command_console

PATH = Annotated[Path, typer.Argument(help="Zip of the CSV files, or their folder.")]
DRY_RUN = Annotated[bool, typer.Option("--dry-run", help="Print the account, and change nothing.")]
ALLOW_ENDING = Annotated[
    bool, typer.Option("--allow-ending", help="End also more than 10 % of a kind of rows.")
]


def oneroster(
    path: PATH,
    is_dry: DRY_RUN = False,  # noqa: FBT002 - an option
    allow_ending: ALLOW_ENDING = False,  # noqa: FBT002 - an option
) -> None:
    """Import a school's roster from OneRoster files in CSV, version 1.1 or 1.2.

    Everything is checked first, and stored in one transaction. If a row is refused, nothing is
    stored, and the status is 1. A second run of the same files changes nothing. A full (bulk) file
    also ends the rows that it no longer has. Needs PostgreSQL.
    """
    with exit_on_error("import"):
        database = migrated_database("import", STAFFSTUDDASH)
        console = command_console()
        with import_progress(console) as progress:
            done = import_export(
                database,
                path,
                progress,
                is_dry=is_dry,
                allow_ending=allow_ending,
            )
        print_account(console, done.account)
        if refused := done.account.refused:
            raise CommandFailure(f"Nothing was stored. Refused rows: {refused:,}.")
        if done.too_many:
            raise CommandFailure(
                f"Nothing was stored: {'; '.join(done.too_many)}. If the files are complete, "
                "repeat it with --allow-ending."
            )
        if not done.is_stored:
            console.print("Nothing was changed (--dry-run).")
