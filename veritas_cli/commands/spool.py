"""`veritas spool`: what was accepted while the database was away, and what it refused."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from shared_db.clock import utc_now
from shared_db.errors import ConfigurationError
from shared_db.results import Outcome
from shared_db.settings import DatabaseSettings
from shared_db.spool.export import as_line, read_file, service_of
from shared_db.spool.file import Entry, SpoolUnavailable
from shared_db.spool.queue import Spool
from shared_db.spool.salvage import checked_entries
from shared_db.spool.sqlite_file import mark_salvaged
from veritas_cli.database import refusals_in_one_line
from veritas_cli.services import SPOOLABLE_TYPES
from veritas_cli.terminal import say

spool = typer.Typer(
    help="See and move what waits in the spools of this machine.", no_args_is_help=True
)

IDS = Annotated[
    list[str] | None, typer.Argument(help="Refused rows, as ID or KIND:ID; all if none.")
]
SOME_IDS = Annotated[
    list[str], typer.Argument(help="Refused rows, as ID (of every kind) or KIND:ID.")
]
FILE = Annotated[Path, typer.Argument(help="A file of `veritas spool export`, or a spool.")]
DAMAGED = Annotated[Path, typer.Argument(help="A damaged spool, as `spool status` names it.")]
TARGET = Annotated[Path, typer.Argument(help="The file to write; it must not be there yet.")]
REFUSED = Annotated[bool, typer.Option("--refused", help="Only what the database refused.")]
YES = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@spool.command("status")
def status() -> None:
    """Show how many rows wait, since when, and which the database refused.

    Exit status 1 if any was refused, or if a spool is damaged or cannot be read. Ids are shown,
    contents are not: `export` has them.
    """
    with spool_refusals("spool status"), spools_here() as places:
        table, refused = Table("service", "waiting", "oldest", "refused"), list[Entry]()
        problems: list[str] = []
        for service, place in places.items():
            try:
                table.add_row(service, *_figures(place))
                refused += place.all_entries(refused_only=True)
            except SpoolUnavailable as failure:
                problems.append(str(failure))
        problems += [_advice(file) for file in set_aside_here()]
    Console().print(table)
    for entry in refused:
        say(f"{entry.kind} {entry.id}, tried {entry.attempts} times: {entry.problem}")
    for problem in problems:
        typer.echo(problem, err=True)
    if refused or problems:
        raise typer.Exit(1)


def _figures(place: Spool) -> tuple[str, str, str]:
    state = place.state()
    age = f"{(utc_now() - state.oldest_at).total_seconds():.0f} s" if state.oldest_at else ""
    return str(state.waiting), age, str(state.refused)


def _advice(file: Path) -> str:
    return f"{file} was damaged. Recover its rows with `veritas spool salvage {file}`."


@spool.command("retry")
def retry(ids: IDS = None) -> None:
    """Let refused rows be tried again, after what was in their way is mended."""
    with spool_refusals("spool retry"), spools_here() as places:
        count = sum(place.retry(ids) for place in places.values())
    say(f"{count} rows are tried again as soon as a service with a database runs.")


@spool.command("discard")
def discard(ids: SOME_IDS, yes: YES = False) -> None:  # noqa: FBT002 - typer's options
    """Delete refused rows for good, those that cannot be stored whatever is mended."""
    if not yes:
        typer.confirm(f"Delete {len(ids)} rows for good?", abort=True)
    with spool_refusals("spool discard"), spools_here() as places:
        say(f"{sum(place.discard(ids) for place in places.values())} rows are deleted.")


@spool.command("export")
def export(target: TARGET, refused: REFUSED = False) -> None:  # noqa: FBT002 - typer's options
    """Write what is in the spools into a file, a line of JSON each; it stays in the spools."""
    with spool_refusals("spool export"), spools_here() as places:
        lines = [
            as_line(service, entry)
            for service, place in places.items()
            for entry in place.all_entries(refused_only=refused)
        ]
        _write_new(target, lines)
    say(f"{len(lines)} rows are in {target}. They are students' data: keep them safe.")


@spool.command("import")
def import_(file: FILE) -> None:
    """Put the rows of another machine's spool into those of this one, to be stored from here.

    The services of this machine store them as soon as they run with a database. Importing twice
    is harmless: a row has its id.
    """
    with spool_refusals("spool import"), _spools() as places:
        found = read_file(file, SPOOLABLE_TYPES)
        kept = [
            outcome
            for service, entries in found.items()
            for outcome, _ in places[service].append(entries)
        ]
    new, known = kept.count(Outcome.STORED), kept.count(Outcome.REPEATED)
    say(f"{new} rows wait to be stored, {known} were here.")
    if different := kept.count(Outcome.CONFLICT):
        typer.echo(f"{different} rows are here with other content and were left out.", err=True)
        raise typer.Exit(1)


@spool.command("salvage")
def salvage(file: DAMAGED) -> None:
    """Put the readable rows of a damaged spool into the spool of its service, to be stored.

    Rows that are stored already are recognised. Afterwards the file is called `salvaged`: delete
    it once nothing is missing, as it holds students' data.
    """
    with spool_refusals("spool salvage"), _spools() as places:
        service = service_of(file, SPOOLABLE_TYPES)
        entries, unreadable = checked_entries(file, SPOOLABLE_TYPES[service])
        place = places[service]
        if file.absolute() == place.path.absolute():
            raise ConfigurationError(
                f"{file} is in use under its own name. Start the service: it sets a damaged spool "
                "aside under another name, which `veritas spool status` tells."
            )
        outcomes = [outcome for outcome, _ in place.append(entries)]
        kept_as = mark_salvaged(file)
    new, known = outcomes.count(Outcome.STORED), outcomes.count(Outcome.REPEATED)
    say(f"{new} rows wait to be stored, {known} were here, {unreadable} could not be read.")
    if different := outcomes.count(Outcome.CONFLICT):
        say(f"{different} rows are here with other content and were left out.")
    say(f"The file stays as {kept_as}. It holds students' data: delete it once nothing is missing.")


def set_aside_here() -> list[Path]:
    """Return the spools of this machine that were set aside for damage."""
    places = (Spool.of_service(_folder(), service) for service in SPOOLABLE_TYPES)
    return [file for place in places for file in place.damaged_files()]


def _folder() -> Path:
    return DatabaseSettings.load().spool_path


@contextmanager
def spools_here() -> Iterator[dict[str, Spool]]:
    """Give by service the spools that are there; they are closed afterwards."""
    with _spools() as places:
        yield {service: place for service, place in places.items() if place.path.exists()}


@contextmanager
def _spools() -> Iterator[dict[str, Spool]]:
    places = {service: Spool.of_service(_folder(), service) for service in SPOOLABLE_TYPES}
    try:
        yield places
    finally:
        for place in places.values():
            place.close()


def _write_new(target: Path, lines: list[str]) -> None:
    try:
        descriptor = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
    except OSError as failure:
        raise ConfigurationError(f"{target} cannot be written: {failure.strerror}.") from failure


@contextmanager
def spool_refusals(command: str) -> Iterator[None]:
    """Say in one line of standard error what a command refuses, and end with status 1."""
    with refusals_in_one_line(command):
        try:
            yield
        except SpoolUnavailable as failure:
            raise ConfigurationError(str(failure)) from failure
        except PermissionError as failure:
            raise ConfigurationError(
                f"{failure.filename} cannot be read. Run the command as the service's user."
            ) from failure
