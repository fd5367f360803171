"""`veritas keys`: API keys of the services."""

import shlex
from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated

import typer
from rich.table import Table

from shared_db.clock import utc_now
from shared_db.connection.database import Database
from shared_db.errors import ConfigurationError, Invalid
from shared_db.pseudonyms import equivalent_ids
from shared_db.settings import DatabaseSettings
from shared_web.auth.keys import KeyManager
from shared_web.auth.validity.key_limits import checked_limits, network
from shared_web.auth.validity.revoked_keys import RevokedKeys
from shared_web.principals import KeyLimits, Permission, Scope, known_permissions
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
EXPIRES = Annotated[
    str | None,
    typer.Option(help="Last day on which the key is accepted (UTC), as 2027-07-31."),
]
ADDRESSES = Annotated[
    list[str] | None,
    typer.Option("--address", help="Address or network of its callers; repeat for several."),
]
OFFLINE = Annotated[
    bool,
    typer.Option("--offline", help="On this machine alone, without the database."),
]


def _manager() -> KeyManager:
    settings = command_settings()
    database = Database.for_bind(connected_engine(settings, "keys"))
    return KeyManager(database, pepper=settings.key_pepper.get_secret_value())


@keys.command("add")
def add(
    name: NAME,
    scope: SCOPES = None,
    permission: PERMISSIONS = None,
    expires: EXPIRES = None,
    address: ADDRESSES = None,
) -> None:
    """Make a key and show it, only this once."""
    with exit_on_error("keys add"):
        granted = (*(scope or ()), *(permission or ()))
        if not granted:
            raise ConfigurationError("A key needs a right: add --scope or --permission.")
        name = checked_id(name, "This name cannot be a key's")
        if _revoked_here().has(name):
            raise ConfigurationError(f"{name} was revoked on this machine. Choose another name.")
        key = _manager().add_key(name, granted, _limits(expires, address or ()))
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
    is_limited = any(key.expires_at or key.addresses for key in issued)
    for limit in ("expires", "addresses") if is_limited else ():
        table.add_column(limit)
    for key in issued:
        of_scopes = known_permissions(" ".join(key.scopes))
        table.add_row(
            key.name,
            " ".join(key.scopes),
            " ".join(permission for permission in key.permissions if permission not in of_scopes),
            *(_minute(instant) for instant in (key.created_at, key.last_used_at, key.revoked_at)),
            *((_minute(key.expires_at), " ".join(key.addresses)) if is_limited else ()),
        )
    command_console().print(table if issued else "There are no keys yet.")


@keys.command("revoke")
def revoke(name: NAME, offline: OFFLINE = False) -> None:  # noqa: FBT002 - an option
    """Revoke a key; services refuse it within KEY_CACHE_SECONDS.

    With --offline the services of this machine refuse it within two seconds, also while the
    database is away. Repeat the command without it when the database is back.
    """
    with exit_on_error("keys revoke"):
        if offline:
            _revoke_here(checked_id(name, "This name cannot be a key's"))
            return
        manager = _manager()
        known = {key.name for key in manager.list_keys()}
        # An earlier release stored a name in any Unicode form; a terminal may type another one.
        found = [form for form in equivalent_ids(name) if form in known]
        for each in found or [name]:
            manager.revoke_key(each)
        say(f"The key of {name} is revoked.")


def _revoked_here() -> RevokedKeys:
    return RevokedKeys(DatabaseSettings.load().spool_path)


def _revoke_here(name: str) -> None:
    revoked = _revoked_here()
    try:
        revoked.add(name)
    except OSError as failure:
        raise ConfigurationError(f"{revoked.path} cannot be written: {failure.strerror}.") from None
    say(f"A key named {name} is refused on this machine from now on.")
    typer.echo(
        f"The name cannot be compared with those of the keys now. When the database is back, revoke"
        f" it everywhere: veritas keys revoke {shlex.quote(name)}",
        err=True,
    )


def _limits(expires: str | None, addresses: Sequence[str]) -> KeyLimits:
    try:
        networks = [network(text) for text in addresses]
    except ValueError as failure:
        raise ConfigurationError(f"--address {failure}.") from failure
    try:
        return checked_limits(None if expires is None else _end_of(expires), networks, utc_now())
    except Invalid as failure:
        raise ConfigurationError(f"--expires: {failure.detail}") from failure


def _end_of(day: str) -> datetime:
    try:
        following = date.fromisoformat(day) + timedelta(days=1)
    except (ValueError, OverflowError) as failure:
        raise ConfigurationError("--expires must be a day as 2027-07-31.") from failure
    return datetime.combine(following, time(), UTC)


def _minute(instant: datetime | None) -> str:
    return f"{instant:%Y-%m-%d %H:%M}" if instant else ""
