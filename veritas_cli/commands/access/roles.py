"""`veritas roles`: roles of persons, beside the built-in ones."""

from typing import Annotated

import typer
from rich.table import Table

from shared_db.connection.database import Database
from shared_web.auth.roles import RoleManager
from shared_web.principals import Permission
from veritas_cli.database import command_settings, connected_engine, exit_on_error
from veritas_cli.terminal import command_console, say

roles = typer.Typer(help="List, set and remove roles of persons.", no_args_is_help=True)

NAME = Annotated[str, typer.Argument(help="The role's name: lower-case letters, digits, _ and -.")]
PERMISSIONS = Annotated[
    list[Permission], typer.Option("--permission", help="A permission; repeat for several.")
]
SEES_ALL = Annotated[
    bool,
    typer.Option("--sees-all", help="Every student, not only those taught or advised."),
]


def _manager() -> RoleManager:
    return RoleManager(Database.for_bind(connected_engine(command_settings(), "roles")))


@roles.command("list")
def list_roles() -> None:
    """List all roles: the built-in ones, then those of the school."""
    with exit_on_error("roles list"):
        found = _manager().list_roles()
    table = Table("name", "students", "permissions", "built in")
    for role in found:
        sight = "all" if role.sees_all else "own"
        built_in = "yes" if role.is_built_in else ""
        table.add_row(role.name, sight, " ".join(sorted(role.permissions)), built_in)
    command_console().print(table)


@roles.command("set")
def put_role(name: NAME, permission: PERMISSIONS, sees_all: SEES_ALL = False) -> None:  # noqa: FBT002 - typer's options
    """Store a role, or replace its permissions; services follow within KEY_CACHE_SECONDS."""
    with exit_on_error("roles set"):
        _, is_new = _manager().put_role(name, permission, sees_all=sees_all)
        say(f"The role {name} is {'new' if is_new else 'replaced'}.")


@roles.command("remove")
def delete_role(name: NAME) -> None:
    """Delete a role; persons who have it alone may do nothing from then on."""
    with exit_on_error("roles remove"):
        _manager().delete_role(name)
        say(f"The role {name} is removed.")
