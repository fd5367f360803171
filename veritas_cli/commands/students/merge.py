"""`veritas students merge`: move all data of a student to another id, in all services."""

from typing import Annotated

import typer

from dropout_service.database import DropoutDatabaseManager
from dropout_service.migrations import HISTORY as DROPOUT
from shared_db.errors import Gone, Moved, NotFound
from shared_db.row_moves import MoveReport
from shared_web.requests.fields import NewStudentId, StoredId
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.errors import StudentNotFound
from staffstuddash_service.migrations import HISTORY as STAFFSTUDDASH
from veritas_cli.database import exit_on_error, migrated_database
from veritas_cli.terminal import checked_id, say

students = typer.Typer(help="Merge students.", no_args_is_help=True)

OLD = Annotated[str, typer.Argument(help="The student's former id.")]
NEW = Annotated[str, typer.Argument(help="The id from now on; another student's, or a new one.")]
DRY_RUN = Annotated[bool, typer.Option("--dry-run", help="Show the account, change nothing.")]
ACTOR = "veritas students merge"


@students.callback()
def group() -> None:
    """Merge students."""


@students.command("merge")
def merge(old: OLD, new: NEW, dry_run: DRY_RUN = False) -> None:  # noqa: FBT002 - typer's options
    """Move everything stored of a student to another id, and list the rows per table.

    Performance, drafts, activity and predictions are computed again from the rows of both ids; the
    name is that of the new id. From then on the old id leads to the new one, also for rows that
    wait in a spool. Safe to repeat. It cannot be undone.
    """
    with exit_on_error("students merge"):
        old_id = checked_id(old, "This cannot be a student's id", StoredId)
        new_id = checked_id(new, "This cannot be a student's id", NewStudentId)
        database = migrated_database("students", STAFFSTUDDASH, DROPOUT)
        datastore, dropout = DatastoreManager(database), DropoutDatabaseManager(database)
        if old != old_id and _is_stored(datastore, dropout, old):
            old_id = old  # an earlier release stored an id in the Unicode form that was sent
        # staffstuddash first: dropout follows its merges, also if this command is killed.
        try:
            report = datastore.merging.merge(old_id, new_id, actor=ACTOR, dry_run=dry_run)
            _report("staffstuddash", report)
        except StudentNotFound:
            # Rows of the student may be in dropout only.
            if not _is_stored(datastore, dropout, old_id):
                raise
            say(f"{'staffstuddash':<38} holds nothing of the former id")
        report = dropout.merging.merge(old_id, new_id, dry_run=dry_run)
        _report("dropout", report)
        say(f"{'monitoring':<38} holds nothing of students")
        if dry_run:
            say("Nothing was changed.")
        else:
            say(f"The student has the id {report.target}.")


def _is_stored(
    datastore: DatastoreManager, dropout: DropoutDatabaseManager, student_id: str
) -> bool:
    """Return True if a service has, had or merged a student of exactly this id."""
    for students in (datastore.students, dropout.students):
        try:
            students.get(student_id)
        except NotFound:
            continue
        except (Gone, Moved):
            return True
        return True
    return False


def _report(schema: str, report: MoveReport) -> None:
    if report.is_replay:
        say(f"{schema:<38} was merged before: nothing to change")
        return
    for table in sorted({*report.moved, *report.conflicts, *report.recomputed}):
        numbers = {
            "moved": report.moved.get(table, 0),
            "of both ids": report.conflicts.get(table, 0),
            "recomputed": report.recomputed.get(table, 0),
        }
        account = ", ".join(f"{count} {name}" for name, count in numbers.items() if count)
        say(f"{f'{schema}.{table}':<38} {account or 'nothing'}")
