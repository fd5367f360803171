"""`veritas erase`: delete all data of one student from all services."""

from collections import Counter
from collections.abc import Mapping
from typing import Annotated

import typer

from dropout_service.database import DropoutDatabaseManager
from shared_db.connection.database import Database
from shared_db.pseudonyms import pseudonym_of
from shared_web.requests.fields import StoredId
from staffstuddash_service.datastore import DatastoreManager
from veritas_cli.commands.archive.group import unsearched_archives
from veritas_cli.commands.spool import damaged_spools, local_spools
from veritas_cli.database import command_settings, connected_engine, exit_on_error
from veritas_cli.personal_data.erasures import record_erasures
from veritas_cli.terminal import checked_id, say

STUDENT = Annotated[str, typer.Argument(help="The student's id.")]
YES = Annotated[bool, typer.Option("--yes", help="Do not ask.")]

KEPT = "action_logs"


def erase(student: STUDENT, yes: YES = False) -> None:  # noqa: FBT002 - typer's options
    """Erase a student from all services, and list the removed rows per table.

    Rows under merged ids, and under another Unicode form of an id, are the student's too. Safe to
    repeat. The services
    refuse the id from then on, also if nothing was stored under it. The actions of staff stay in
    the action log under a pseudonym, without their details. The statistics of the changed tables
    are computed again, since they hold values of rows. Only the spools of this machine are
    searched; the services of other machines erase their own. Earlier backups are not changed; after
    a restore of one the student is erased again, see ERASURE_LOG. A student under a legal hold is
    refused.
    """
    with exit_on_error("erase"):
        student_id = checked_id(student, "This cannot be a student's id", StoredId)
        engine = connected_engine(command_settings(), "erase")
        database = Database.for_bind(engine)
        if not yes:
            typer.confirm("Erase everything stored of this student, for good?", abort=True)
        datastore, dropout = DatastoreManager(database), DropoutDatabaseManager(database)
        forms = {*datastore.students.ids_of(student_id), *dropout.students.ids_of(student_id)}
        # staffstuddash first: its tombstone prevents inserts that would be left behind.
        of_staffstuddash = datastore.students.erase(student_id)
        _report("staffstuddash", of_staffstuddash)
        removed = Counter[str]()
        # Each former id by itself: dropout may not have followed a merge yet.
        for id_ in sorted(forms):
            removed.update(dropout.students.erase(id_))
        _report("dropout", dict(removed))
        record_erasures(engine)
        datastore.statistics.refresh(_touched(of_staffstuddash))
        dropout.statistics.refresh(_touched(removed))
        with local_spools() as spools:
            for service, spool in spools.items():
                _report("spool of", {service: spool.purge_subjects(forms)}, " ")
        for file in damaged_spools():
            say(f"{file} was damaged and not searched: salvage it, erase again, delete it.")
        say(f"monitoring{'':<27} holds nothing of students")
        say(unsearched_archives())
        say(f"The student is remembered as {pseudonym_of(student_id)} only.")


def _touched(removed: Mapping[str, int]) -> list[str]:
    return sorted(table for table, count in removed.items() if count)


def _report(schema: str, removed: dict[str, int], separator: str = ".") -> None:
    for table, count in sorted(removed.items()):
        done = "kept under the pseudonym" if table == KEPT else "removed"
        say(f"{f'{schema}{separator}{table}':<36} {count:>7} {done}")
