"""Logins of the services; their rights come from the roles that are granted to them."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from psycopg2.extensions import encrypt_password
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from shared_db.errors import ConfigurationError
from shared_db.provisioning.grants import RolesRefused, retry_role_change
from shared_db.provisioning.scram import is_random, scram_verifier

_ROLE = text(
    "SELECT rolcanlogin, rolsuper OR rolcreaterole OR rolname = current_user AS is_administrator"
    " FROM pg_roles WHERE rolname = :name"
)
# Some hosted servers store passwords elsewhere and accept plain text only.
_WANTS_PLAIN = "plaintext password"


@dataclass(frozen=True)
class Login:
    """User of the server and its password."""

    name: str
    password: str = field(repr=False)


def make_logins(engine: Engine, logins: Sequence[Login]) -> None:
    """Create the missing logins, and set the passwords of all; all or nothing.

    The server receives a verifier, never the password, so that no log of its statements contains
    it.

    Raises:
        ConfigurationError: a name is that of an administrator or of a role without login, or the
            server accepts passwords in plain text only.
        RolesRefused: this user may not create or change logins.

    """

    def make(connection: Connection) -> None:
        for login in logins:
            verifier = {"verifier": password_verifier(connection, login)}
            connection.execute(text(_statement(connection, login)), verifier)

    try:
        retry_role_change(engine, make)
    except RolesRefused as refusal:
        names = ", ".join(login.name for login in logins)
        raise RolesRefused(
            f"The logins {names} cannot be made or changed: {refusal}. Make them by hand, see "
            "docs/database.md."
        ) from refusal
    except DBAPIError as failure:
        if _WANTS_PLAIN not in str(failure.orig):
            raise
        raise ConfigurationError(
            "This server takes passwords only as they are, which Veritas does not send. Make the "
            "logins by hand, see docs/database.md."
        ) from None


def _statement(connection: Connection, login: Login) -> str:
    found = connection.execute(_ROLE, {"name": login.name}).one_or_none()
    if found is not None and found.is_administrator:
        raise ConfigurationError(
            f"{login.name} is an administrator of the server: a service needs a login with less."
        )
    if found is not None and not found.rolcanlogin:
        raise ConfigurationError(
            f"{login.name} is a role without login: give the service's login another name."
        )
    verb = "CREATE" if found is None else "ALTER"
    # SQLAlchemy would read a colon as the start of a parameter.
    name = login.name.replace('"', '""').replace(":", r"\:")
    return f'{verb} ROLE "{name}" LOGIN PASSWORD :verifier'


def password_verifier(connection: Connection, login: Login) -> str:
    """Return the SCRAM verifier of the password, which is sent to the server instead of it.

    One round of hashing is enough for a random password. Others get the number of the server.
    """
    if is_random(login.password):
        return scram_verifier(login.password)
    driver = connection.connection.driver_connection
    return str(encrypt_password(login.password, login.name, driver, "scram-sha-256"))
