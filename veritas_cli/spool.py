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
from shared_db.naming import Outcome
from shared_db.settings import DatabaseSettings
from shared_db.spool import Entry, Spool, SpoolUnwritable
from shared_db.spool_export import as_line, read_file
from shared_db.spool_file import make_for_folders_owner
from veritas_cli.connecting import refusals_in_one_line
from veritas_cli.services import KINDS
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
TARGET = Annotated[Path, typer.Argument(help="The file to write; it must not be there yet.")]
REFUSED = Annotated[bool, typer.Option("--refused", help="Only what the database refused.")]
YES = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@spool.command("status")
def status() -> None:
    """Show how many rows wait, since when, and which the database refused; exit status 1 if any.

    Ids are shown, contents are not: `export` has them.
    """
    with spool_refusals("spool status"):
        table, refused = Table("service", "waiting", "oldest", "refused"), list[Entry]()
        for service, place in spools_here().items():
            state = place.state()
            age = (
                f"{(utc_now() - state.oldest_at).total_seconds():.0f} s" if state.oldest_at else ""
            )
            table.add_row(service, str(state.waiting), age, str(state.refused))
            refused += place.every(refused_only=True)
    Console().print(table)
    for entry in refused:
        say(f"{entry.kind} {entry.id}, tried {entry.attempts} times: {entry.problem}")
    if refused:
        raise typer.Exit(1)


@spool.command("retry")
def retry(ids: IDS = None) -> None:
    """Let refused rows be tried again, after what was in their way is mended."""
    with spool_refusals("spool retry"):
        count = sum(place.retry(ids) for place in spools_here().values())
    say(f"{count} rows are tried again as soon as a service with a database runs.")


@spool.command("discard")
def discard(ids: SOME_IDS, yes: YES = False) -> None:  # noqa: FBT002 - typer's options
    """Delete refused rows for good, those that cannot be stored whatever is mended."""
    if not yes:
        typer.confirm(f"Delete {len(ids)} rows for good?", abort=True)
    with spool_refusals("spool discard"):
        say(f"{sum(place.discard(ids) for place in spools_here().values())} rows are deleted.")


@spool.command("export")
def export(target: TARGET, refused: REFUSED = False) -> None:  # noqa: FBT002 - typer's options
    """Write what is in the spools into a file, a line of JSON each; it stays in the spools."""
    with spool_refusals("spool export"):
        lines = [
            as_line(service, entry)
            for service, place in spools_here().items()
            for entry in place.every(refused_only=refused)
        ]
        _write_new(target, lines)
    say(f"{len(lines)} rows are in {target}. They are students' data: keep them safe.")


@spool.command("import")
def import_(file: FILE) -> None:
    """Put the rows of another machine's spool into those of this one, to be stored from here.

    The services of this machine store them as soon as they run with a database. Importing twice
    is harmless: a row has its id.
    """
    with spool_refusals("spool import"):
        places = {service: Spool.of_service(_folder(), service) for service in KINDS}
        found = read_file(file, KINDS)
        for service in found:
            make_for_folders_owner(places[service].path)
        kept = [
            outcome
            for service, entries in found.items()
            for outcome, _ in places[service].accept(entries)
        ]
    new, known = kept.count(Outcome.STORED), kept.count(Outcome.REPEATED)
    say(f"{new} rows wait to be stored, {known} were here.")
    if different := kept.count(Outcome.DIFFERENT):
        typer.echo(f"{different} rows are here with other content and were left out.", err=True)
        raise typer.Exit(1)


def _folder() -> Path:
    return DatabaseSettings.load().spool_path


def spools_here() -> dict[str, Spool]:
    """Return by service the spools that are there."""
    places = {service: Spool.of_service(_folder(), service) for service in KINDS}
    return {service: place for service, place in places.items() if place.path.exists()}


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
        except SpoolUnwritable as failure:
            raise ConfigurationError(str(failure)) from failure
