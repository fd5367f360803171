"""`veritas export STUDENT FILE.zip`: everything that the services hold of one student."""

from pathlib import Path
from typing import Annotated

import typer

from dropout_service.migrations import HISTORY as DROPOUT
from shared_web.requests.fields import StoredId
from staffstuddash_service.migrations import HISTORY as STAFFSTUDDASH
from veritas_cli.commands.archive.group import unsearched_archives
from veritas_cli.commands.spool import damaged_spools, local_spools
from veritas_cli.database import exit_on_error, migrated_database
from veritas_cli.personal_data.export import StudentExport
from veritas_cli.private_file import private_file
from veritas_cli.terminal import checked_id, say

STUDENT = Annotated[str, typer.Argument(help="The student's id, or a former one.")]
FILE = Annotated[Path, typer.Argument(help="The ZIP to write.")]
FORCE = Annotated[bool, typer.Option("--force", help="Replace the file if it exists.")]

_EXISTS = "{} exists already. Choose another name, or say --force to replace it."


def export(student: STUDENT, file: FILE, force: FORCE = False) -> None:  # noqa: FBT002 - typer's options
    """Write everything stored of a student into a ZIP: a page to read, JSON, drafts as text.

    It holds the rows of staffstuddash and dropout as of one instant, those in the spools of this
    machine, and the meaning of each field. Former ids count as the student's. Only the user of this
    command can read the file. The action log gets `student.exported`.
    """
    with exit_on_error("export"):
        student_id = checked_id(student, "This cannot be a student's id", StoredId)
        database = migrated_database("export", STAFFSTUDDASH, DROPOUT)
        with local_spools() as spools:
            found = StudentExport.of(database, student_id, spools)
            with private_file(file, exists=_EXISTS, replace=force) as target:
                found.log(database)
                counts = found.write(database, spools, target)
        for table, count in counts.items():
            say(f"{table:<36} {count:>7} rows")
        for damaged in damaged_spools():
            say(f"{damaged} was damaged and not searched: salvage it and export again.")
        say(f"{'monitoring':<36} holds nothing of students")
        say(unsearched_archives())
        say(f"{file}: {file.stat().st_size:,} bytes. They are a student's data: keep them safe.")
