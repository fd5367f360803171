"""`veritas people`: access of the members of staff, and their invitations to the pages."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Column, Table

from shared_web.auth.migrations import HISTORY as ACCESS
from shared_web.auth.persons import DEFAULT_ROLES
from shared_web.auth.roles import RoleManager
from shared_web.requests.fields import StoredId
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.datastore.roster.person_access import Access
from staffstuddash_service.migrations import HISTORY
from veritas_cli.database import exit_on_error, migrated_database
from veritas_cli.errors import CommandFailure
from veritas_cli.terminal import checked_id, say
from veritas_web.settings import Settings as WebSettings

people = typer.Typer(
    help="List staff, give them roles, invite them, and revoke access.", no_args_is_help=True
)

PERSON = Annotated[str, typer.Argument(help="The id of the member of staff.")]
DAYS = Annotated[int, typer.Option(min=1, max=30, help="Days until the link expires.")]
ROLE = Annotated[str, typer.Argument(help="admin, principal, advisor, teacher, or your own role.")]
_FOLLOW = "The services follow within KEY_CACHE_SECONDS."
_NO_ID = "This cannot be a person's id"


@people.callback()
def group() -> None:
    """List staff, give them roles, invite them, and revoke access."""


@people.command("list")
def list_people() -> None:
    """List the staff of the roster: id, name, role, and access."""
    with exit_on_error("people list"):
        staff = DatastoreManager(migrated_database("people", HISTORY)).person_access.list_staff()
    table = Table(Column("id", overflow="fold"), "name", "role", "access")
    for one in staff:
        table.add_row(one.person_id, one.name, one.staff_role.value, _access(one))
    Console().print(table if staff else "There are no members of staff in the roster yet.")


@people.command("set-role")
def set_role(person_id: PERSON, role: ROLE) -> None:
    """Give a role, also after a revocation; services follow within KEY_CACHE_SECONDS."""
    with exit_on_error("people set-role"):
        checked = checked_id(person_id, _NO_ID, StoredId)
        database = migrated_database("people", HISTORY, ACCESS)
        roles = RoleManager(database)
        if roles.find(role) is None:
            names = ", ".join(each.name for each in roles.list_roles())
            raise CommandFailure(f"There is no role {role}. Choose one of {names}.")
        datastore = DatastoreManager(database)
        datastore.person_access.give(checked, role, actor="veritas people set-role")
        say(f"{checked} has the role {role}. {_FOLLOW}")


@people.command("revoke")
def revoke(person_id: PERSON) -> None:
    """Revoke the access: every token is refused within KEY_CACHE_SECONDS, until a role is given."""
    with exit_on_error("people revoke"):
        checked = checked_id(person_id, _NO_ID, StoredId)
        datastore = DatastoreManager(migrated_database("people", HISTORY))
        datastore.person_access.revoke(checked, actor="veritas people revoke")
        say(f"The access of {checked} is revoked. {_FOLLOW}")


@people.command("invite")
def invite(person_id: PERSON, days: DAYS = 7) -> None:
    """Print a link by which the person signs in once; it replaces an earlier one.

    The link signs in as this person, so send it to nobody else.
    """
    with exit_on_error("people invite"):
        checked = checked_id(person_id, _NO_ID, StoredId)
        datastore = DatastoreManager(migrated_database("people", HISTORY))
        if datastore.person_access.get(checked).is_revoked:
            raise CommandFailure(
                f"The access of {checked} is revoked. Give a role first: "
                f"veritas people set-role {checked} ROLE."
            )
        invited = datastore.sign_ins.invite(checked, days=days, actor="veritas people invite")
        say(WebSettings.load().invitation_link(invited.token))
        say(f"Valid once, until {invited.expires_at:%Y-%m-%d %H:%M} UTC.")


def _access(one: Access) -> str:
    if one.is_revoked:
        return "revoked"
    return one.role or f"{DEFAULT_ROLES[one.staff_role]} (by default)"
