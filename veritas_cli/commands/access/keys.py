"""`veritas keys`: API keys of the services."""

from datetime import datetime
from typing import Annotated

import typer
from rich.table import Table

from shared_db.connection.database import Database
from shared_db.errors import ConfigurationError
from shared_db.pseudonyms import equivalent_ids
from shared_web.auth.keys import KeyManager
from shared_web.principals import Permission, Scope, known_permissions
from veritas_cli.database import command_settings, connected_engine, exit_on_error
from veritas_cli.terminal import checked_id, command_console, say

keys = typer.Typer(help="Add, list and revoke API keys.", no_args_is_help=True)

NAME = Annotated[str, typer.Argument(help="The key's owner, as named in the action log.")]
SCOPES = Annotated[
    list[Scope] | None,
    typer.Option("--scope", help="A set of permissions; repeat for several."),
]
PERMISSIONS = Annotated[
    list[Permission] | None,
    typer.Option("--permission", help="A permission beside the scopes; repeat for several."),
]


def _manager() -> KeyManager:
    settings = command_settings()
    database = Database.for_bind(connected_engine(settings, "keys"))
    return KeyManager(database, pepper=settings.key_pepper.get_secret_value())


@keys.command("add")
def add(name: NAME, scope: SCOPES = None, permission: PERMISSIONS = None) -> None:
    """Make a key and show it, only this once."""
    with exit_on_error("keys add"):
        granted = (*(scope or ()), *(permission or ()))
        if not granted:
            raise ConfigurationError("A key needs a right: add --scope or --permission.")
        key = _manager().add_key(checked_id(name, "This name cannot be a key's"), granted)
        say(key)
        typer.echo(
            f"This is the key of {name}. It is shown only now: keep it safe, and send it as "
            "`Authorization: Bearer KEY`. Services that started without any key ask for keys "
            "after their next start.",
            err=True,
        )


@keys.command("list")
def list_keys() -> None:
    """List the keys: names, rights, dates; never the keys themselves.

    The last use is some minutes late, and that of a process that was killed may be missing.
    """
    with exit_on_error("keys list"):
        issued = _manager().list_keys()
    table = Table("name", "scopes", "permissions beside")
    for instant in ("made", "last used", "revoked"):
        table.add_column(instant, no_wrap=True)
    for key in issued:
        of_scopes = known_permissions(" ".join(key.scopes))
        table.add_row(
            key.name,
            " ".join(key.scopes),
            " ".join(permission for permission in key.permissions if permission not in of_scopes),
            *(_minute(instant) for instant in (key.created_at, key.last_used_at, key.revoked_at)),
        )
    command_console().print(table if issued else "There are no keys yet.")


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


def _minute(instant: datetime | None) -> str:
    return f"{instant:%Y-%m-%d %H:%M}" if instant else ""
