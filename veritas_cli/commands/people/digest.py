"""`veritas digest`: the weekly digest now, or its texts without sending them."""

import asyncio
from datetime import date, timedelta
from typing import Annotated
from zoneinfo import ZoneInfo

import typer

from shared_db.clock import utc_now
from veritas_cli.database import exit_on_error
from veritas_cli.errors import CommandFailure
from veritas_cli.terminal import say
from veritas_web.digests.run import Digested, DigestRefused, DigestRun
from veritas_web.errors import ServiceAway
from veritas_web.services.all import Clients
from veritas_web.settings import Settings

DRY_RUN = Annotated[bool, typer.Option("--dry-run", help="Send nothing, print the number.")]
PERSON = Annotated[str | None, typer.Option(help="Only this member of staff: print the text.")]


def digest(dry_run: DRY_RUN = False, person: PERSON = None) -> None:  # noqa: FBT002 - typer's options
    """Send the digest of this week to each member of staff who had none yet.

    The services must run; the command reads them with WEB_KEY, in the name of each person. It works
    without DIGEST_WEEKDAY.
    """
    with exit_on_error("digest"):
        if person is not None and not dry_run:
            raise CommandFailure("--person prints a text: use it together with --dry-run.")
        settings = Settings.load()
        today = utc_now().astimezone(ZoneInfo(settings.school_timezone)).date()
        week = today - timedelta(days=today.weekday())
        try:
            found = asyncio.run(_run(settings, week, person, dry_run=dry_run))
        except ServiceAway as away:
            raise CommandFailure(f"A service does not answer: {away}. Start it first.") from away
        except DigestRefused as refusal:
            raise CommandFailure(str(refusal)) from refusal
        _report(found, week, person, dry_run=dry_run)


def _report(found: list[Digested], week: date, person: str | None, *, dry_run: bool) -> None:
    if person is not None:
        say(found[0].text or "There is nothing to send to this person.")
        return
    count = sum(one.was_sent or one.text is not None for one in found)
    verb = "would get" if dry_run else "got"
    say(f"Week of {week}: {count} people {verb} a digest, {len(found) - count} had no news.")


async def _run(
    settings: Settings, week: date, person: str | None, *, dry_run: bool
) -> list[Digested]:
    clients = Clients(settings)
    try:
        run = DigestRun(settings, clients)
        people = await run.recipients(week) if person is None else [person]
        return [await run.write(week, one, dry_run=dry_run) for one in people]
    finally:
        await clients.close()
