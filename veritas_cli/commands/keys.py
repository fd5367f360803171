"""`veritas keys`: API keys of the services."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from shared_db.connection.database import Database
from shared_db.pseudonyms import equivalent_ids
from shared_web.auth.keys import KeyManager, Scope
from veritas_cli.database import command_settings, connected_engine, exit_on_error
from veritas_cli.terminal import checked_id, say

keys = typer.Typer(help="Add, list and revoke API keys.", no_args_is_help=True)

NAME = Annotated[str, typer.Argument(help="The key's owner, as named in the action log.")]
SCOPES = Annotated[
    list[Scope], typer.Option("--scope", help="A right of the key; repeat for several.")
]


def _manager() -> KeyManager:
    settings = command_settings()
    database = Database.for_bind(connected_engine(settings, "keys"))
    return KeyManager(database, pepper=settings.key_pepper.get_secret_value())


@keys.command("add")
def add(name: NAME, scope: SCOPES) -> None:
    """Make a key and show it, only this once."""
    with exit_on_error("keys add"):
        key = _manager().add_key(checked_id(name, "This name cannot be a key's"), scope)
        say(key)
        typer.echo(
            f"This is the key of {name}. It is shown only now: keep it safe, and send it as "
            "`Authorization: Bearer KEY`. Services that started without any key ask for keys "
            "after their next start.",
            err=True,
        )


@keys.command("list")
def list_keys() -> None:
    """List the keys: names, scopes, dates; never the keys themselves."""
    with exit_on_error("keys list"):
        rows = _manager().list_keys()
    table = Table("name", "scopes", "made", "revoked")
    for row in rows:
        revoked = f"{row.revoked_at:%Y-%m-%d %H:%M}" if row.revoked_at else ""
        table.add_row(row.name, row.scopes, f"{row.created_at:%Y-%m-%d %H:%M}", revoked)
    Console().print(table if rows else "There are no keys yet.")


@keys.command("revoke")
def revoke(name: NAME) -> None:
    """Revoke a key; services refuse it within KEY_CACHE_SECONDS."""
    with exit_on_error("keys revoke"):
        manager = _manager()
        known = {key.name for key in manager.list_keys()}
        # An earlier release stored a name in any Unicode form; a terminal may type another one.
        found = [form for form in equivalent_ids(name) if form in known]
        for each in found or [name]:
            manager.revoke_key(each)
        say(f"The key of {name} is revoked.")
