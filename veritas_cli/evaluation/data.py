"""Training data of the commands, and the display of the progress on them."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
from rich.console import Console
from rich.progress import Progress as ProgressBars

from dropout_service.database import DropoutDatabaseManager
from dropout_service.domain.enrolments.finished_courses import CoursesByState
from dropout_service.domain.enrolments.outcome_targets import Target
from dropout_service.learning.rows import CLASS_ENROLMENT, LABEL, EnrolmentRows
from dropout_service.learning.training import (
    Progress,
    TooFewEnrolments,
    TrainedModel,
    train,
)
from dropout_service.migrations import HISTORY
from dropout_service.settings import Settings
from shared_db.clock import utc_now
from shared_db.errors import ConfigurationError
from veritas_cli.database import migrated_database
from veritas_cli.terminal import progress_bars

OULAD = "Open University Learning Analytics Dataset (OULAD)"
_OULAD_ENROLMENT = "oulad-"
# With fewer, the figures are mostly chance, and their intervals as wide as the scale.
MIN_TO_JUDGE = 10


def learning_manager(command: str) -> DropoutDatabaseManager:
    """Return the manager on the database of the settings.

    Raises:
        ConfigurationError: there is no URL, the server does not answer, or it is not migrated.

    """
    manager = DropoutDatabaseManager(migrated_database(command, HISTORY))
    manager.draws.lottery = Settings.load().lottery
    return manager


def presentations_named(given: Sequence[str], option: str) -> list[str]:
    """Return the distinct presentations of an option, sorted; a value may hold several by comma.

    Raises:
        ConfigurationError: there is no presentation.

    """
    names = sorted({name.strip() for some in given for name in some.split(",") if name.strip()})
    if not names:
        raise ConfigurationError(f"{option} names no presentation, as 2013B, and no term or class.")
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
    courses: Sequence[str],
    days: Sequence[int],
    target: Target,
    progress: Progress,
) -> EnrolmentRows:
    """Return the enrolments of these courses at the end of each day."""
    parts = []
    for done, day in enumerate(days):
        progress(f"Reading {_shortened(courses)}", done, len(days))
        parts.append(manager.training_sets.get_rows(day, courses, target))
    return EnrolmentRows.joined(parts)


def finished_courses(manager: DropoutDatabaseManager, target: Target) -> CoursesByState:
    """Return the courses and classes by their state, at least one of them finished.

    Raises:
        ConfigurationError: no course is finished.

    """
    found = manager.training_sets.get_by_state(utc_now(), target)
    if not found.finished:
        others = left_out_lines(found.left_out) or [
            "No course and no class is stored; import some first."
        ]
        raise ConfigurationError(f"No course is finished. {' '.join(others)}")
    return found


def latest_and_others(courses: CoursesByState) -> tuple[list[str], list[str]]:
    """Return the presentations to learn from, and the latest one, to judge a model on.

    Raises:
        ConfigurationError: there is one presentation alone.

    """
    latest = courses.latest_presentation
    others = [name for name in courses.presentations if name != latest]
    if latest is None or not others:
        raise ConfigurationError(
            "Two finished presentations are needed, one to learn from and a later one to judge on; "
            f"there is {latest} alone. {' '.join(left_out_lines(courses.left_out))}".rstrip()
        )
    return others, [latest]


def source_of(rows: EnrolmentRows) -> str:
    """Return the name of the data that the rows are from, for a report."""
    is_oulad = np.char.startswith(rows["enrolment_id"], _OULAD_ENROLMENT)
    if is_oulad.all():
        return OULAD
    return f"{len(np.unique(rows['course']))} courses of this school's database"


def has_classes(rows: EnrolmentRows) -> bool:
    """Return True if some rows are of classes of the roster."""
    return bool(np.char.startswith(rows["enrolment_id"], CLASS_ENROLMENT).any())


def left_out_lines(left_out: Mapping[str, str]) -> list[str]:
    """Return a sentence for each reason for which courses are left out, with some of these."""
    courses: dict[str, list[str]] = defaultdict(list)
    for course, reason in left_out.items():
        courses[reason].append(course)
    return [
        f"{found[0]} {reason}." if len(found) == 1 else f"{_shortened(found)}: each {reason}."
        for reason, found in courses.items()
    ]


def count_outcomes(rows: EnrolmentRows) -> tuple[int, int]:
    """Return the numbers of enrolments that left and that stayed, as the target says."""
    left = len(np.unique(rows["enrolment_id"][rows[LABEL] == 1]))
    return left, len(np.unique(rows["enrolment_id"])) - left


def require_outcomes(rows: EnrolmentRows, names: str) -> None:
    """Refuse rows with too few enrolments of either outcome to judge a model on.

    Raises:
        ConfigurationError: fewer than 10 left, or fewer than 10 stayed.

    """
    left, stayed = count_outcomes(rows)
    if min(left, stayed) < MIN_TO_JUDGE:
        raise ConfigurationError(
            f"Too little to judge a model on: of {names} ({_courses_in(rows)}), {left} left and "
            f"{stayed} stayed; {MIN_TO_JUDGE} of either are needed at least."
        )


def trained_on(rows: EnrolmentRows, progress: Progress) -> TrainedModel:
    """Return a model of the rows.

    Raises:
        ConfigurationError: too few left, or too few stayed.

    """
    try:
        return train(rows, progress)
    except TooFewEnrolments as refusal:
        left, stayed = count_outcomes(rows)
        raise ConfigurationError(
            f"Too little to learn from: {refusal}; {left} left and {stayed} stayed, in "
            f"{_courses_in(rows)}. Add finished courses or classes."
        ) from refusal


def _courses_in(rows: EnrolmentRows) -> str:
    count = len(np.unique(rows["course"]))
    return f"{count} finished {'course' if count == 1 else 'courses'}"


def _shortened(courses: Sequence[str], most: int = 4) -> str:
    named = ", ".join(courses[:most])
    return named if len(courses) <= most else f"{named} and {len(courses) - most} more"
