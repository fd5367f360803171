"""`veritas demo`: a school or a real course through all three services, and what they say of it."""

import os
import sys
from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from shared_db.clock import utc_now
from shared_db.errors import ConfigurationError
from veritas_cli.demo.dataset import Demonstration
from veritas_cli.demo.oulad_course import DEFAULT_DAY, course_demonstration
from veritas_cli.demo.sender import Sending
from veritas_cli.demo.steps import Step, Tally
from veritas_cli.demo.synthetic_school import school_demonstration
from veritas_cli.demo.tables import show_dashboard, show_highest
from veritas_cli.http_client import ClientSettings, Rest, RestError, ServiceName
from veritas_cli.oulad.course import OuladError, read_course

_WIDTH_IN_FILES = 180
_INTERRUPTED = 130


class DemoOptionsError(Exception):
    """The options do not fit together."""


def demo(
    oulad: Annotated[
        Path | None,
        typer.Option(help="OULAD as a zip or folder; without it a small made-up school."),
    ] = None,
    course: Annotated[str | None, typer.Option(help="A course of OULAD: AAA/2013J.")] = None,
    day: Annotated[
        int | None,
        typer.Option(help=f"Predict as of the end of this day; by default {DEFAULT_DAY}."),
    ] = None,
    key: Annotated[
        str | None, typer.Option(help="The API key; by default VERITAS_KEY. Development has none.")
    ] = None,
    monitoring_url: Annotated[str | None, typer.Option(help="By default MONITORING_URL.")] = None,
    staffstuddash_url: Annotated[
        str | None, typer.Option(help="By default STAFFSTUDDASH_URL.")
    ] = None,
    dropout_url: Annotated[str | None, typer.Option(help="By default DROPOUT_URL.")] = None,
) -> None:
    """Send a school, or a real course, to the three services and show what they make of it."""
    console = _console()
    given = {
        "veritas_key": key,
        "monitoring_url": monitoring_url,
        "staffstuddash_url": staffstuddash_url,
        "dropout_url": dropout_url,
    }
    try:
        settings = ClientSettings.load(**{name: v for name, v in given.items() if v is not None})
        with Rest(settings) as rest:
            _run(console, rest, _demonstration(console, oulad, course, day))
    except (DemoOptionsError, OuladError, RestError, ConfigurationError) as failure:
        typer.echo(f"veritas demo: {failure}", err=True)
        raise typer.Exit(1) from failure
    except KeyboardInterrupt:
        text = (
            "veritas demo: Stopped. What was sent is stored; the same command goes on from there."
        )
        typer.echo(text, err=True)
        raise typer.Exit(_INTERRUPTED) from None


def _console() -> Console:
    # In a file or a pipe there is no width; tables of 80 columns would be all breaks.
    has_width = sys.stdout.isatty() or "COLUMNS" in os.environ
    width = None if has_width else _WIDTH_IN_FILES
    return Console(width=width, markup=False, highlight=False, emoji=False)


def _demonstration(
    console: Console, oulad: Path | None, course: str | None, day: int | None
) -> Demonstration:
    if oulad is None:
        if course is not None or day is not None:
            raise DemoOptionsError("--course and --day need --oulad FILE.")
        return school_demonstration(utc_now())
    with console.status(f"Reading {oulad} ..."):
        read = read_course(oulad, course)
    return course_demonstration(read, DEFAULT_DAY if day is None else day)


def _run(console: Console, rest: Rest, demonstration: Demonstration) -> None:
    in_memory = rest.in_memory()
    headline = f"{demonstration.title}; predictions as of {demonstration.as_of_words}."
    console.print(headline, soft_wrap=True)
    with _progress(console) as progress:
        sending = Sending(rest, _ProgressWatch(console, progress))
        tallies = sending.send(demonstration)
    _print_reports(console, sending.statuses)
    for note in demonstration.notes:
        console.print(note, soft_wrap=True)
    if in_memory:
        console.print(_memory_note(in_memory), soft_wrap=True)
    show_dashboard(console, rest, demonstration)
    show_highest(console, rest, demonstration, tallies["predictions"].predictions)


def _progress(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    # Elsewhere than in a terminal the line that ends each step is enough.
    return Progress(
        *columns,
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )


class _ProgressWatch:
    def __init__(self, console: Console, progress: Progress) -> None:
        self._console = console
        self._progress = progress
        self._task = progress.add_task("Sending")
        self._began = perf_counter()

    def begin(self, steps: list[Step]) -> None:
        self._progress.update(self._task, total=sum(step.request_count for step in steps))

    def advance(self, step: Step) -> None:
        self._progress.update(self._task, description=f"Sending {step.name}", advance=1)

    def end(self, step: Step, tally: Tally) -> None:
        seconds, self._began = perf_counter() - self._began, perf_counter()
        parts = [f"{tally.stored} stored", f"{tally.repeated} already there"]
        if tally.too_little:
            parts.append(f"{tally.too_little} not assessable")
        label = f"{step.service}: {step.name}"
        self._console.print(f"{label:28} {', '.join(parts)} ({seconds:.1f} s)", soft_wrap=True)


def _print_reports(console: Console, statuses: list[str]) -> None:
    counts = ", ".join(f"{statuses.count(s)} {s}" for s in sorted(set(statuses)))
    label = f"{ServiceName.MONITORING}: own events"
    console.print(f"{label:28} {counts or 'none, as nothing was new'}")


def _memory_note(in_memory: list[ServiceName]) -> str:
    return (
        f"Kept in memory only, until they stop: {', '.join(in_memory)}. Without PostgreSQL the "
        "dashboard has no risk, and predictions know the events but not the marks."
    )
