"""`veritas predict`: who of a whole cohort is at risk, and why."""

import os
import sys
from datetime import UTC, datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from dropout_service.database import DropoutDatabaseManager
from dropout_service.database.cohorts import CohortBatch
from dropout_service.migrations import HISTORY
from dropout_service.models import DropoutPrediction
from shared_db.clock import utc_now
from shared_db.database import Database
from shared_db.errors import ConfigurationError
from shared_db.migrations import require_migrated
from veritas_cli.connecting import command_settings, connected_engine, refusals_in_one_line

# A cohort's batch is work for a command, not for a request that somebody waits for.
STATEMENT_SECONDS = 300
MOST_REASONS = 3
_WIDTH_IN_FILES = 200


def predict(
    course: Annotated[
        str | None, typer.Option(help="Only students who were active in this course.")
    ] = None,
    everybody: Annotated[bool, typer.Option("--all", help="All students.")] = False,  # noqa: FBT002 - an option
    as_of: Annotated[
        str | None,
        typer.Option(
            help="The instant, as 2026-01-31T09:30:00Z; only what happened by then counts."
        ),
    ] = None,
    show: Annotated[int, typer.Option(min=0, max=1000, help="How many to list.")] = 20,
) -> None:
    """Predict a whole cohort in batches, and list the highest risks with their main reasons.

    Running it again with the same --as-of stores nothing new, unless events or marks came late.
    """
    with refusals_in_one_line("predict"):
        if everybody == (course is not None):
            raise ConfigurationError("Say either --all or --course COURSE.")
        instant = _instant(as_of)
        manager = _manager()
        console = _console()
        outcome = _predict(console, manager, instant, course, show)
        _report(console, outcome, instant)
        _show(console, outcome)


def _console() -> Console:
    # In a file or a pipe there is no width; a table of 80 columns would be all breaks.
    has_width = sys.stdout.isatty() or "COLUMNS" in os.environ
    width = None if has_width else _WIDTH_IN_FILES
    return Console(width=width, markup=False, highlight=False, emoji=False)


def _instant(text: str | None) -> datetime:
    now = utc_now()
    if text is None:
        return now
    try:
        instant = datetime.fromisoformat(text)
    except ValueError as failure:
        raise ConfigurationError("--as-of must be an instant as 2026-01-31T09:30:00Z.") from failure
    if instant.tzinfo is None:
        raise ConfigurationError("--as-of needs a time zone, as 2026-01-31T09:30:00Z.")
    if instant > now:
        raise ConfigurationError("--as-of must not be in the future.")
    return instant.astimezone(UTC)


def _manager() -> DropoutDatabaseManager:
    engine = connected_engine(command_settings(), "predict")
    database = Database.on(engine, statement_timeout_seconds=STATEMENT_SECONDS)
    require_migrated(database, HISTORY)
    return DropoutDatabaseManager(database)


def _predict(
    console: Console,
    manager: DropoutDatabaseManager,
    as_of: datetime,
    course: str | None,
    keep: int,
) -> CohortBatch:
    total = manager.count_cohort(course)
    done = CohortBatch(last="")
    with _progress(console) as progress:
        task = progress.add_task("Predicting", total=total)
        while done.last is not None:
            batch = manager.predict_batch(as_of, course=course, after=done.last, keep=keep)
            done = done.and_then(batch, keep=keep)
            progress.update(task, completed=done.students)
    return done


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(
        *columns,
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


def _report(console: Console, outcome: CohortBatch, as_of: datetime) -> None:
    line = (
        f"{outcome.students} students as of {as_of:%Y-%m-%d %H:%M:%S} UTC: {outcome.stored} "
        f"predictions stored, {outcome.unchanged} already there, {outcome.not_assessable} students "
        "not assessable."
    )
    console.print(line, soft_wrap=True)
    for student_id, missing in outcome.examples:
        console.print(f"Not assessable, for instance {student_id}: {missing}.", soft_wrap=True)


def _show(console: Console, outcome: CohortBatch) -> None:
    if not outcome.highest:
        return
    title = f"The {len(outcome.highest)} highest risks"
    table = Table(title=title, title_justify="left")
    for column in ("", "Student", "Score", "Level", "Type", "Momentum", "Why", "This week"):
        is_figure = column in ("", "Score", "Momentum")
        table.add_column(column, justify="right" if is_figure else "left")
    for rank, prediction in enumerate(outcome.highest, start=1):
        table.add_row(str(rank), *_cells(prediction))
    console.print(table)


def _cells(prediction: DropoutPrediction) -> tuple[str, ...]:
    indicators = [*prediction.primary_indicators, *prediction.secondary_indicators]
    index, advice = prediction.momentum_index, prediction.recommendations
    return (
        prediction.student_id,
        f"{prediction.risk_score:.2f}",
        prediction.risk_level,
        prediction.dropout_type,
        "-" if index is None else f"{index:.0f}",
        " ".join(
            f"{one['text']} (+{one['contribution']:.2f})" for one in indicators[:MOST_REASONS]
        ),
        advice[0] if advice else "-",
    )
