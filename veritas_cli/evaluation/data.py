"""Training data of the commands, and the display of the progress on them."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import Progress as ProgressBars

from dropout_service.database import DropoutDatabaseManager
from dropout_service.domain.enrolments.outcome_targets import Target
from dropout_service.learning.rows import EnrolmentRows
from dropout_service.learning.training import Progress
from dropout_service.migrations import HISTORY
from shared_db.errors import ConfigurationError
from veritas_cli.database import migrated_database
from veritas_cli.terminal import progress_bars


def learning_manager(command: str) -> DropoutDatabaseManager:
    """Return the manager on the database of the settings.

    Raises:
        ConfigurationError: there is no URL, the server does not answer, or it is not migrated.

    """
    return DropoutDatabaseManager(migrated_database(command, HISTORY))


def presentations_named(given: Sequence[str], option: str) -> list[str]:
    """Return the distinct presentations of an option, sorted; a value may hold several by comma.

    Raises:
        ConfigurationError: there is no presentation.

    """
    names = sorted({name.strip() for some in given for name in some.split(",") if name.strip()})
    if not names:
        raise ConfigurationError(f"{option} names no presentation, as 2013B.")
    return names


@contextmanager
def progress_shown(console: Console) -> Iterator[Progress]:
    """Show each step as a progress bar on a terminal, and as one line elsewhere."""
    with progress_bars(console, transient=False) as bars:
        yield _reporter(console, bars)


def _reporter(console: Console, bars: ProgressBars) -> Progress:
    tasks: dict[str, Callable[[int], None]] = {}

    def report(step: str, done: int, total: int) -> None:
        if step not in tasks:
            task = bars.add_task(step, total=total)
            tasks[step] = lambda completed: bars.update(task, completed=completed)
            if not console.is_terminal:
                console.print(f"{step} ...", soft_wrap=True)
        tasks[step](done + 1)

    return report


def rows_of(
    manager: DropoutDatabaseManager,
    presentations: Sequence[str],
    days: Sequence[int],
    target: Target,
    progress: Progress,
) -> EnrolmentRows:
    """Return the enrolments of these presentations at the end of each day.

    Raises:
        NothingPresented: a presentation has no course.
        StillRunning: one of the courses is not over.

    """
    courses = manager.training_sets.get_courses(presentations)
    parts = []
    for done, day in enumerate(days):
        progress(f"Reading {', '.join(presentations)}", done, len(days))
        parts.append(manager.training_sets.get_rows(day, courses, target))
    return EnrolmentRows.joined(parts)
