"""`veritas spool`: rows accepted while the database was unavailable, and rows it refused."""

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
from shared_db.pseudonyms import equivalent_ids
from shared_db.results import Outcome
from shared_db.settings import DatabaseSettings
from shared_db.spool.export import as_line, read_file, service_of
from shared_db.spool.file import Entry, SpoolUnavailable
from shared_db.spool.queue import Spool
from shared_db.spool.salvage import checked_entries
from shared_db.spool.sqlite_file import mark_salvaged
from veritas_cli.database import exit_on_error
from veritas_cli.services import SPOOLABLE_TYPES
from veritas_cli.terminal import say

spool_commands = typer.Typer(
    help="Show and move the rows in the spools of this machine.", no_args_is_help=True
)

IDS = Annotated[
    list[str] | None, typer.Argument(help="Refused rows, as ID or KIND:ID; by default all.")
]
SOME_IDS = Annotated[
    list[str], typer.Argument(help="Refused rows, as ID (of every kind) or KIND:ID.")
]
FILE = Annotated[Path, typer.Argument(help="A file of `veritas spool export`, or a spool.")]
DAMAGED = Annotated[Path, typer.Argument(help="A damaged spool, as `spool status` names it.")]
TARGET = Annotated[Path, typer.Argument(help="The file to write; it must not exist.")]
REFUSED = Annotated[bool, typer.Option("--refused", help="Only rows that the database refused.")]
YES = Annotated[bool, typer.Option("--yes", help="Do not ask.")]


@spool_commands.command("status")
def status() -> None:
    """Show how many rows wait, since when, and which ones the database refused.

    Exit status 1 if a row was refused, or if a spool is damaged or cannot be read. Shows ids but no
    contents; `export` has them.
    """
    with exit_on_error("spool status"), local_spools() as spools:
        table, refused = Table("service", "waiting", "oldest", "refused"), list[Entry]()
        problems: list[str] = []
        for service, spool in spools.items():
            try:
                table.add_row(service, *_figures(spool))
                refused += spool.all_entries(refused_only=True)
            except SpoolUnavailable as failure:
                problems.append(str(failure))
        problems += [_advice(file) for file in damaged_spools()]
    Console().print(table)
    for entry in refused:
        say(f"{entry.kind} {entry.id}, tried {entry.attempts} times: {entry.problem}")
    for problem in problems:
        typer.echo(problem, err=True)
    if refused or problems:
        raise typer.Exit(1)


def _figures(spool: Spool) -> tuple[str, str, str]:
    state = spool.state()
    age = f"{(utc_now() - state.oldest_at).total_seconds():.0f} s" if state.oldest_at else ""
    return str(state.waiting), age, str(state.refused)


def _advice(file: Path) -> str:
    return f"{file} was damaged. Recover its rows with `veritas spool salvage {file}`."


@spool_commands.command("retry")
def retry(ids: IDS = None) -> None:
    """Retry refused rows, after the cause of the refusal was removed."""
    with exit_on_error("spool retry"), local_spools() as spools:
        named = None if ids is None else _all_forms(ids)
        count = sum(spool.retry(named) for spool in spools.values())
    say(f"{count} rows are tried again as soon as a service with a database runs.")


@spool_commands.command("discard")
def discard(ids: SOME_IDS, yes: YES = False) -> None:  # noqa: FBT002 - an option
    """Delete refused rows for good, if they can never be stored."""
    if not yes:
        typer.confirm(f"Delete {len(ids)} rows for good?", abort=True)
    with exit_on_error("spool discard"), local_spools() as spools:
        named = _all_forms(ids)
        say(f"{sum(spool.discard(named) for spool in spools.values())} rows are deleted.")


def _all_forms(ids: list[str]) -> list[str]:
    # An earlier release accepted ids in any Unicode form, and a terminal may type another one.
    return [form for id_ in ids for form in equivalent_ids(id_)]


@spool_commands.command("export")
def export(target: TARGET, refused: REFUSED = False) -> None:  # noqa: FBT002 - an option
    """Copy the rows of the spools into a file, a line of JSON each."""
    with exit_on_error("spool export"), local_spools() as spools:
        lines = [
            as_line(service, entry)
            for service, spool in spools.items()
            for entry in spool.all_entries(refused_only=refused)
        ]
        _write_new(target, lines)
    say(f"{len(lines)} rows are in {target}. They are students' data: keep them safe.")


@spool_commands.command("import")
def import_(file: FILE) -> None:
    """Copy the rows of another machine's spool into the spools of this one.

    The services of this machine store them as soon as they run with a database. Importing a file
    twice is harmless: its rows have ids.
    """
    with exit_on_error("spool import"), _spools() as spools:
        found = read_file(file, SPOOLABLE_TYPES)
        kept = [
            outcome
            for service, entries in found.items()
            for outcome, _ in spools[service].append(entries)
        ]
    new, known = kept.count(Outcome.STORED), kept.count(Outcome.REPEATED)
    say(f"{new} rows wait to be stored, {known} were here.")
    if different := kept.count(Outcome.CONFLICT):
        typer.echo(f"{different} rows are here with other content and were left out.", err=True)
        raise typer.Exit(1)


@spool_commands.command("salvage")
def salvage(file: DAMAGED) -> None:
    """Copy the readable rows of a damaged spool into the spool of its service.

    Rows that are already stored are recognised. The file is renamed to `salvaged`: delete it when
    no row is missing, as it holds students' data.
    """
    with exit_on_error("spool salvage"), _spools() as spools:
        service = service_of(file, SPOOLABLE_TYPES)
        entries, unreadable = checked_entries(file, SPOOLABLE_TYPES[service])
        if file.absolute() == spools[service].path.absolute():
            raise ConfigurationError(
                f"{file} is in use under its own name. Start the service: it sets a damaged spool "
                "aside under another name, which `veritas spool status` tells."
            )
        outcomes = [outcome for outcome, _ in spools[service].append(entries)]
        kept_as = mark_salvaged(file)
    new, known = outcomes.count(Outcome.STORED), outcomes.count(Outcome.REPEATED)
    say(f"{new} rows wait to be stored, {known} were here, {unreadable} could not be read.")
    if different := outcomes.count(Outcome.CONFLICT):
        say(f"{different} rows are here with other content and were left out.")
    say(f"The file stays as {kept_as}. It holds students' data: delete it once nothing is missing.")


def damaged_spools() -> list[Path]:
    """Return the damaged spools of this machine, which the services have set aside."""
    with _spools() as spools:
        return [file for spool in spools.values() for file in spool.damaged_files()]


@contextmanager
def local_spools() -> Iterator[dict[str, Spool]]:
    """Yield the existing spools of this machine by service, and close them afterwards."""
    with _spools() as spools:
        yield {service: spool for service, spool in spools.items() if spool.path.exists()}


@contextmanager
def _spools() -> Iterator[dict[str, Spool]]:
    folder = DatabaseSettings.load().spool_path
    spools = {service: Spool.of_service(folder, service) for service in SPOOLABLE_TYPES}
    try:
        yield spools
    finally:
        for spool in spools.values():
            spool.close()


def _write_new(target: Path, lines: list[str]) -> None:
    try:
        descriptor = os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
    except OSError as failure:
        raise ConfigurationError(f"{target} cannot be written: {failure.strerror}.") from failure
