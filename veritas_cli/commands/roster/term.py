"""`veritas term`: close a term at its end."""

from typing import Annotated

import typer

from shared_web.requests.fields import StoredId
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.datastore.roster.closing import TermClosing
from staffstuddash_service.migrations import HISTORY
from veritas_cli.database import exit_on_error, migrated_database
from veritas_cli.terminal import checked_id, say

TERM = Annotated[str, typer.Argument(help="The term's id.")]
DRY_RUN = Annotated[bool, typer.Option("--dry-run", help="Change nothing; print the account.")]

term = typer.Typer(name="term", no_args_is_help=True, help="Terms of the school calendar.")


@term.callback()
def terms() -> None:
    """Terms of the school calendar."""


@term.command("close")
def close(term_id: TERM, dry_run: DRY_RUN = False) -> None:  # noqa: FBT002 - typer's options
    """Close a term: archive its classes, end their enrolments and teaching, count the leavers.

    Classes that belong to another open term stay. Closing it again changes nothing.
    """
    with exit_on_error("term close"):
        checked = checked_id(term_id, "This cannot be a term's id", StoredId)
        manager = DatastoreManager(migrated_database("term", HISTORY))
        account = manager.year_end.close_term(checked, is_dry=dry_run)
        say(_headline(account))
        for count, text in _lines(account):
            say(f"{count:>9}  {text}")


def _headline(account: TermClosing) -> str:
    term_id, ends_on = account.term_id, account.ends_on
    if account.closed_at is not None and account.is_replay:
        return f"Term {term_id} was closed on {account.closed_at:%Y-%m-%d}. Nothing was changed."
    if account.is_dry:
        return f"Term {term_id}, last day {ends_on}, would be closed. Nothing was changed."
    return f"Term {term_id}, last day {ends_on}, is closed."


def _lines(account: TermClosing) -> list[tuple[int, str]]:
    return [
        (account.archived_classes, "classes archived"),
        (account.kept_classes, "classes kept, because another term of theirs is open"),
        (account.ended_enrolments, "enrolments ended"),
        (account.ended_teaching, "teaching assignments ended"),
        (account.leavers, "leavers: students of its archived classes without another enrolment"),
    ]
