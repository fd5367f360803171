"""`veritas audit`: the check of the record of reads of students' data."""

from datetime import date, datetime
from typing import Annotated

import typer

from dropout_service.migrations import HISTORY as DROPOUT
from shared_db.audit.verification import AuditReport, verify_reads
from staffstuddash_service.migrations import HISTORY as STAFFSTUDDASH
from veritas_cli.database import command_settings, connected_engine, exit_on_error
from veritas_cli.errors import CommandFailure
from veritas_cli.terminal import say

audit = typer.Typer(help="Check the record of reads of students' data.", no_args_is_help=True)

DAY = Annotated[
    datetime | None,
    typer.Option("--day", formats=["%Y-%m-%d"], help="Only the chains of this day in UTC."),
]
CHAINS = Annotated[
    bool, typer.Option("--chains", help="Print the last digest of each chain, to keep elsewhere.")
]
_MOST_FAULTS = 20


@audit.callback()
def group() -> None:
    """Check the record of reads of students' data."""


@audit.command("verify")
def verify(day: DAY = None, chains: CHAINS = False) -> None:  # noqa: FBT002 - typer's options
    """Check all chains of reads; exit with 1 if a row was changed, removed or moved."""
    with exit_on_error("audit verify"):
        reports = _reports(day.date() if day else None)
        for schema, report in reports.items():
            say(f"{schema}: {report.rows} reads in {len(report.chains)} chains")
            for chain in report.chains if chains else ():
                say(f"  {chain.chain} {chain.last} {chain.digest}")
            for fault in report.faults[:_MOST_FAULTS]:
                say(f"  {fault}")
        count = sum(len(report.faults) for report in reports.values())
        if count:
            raise CommandFailure(
                f"The record of reads does not hold: {count} faults, of which up to {_MOST_FAULTS} "
                "of each service are listed. Compare it with a backup."
            )
        say("All chains hold.")


def _reports(day: date | None) -> dict[str, AuditReport]:
    engine = connected_engine(command_settings(), "audit")
    with engine.connect() as connection, connection.begin():
        schemas = [STAFFSTUDDASH.schema, DROPOUT.schema]
        return {schema: verify_reads(connection, schema, day) for schema in schemas}
