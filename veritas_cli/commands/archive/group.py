"""`veritas archive`: write closed months of events to files, list, query and restore them."""

import csv
import sys
from collections.abc import Sequence
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from monitoring_service.database import MonitoringDatabase
from monitoring_service.database.log_archives import Part, Summary
from monitoring_service.database.months import first_of_month
from monitoring_service.migrations import HISTORY
from shared_db.clock import utc_now
from shared_db.errors import ConfigurationError, NeedsPostgresql
from veritas_cli.database import exit_on_error, migrated_database
from veritas_cli.log_archives.files import Archives, Manifest
from veritas_cli.log_archives.parquet import queried, rows_of, summary_of, write_parquet
from veritas_cli.settings import ArchiveSettings
from veritas_cli.terminal import say

FOLDER = Annotated[
    Path | None, typer.Option("--folder", help="Folder of the archives, else ARCHIVE_PATH.")
]
DRY_RUN = Annotated[bool, typer.Option("--dry-run", help="List the months, and move nothing.")]
KEEP = Annotated[
    int, typer.Option("--keep-months", min=0, help="Closed months that stay in the database.")
]
NAME = Annotated[str, typer.Argument(help="Name of an archive, as `veritas archive list` has it.")]
SQL = Annotated[str, typer.Argument(help="A query on the table `logs`.")]

archive = typer.Typer(help="Write closed months of events to files; list, query, restore them.")


@archive.callback(invoke_without_command=True)
def archive_months(
    context: typer.Context,
    folder: FOLDER = None,
    keep_months: KEEP = 3,
    dry_run: DRY_RUN = False,  # noqa: FBT002 - typer's options
) -> None:
    """Write the closed months of monitoring's events to Parquet files, then drop them.

    A month is dropped after its file was read back and has exactly its rows. Safe to interrupt and
    to repeat. Archives older than RETENTION_ARCHIVES_DAYS are deleted.
    """
    if context.invoked_subcommand is not None:
        return
    with exit_on_error("archive"):
        settings, archives = _opened(folder)
        monitoring = _monitoring()
        today = utc_now().date()
        until = first_of_month(today)
        for _ in range(keep_months):
            until = first_of_month(until - timedelta(days=1))
        parts = monitoring.archives.closed(until)
        for part in parts:
            if dry_run:
                say(f"{part.name}: would be archived")
            else:
                manifest = _archived(monitoring, archives, part)
                say(_described(manifest) if manifest else f"{part.name}: empty, dropped")
        if not parts:
            say(f"No month before {until} is in the database.")
        if settings.retention_archives_days is not None and not dry_run:
            limit = today - timedelta(days=settings.retention_archives_days)
            for name in archives.delete_before(limit):
                say(f"{name}: deleted, because it is older than RETENTION_ARCHIVES_DAYS")


@archive.command("list")
def list_archives(folder: FOLDER = None) -> None:
    """List the archives."""
    with exit_on_error("archive list"):
        _, archives = _opened(folder)
        found = archives.all()
        for manifest in found:
            say(_described(manifest))
        if not found:
            say(f"There is no archive in {archives.folder}.")


@archive.command("restore")
def restore_archive(name: NAME, folder: FOLDER = None) -> None:
    """Bring the events of an archive back into the database; the file stays.

    Events that are there stay as they are. Run it again after an interruption.
    """
    with exit_on_error("archive restore"):
        _, archives = _opened(folder)
        manifest = archives.get(name)
        count = _brought_back(_monitoring(), archives, name)
        say(f"{name}: {count:,} of {manifest.rows:,} events restored; the others were there.")


@archive.command("query")
def query_archives(sql: SQL, folder: FOLDER = None) -> None:
    """Run SQL of DuckDB on the table `logs` of all archives, and print CSV.

    For example: SELECT source, status, count(*) FROM logs GROUP BY ALL
    """
    with exit_on_error("archive query"):
        _, archives = _opened(folder)
        files = [archives.file_of(archives.get(one.name).name) for one in archives.all()]
        if not files:
            raise ConfigurationError(f"There is no archive in {archives.folder}.")
        columns, rows = queried(files, sql)
        _print(columns, rows)


def unsearched_archives() -> str:
    """Return the line by which other commands say that they do not search archives."""
    days = ArchiveSettings.load().retention_archives_days
    kept = "for good" if days is None else f"for {days} days"
    return f"{'archives of monitoring':<36} are not searched, and kept {kept}"


def _print(columns: Sequence[str], rows: object) -> None:
    writer = csv.writer(sys.stdout)
    writer.writerow(columns)
    writer.writerows(rows)  # type: ignore[arg-type] # an iterator of DuckDB's rows


def _opened(folder: Path | None) -> tuple[ArchiveSettings, Archives]:
    settings = ArchiveSettings.load()
    return settings, Archives(folder or settings.archive_path)


def _monitoring() -> MonitoringDatabase:
    monitoring = MonitoringDatabase(migrated_database("archive", HISTORY))
    if monitoring.use_fallback:
        raise NeedsPostgresql("The in-memory store has no months.")
    return monitoring


def _brought_back(monitoring: MonitoringDatabase, archives: Archives, name: str) -> int:
    """Insert the events of an archive that are not stored; return their number.

    Late events of other months wait in the default part: they go into the same archive again.
    """
    is_month = name[:1].isdigit()
    made, count = set[date](), 0
    for rows in rows_of(archives.file_of(name)):
        for month in {first_of_month(row["timestamp"].date()) for row in rows} - made:
            if not is_month or f"{month:%Y-%m}" == name:
                monitoring.months.prepare(month, ahead=0)
            made.add(month)
        count += monitoring.archives.bring_back(rows)
    return count


def _archived(monitoring: MonitoringDatabase, archives: Archives, part: Part) -> Manifest | None:
    if archives.has(part.name):
        # After a restore that was interrupted the database has a part of the events alone, and the
        # new file must not replace one with more.
        _brought_back(monitoring, archives, archives.get(part.name).name)
    published: list[Manifest] = []
    with archives.partial(".csv") as rows, archives.partial(".parquet") as parquet:
        keep = partial(_keep, archives, part, Path(rows.name), Path(parquet.name), published)
        monitoring.archives.take_out(part, rows, keep)
    return published[0] if published else None


def _keep(
    archives: Archives,
    part: Part,
    rows: Path,
    parquet: Path,
    published: list[Manifest],
    summary: Summary,
) -> None:
    """Write the file, read it back, and give it its name.

    Raises:
        ConfigurationError: the file has not exactly the rows of the database.

    """
    if not summary.rows:
        return
    write_parquet(rows, parquet)
    if summary_of(parquet) != summary:
        raise ConfigurationError(
            f"The archive of {part.name} has other rows than the database. Nothing was dropped."
        )
    published.append(archives.publish(part, parquet, summary, utc_now()))


def _described(manifest: Manifest) -> str:
    first, last = ((instant or "")[:10] for instant in (manifest.first, manifest.last))
    return (
        f"{manifest.name}: {manifest.rows:,} events, {first} to {last},"
        f" {manifest.size / 1_000_000:,.1f} MB"
    )
