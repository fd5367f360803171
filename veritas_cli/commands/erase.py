"""`veritas erase`: everything of one student goes, in all services."""

from typing import Annotated

import typer
from pydantic import TypeAdapter, ValidationError

from dropout_service.database import DropoutDatabaseManager
from shared_db.connection.database import Database
from shared_db.errors import ConfigurationError
from shared_db.pseudonyms import pseudonym_of
from shared_web.requests.fields import Id
from staffstuddash_service.datastore import DatastoreManager
from veritas_cli.commands.spool import set_aside_here, spool_refusals, spools_here
from veritas_cli.database import command_settings, connected_engine
from veritas_cli.terminal import say

STUDENT = Annotated[str, typer.Argument(help="The student's id.")]
YES = Annotated[bool, typer.Option("--yes", help="Do not ask.")]

KEPT = "action_logs"


def erase(student: STUDENT, yes: YES = False) -> None:  # noqa: FBT002 - typer's options
    """Erase a student from all services, and list what was removed per table.

    Safe to repeat. The id is refused from then on, also one of which nothing was stored yet. What
    staff did stays in the action log under a pseudonym, without its details. Of the spools those on
    this machine are searched; other machines' services follow by themselves. Backups made before
    are not touched.
    """
    with spool_refusals("erase"):
        student_id = _checked(student)
        database = Database.on(connected_engine(command_settings(), "erase"))
        if not yes:
            typer.confirm("Erase everything stored of this student, for good?", abort=True)
        # staffstuddash first: with its tombstone there, nobody adds what would be left behind.
        _report("staffstuddash", DatastoreManager(database).students.erase(student_id))
        _report("dropout", DropoutDatabaseManager(database).students.erase(student_id))
        with spools_here() as spools:
            for service, spool in spools.items():
                _report("spool of", {service: spool.forget_subjects([student_id])}, " ")
        for file in set_aside_here():
            say(f"{file} was damaged and not searched: salvage it, erase again, delete it.")
        say(f"monitoring{'':<27} holds nothing of students")
        say(f"The student is remembered as {pseudonym_of(student_id)} only.")


def _report(schema: str, removed: dict[str, int], separator: str = ".") -> None:
    for table, count in sorted(removed.items()):
        done = "kept under the pseudonym" if table == KEPT else "removed"
        say(f"{f'{schema}{separator}{table}':<36} {count:>7} {done}")


def _checked(student_id: str) -> str:
    try:
        return TypeAdapter[str](Id).validate_python(student_id)
    except ValidationError as refusal:
        reason = refusal.errors()[0]["msg"].removeprefix("Value error, ")
        raise ConfigurationError(f"This cannot be a student's id: {reason}.") from None
