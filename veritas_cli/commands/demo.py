"""`veritas demo`: send a school or a real course to the services, and show their results."""

from dataclasses import replace
from datetime import datetime
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from shared_db.clock import utc_now
from veritas_cli.database import exit_on_error
from veritas_cli.demo.dataset import Demonstration
from veritas_cli.demo.oulad_course import DEFAULT_DAY, course_demonstration
from veritas_cli.demo.removal import is_removed, remove_school
from veritas_cli.demo.sender import DemoSender, Step, Tally
from veritas_cli.demo.synthetic_school import school_demonstration, school_prefix
from veritas_cli.demo.tables import show_class, show_dashboard, show_highest
from veritas_cli.errors import CommandFailure
from veritas_cli.http_client import ClientSettings, ServiceName, VeritasClient
from veritas_cli.oulad.csv_files import OuladFiles
from veritas_cli.terminal import command_console, progress_bars
from veritas_web.settings import Settings as WebSettings

_INTERRUPTED = 130

_SIGN_IN = """
The pages: {pages}
The advisor sees half of the students: choose the advisor in {pages}/act-as, or

    curl -H "Veritas-On-Behalf-Of: {person}" {address}/api/v1/dashboard/teacher

If the services require a key, send one with the permission act_as."""


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
    remove: Annotated[  # noqa: FBT002 - typer's options
        bool, typer.Option("--remove", help="Remove the made-up school again, of any day.")
    ] = False,
    key: Annotated[
        str | None, typer.Option(help="The API key; by default VERITAS_KEY. Development has none.")
    ] = None,
    monitoring_url: Annotated[str | None, typer.Option(help="By default MONITORING_URL.")] = None,
    staffstuddash_url: Annotated[
        str | None, typer.Option(help="By default STAFFSTUDDASH_URL.")
    ] = None,
    dropout_url: Annotated[str | None, typer.Option(help="By default DROPOUT_URL.")] = None,
) -> None:
    """Send a school, or a real course, to the three services and show their results.

    --remove takes the school away again: its students are erased, its roster ends.
    """
    console = command_console()
    given = {
        "veritas_key": key,
        "monitoring_url": monitoring_url,
        "staffstuddash_url": staffstuddash_url,
        "dropout_url": dropout_url,
    }
    try:
        with exit_on_error("demo"):
            options = {name: value for name, value in given.items() if value is not None}
            with VeritasClient(ClientSettings.load(**options)) as client:
                if remove:
                    _remove(console, client, oulad, course, day)
                else:
                    _run(console, client, _demonstration(console, oulad, course, day))
    except KeyboardInterrupt:
        text = (
            "veritas demo: Stopped. What was sent is stored; the same command goes on from there."
        )
        typer.echo(text, err=True)
        raise typer.Exit(_INTERRUPTED) from None


def _demonstration(
    console: Console, oulad: Path | None, course: str | None, day: int | None
) -> Demonstration | None:
    """Return the demonstration of a course; None for the made-up school."""
    if oulad is None:
        if course is not None or day is not None:
            raise CommandFailure("--course and --day need --oulad FILE.")
        return None
    with console.status(f"Reading {oulad} ..."):
        return course_demonstration(OuladFiles(oulad), course, DEFAULT_DAY if day is None else day)


def _run(console: Console, client: VeritasClient, of_course: Demonstration | None) -> None:
    in_memory = client.in_memory()
    demonstration = of_course or _school(client, utc_now())
    headline = f"{demonstration.title}; predictions as of {demonstration.as_of_words}."
    console.print(headline, soft_wrap=True)
    if in_memory:
        # Classes of the roster reach dropout through the database.
        demonstration = replace(demonstration, shown_class=None, class_predictions={}, advisor=None)
    with progress_bars(console) as progress:
        sender = DemoSender(client, _ProgressObserver(console, progress))
        tallies = sender.send(demonstration)
    _print_statuses(console, sender.statuses)
    for note in demonstration.notes:
        console.print(note, soft_wrap=True)
    if in_memory:
        console.print(_memory_note(in_memory), soft_wrap=True)
    show_dashboard(console, client, demonstration)
    show_highest(console, client, demonstration, tallies["predictions"].predictions)
    show_class(console, client, demonstration)
    if demonstration.advisor is not None:
        address = client.address_of(ServiceName.STAFFSTUDDASH)
        pages = WebSettings.load().address
        said = _SIGN_IN.format(person=demonstration.advisor, address=address, pages=pages)
        console.print(said, soft_wrap=True)


def _school(client: VeritasClient, now: datetime) -> Demonstration:
    """Return the first school of the day that was not removed."""
    runs = (run for run in count(1) if not is_removed(client, school_prefix(now, run)))
    return school_demonstration(now, next(runs))


def _remove(console: Console, client: VeritasClient, *options: object) -> None:
    if any(option is not None for option in options):
        raise CommandFailure(
            "--remove removes the made-up school only: leave --oulad, --course and --day out. "
            "`veritas erase` removes a student of a course."
        )
    in_memory = client.in_memory()
    removed = remove_school(client)
    console.print(
        f"Removed the made-up school: {removed.students} students erased, {removed.rows} rows of "
        "the roster ended.",
        soft_wrap=True,
    )
    if ServiceName.DROPOUT in in_memory:
        console.print("dropout keeps its rows in memory until it stops.")
    else:
        console.print("dropout erases its rows within a minute.")
    console.print("monitoring keeps the demo's events, which name no student.")


class _ProgressObserver:
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
        if tally.not_assessable:
            parts.append(f"{tally.not_assessable} not assessable")
        label = f"{step.service}: {step.name}"
        self._console.print(f"{label:28} {', '.join(parts)} ({seconds:.1f} s)", soft_wrap=True)


def _print_statuses(console: Console, statuses: list[str]) -> None:
    counts = ", ".join(f"{statuses.count(s)} {s}" for s in sorted(set(statuses)))
    label = f"{ServiceName.MONITORING}: own events"
    console.print(f"{label:28} {counts or 'none, as nothing was new'}")


def _memory_note(in_memory: list[ServiceName]) -> str:
    return (
        f"Kept in memory only, until they stop: {', '.join(in_memory)}. Without PostgreSQL the "
        "dashboard has no risk, and predictions know the events but not the marks."
    )
