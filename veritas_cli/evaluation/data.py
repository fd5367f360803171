"""What `veritas train` and `veritas evaluate` share: rows of the past, and telling how it goes."""

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from dropout_service.database import DropoutDatabaseManager
from dropout_service.domain.enrolments.outcome_targets import Target
from dropout_service.learning.rows import EnrolmentRows
from dropout_service.learning.training import Progress as Told
from dropout_service.migrations import HISTORY
from shared_db.connection.database import Database
from shared_db.errors import ConfigurationError
from shared_db.provisioning.migrations import require_migrated
from veritas_cli.database import command_settings, connected_engine

# The features of every enrolment of a year are work for a command.
STATEMENT_SECONDS = 600
_WIDTH_IN_FILES = 260


def learning_manager(command: str) -> DropoutDatabaseManager:
    """Return the manager on the database of the settings.

    Raises:
        ConfigurationError: there is none, it does not answer, or it is not migrated.

    """
    engine = connected_engine(command_settings(), command)
    database = Database.on(engine, statement_timeout_seconds=STATEMENT_SECONDS)
    require_migrated(database, HISTORY)
    return DropoutDatabaseManager(database)


def command_console() -> Console:
    """Return a console that does not break tables in a file or pipe."""
    has_width = sys.stdout.isatty() or "COLUMNS" in os.environ
    width = None if has_width else _WIDTH_IN_FILES
    return Console(width=width, markup=False, highlight=False, emoji=False)


def presentations_named(given: Sequence[str], option: str) -> list[str]:
    """Return the presentations of an option once each, sorted; several may stand between commas.

    Raises:
        ConfigurationError: none is named.

    """
    names = sorted({name.strip() for some in given for name in some.split(",") if name.strip()})
    if not names:
        raise ConfigurationError(f"{option} names no presentation, as 2013B.")
    return names


@contextmanager
def steps_shown(console: Console) -> Iterator[Told]:
    """Show a bar for each step that is told of, on a terminal; elsewhere a line for each."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, TimeElapsedColumn(), console=console, disable=not console.is_terminal
    ) as progress:
        yield _teller(console, progress)


def _teller(console: Console, progress: Progress) -> Told:
    tasks: dict[str, Callable[[int], None]] = {}

    def tell(step: str, done: int, total: int) -> None:
        if step not in tasks:
            task = progress.add_task(step, total=total)
            tasks[step] = lambda completed: progress.update(task, completed=completed)
            if not console.is_terminal:
                console.print(f"{step} ...", soft_wrap=True)
        tasks[step](done + 1)

    return tell


def rows_of(
    manager: DropoutDatabaseManager,
    presentations: Sequence[str],
    days: Sequence[int],
    target: Target,
    tell: Told,
) -> EnrolmentRows:
    """Return the enrolments of these presentations at the end of each day.

    Raises:
        NothingPresented: a presentation has no course.
        StillRunning: one of the courses is not over.

    """
    courses = manager.training_sets.get_courses(presentations)
    parts = []
    for done, day in enumerate(days):
        tell(f"Reading {', '.join(presentations)}", done, len(days))
        parts.append(manager.training_sets.get_rows(day, courses, target))
    return EnrolmentRows.joined(parts)
