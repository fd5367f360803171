"""`veritas retention`: rows that are older than the settings allow, counted or deleted."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer
from sqlalchemy import Engine

from dropout_service.database import DropoutDatabaseManager
from monitoring_service.database import MonitoringDatabase
from shared_db.connection.database import Database
from shared_db.retention.reads import AUDIT
from shared_db.retention.reports import Account, RetentionReport
from staffstuddash_service.datastore import DatastoreManager
from veritas_cli.database import (
    STATEMENT_SECONDS,
    command_settings,
    connected_engine,
    exit_on_error,
)
from veritas_cli.personal_data.erasures import erase_again, record_erasures
from veritas_cli.services import SETTINGS
from veritas_cli.terminal import say

DRY_RUN = Annotated[bool, typer.Option("--dry-run", help="Count, and delete nothing.")]

_HEADER = ("table", "kind", "days", "due", "held", "oldest kept")
_ACTOR = "veritas retention"
# Services that record reads of students' data.
_AUDITED = ("staffstuddash", "dropout")


def retention(*, dry_run: DRY_RUN = False) -> None:
    """Delete the rows that are older than RETENTION_<KIND>_DAYS, in all services.

    Rows of students under a legal hold stay. Safe to interrupt and to repeat, and beside running
    services: if one of them is deleting by age, the command skips it. The settings must be those of
    the services. --dry-run lists the numbers for each table, and the oldest day that is kept.
    """
    with exit_on_error("retention"):
        engine = connected_engine(command_settings(), "retention")
        if dry_run:
            _print_accounts(_accounts(engine))
            return
        again = erase_again(engine, _ACTOR)
        if again:
            say(f"{again:,} students with a tombstone had rows, and are erased again.")
        report_runs(run_retention(engine))


def run_retention(engine: Engine) -> Mapping[str, RetentionReport]:
    """Delete by age in all services; return their reports.

    Raises:
        ConfigurationError: a setting cannot be used.
        DatabaseUnavailable: the server does not answer.

    """
    managers = _managers(engine)
    reports = {
        service: manager.retention.run(SETTINGS[service]().retention_days)
        for service, manager in managers.items()
    }
    for service, days in _audit_days().items():
        reports[service].deleted.update(managers[service].read_retention.run(days))
    record_erasures(engine)
    while managers["dropout"].students.erase_deleted():
        pass  # the rows of leavers, a hundred students at a time
    return reports


def report_runs(reports: Mapping[str, RetentionReport]) -> None:
    """Print the numbers of deleted rows by table, and what is left."""
    for service, report in reports.items():
        for table, count in sorted((+report.deleted).items()):
            say(f"{f'{service}.{table}':<36} {count:>9,} deleted")
        if report.is_skipped:
            say(f"{service:<36}           skipped: another process deletes by age")
        if report.busy:
            say(f"{service:<36} {report.busy:>9,} students are in use; run it again for them")
    total = sum(report.rows for report in reports.values())
    say(f"{total:,} rows were deleted by age.")


def _managers(engine: Engine) -> Mapping[str, Any]:
    database = Database.for_bind(engine, statement_timeout_seconds=STATEMENT_SECONDS)
    return {
        "staffstuddash": DatastoreManager(database),
        "dropout": DropoutDatabaseManager(database),
        "monitoring": MonitoringDatabase(database),
    }


def _accounts(engine: Engine) -> Mapping[str, Sequence[Account]]:
    accounts: dict[str, Sequence[Account]] = {}
    for service, manager in _managers(engine).items():
        days = SETTINGS[service]().retention_days
        accounts[service] = manager.retention.account(days)
        if service in _AUDITED:
            of_reads = manager.read_retention.account(days.get(AUDIT))
            accounts[service] = [*accounts[service], *of_reads]
    return accounts


def _audit_days() -> Mapping[str, int]:
    """Return the days after which reads are deleted, by service; only the owner may do so."""
    days = {service: SETTINGS[service]().retention_days.get(AUDIT) for service in _AUDITED}
    return {service: limit for service, limit in days.items() if limit is not None}


def _print_accounts(accounts: Mapping[str, Sequence[Account]]) -> None:
    rows = [
        (
            f"{service}.{one.table}",
            one.kind,
            "kept" if one.days is None else str(one.days),
            f"{one.due:,}",
            f"{one.held:,}",
            "" if one.oldest is None else one.oldest.isoformat(),
        )
        for service, of_service in accounts.items()
        for one in of_service
    ]
    for table, kind, days, due, held, oldest in (_HEADER, *rows):
        say(f"{table:<36} {kind:<12} {days:>6} {due:>12} {held:>10}  {oldest}".rstrip())
