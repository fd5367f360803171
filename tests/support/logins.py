"""Logins of the tests' server beside the administrator; dropped at the end of the run."""

import secrets
from dataclasses import dataclass

from sqlalchemy import make_url, text

from tests.support.server import admin_url, new_name, role_prefix
from veritas_cli.postgres.admin_connection import administering


@dataclass(frozen=True)
class Login:
    """A user of the server without superuser rights."""

    name: str
    password: str

    def url_of(self, url: str) -> str:
        """Return the URL of a database with this login in it."""
        own = make_url(url).set(username=self.name, password=self.password)
        return own.render_as_string(hide_password=False)


def a_login(*, can_create_roles: bool = False) -> Login:
    """Create a login, with or without CREATEROLE."""
    login = Login(new_name(), secrets.token_hex(8))
    option = "CREATEROLE" if can_create_roles else "NOCREATEROLE"
    with administering(admin_url()) as connection:
        query = f"CREATE ROLE {login.name} LOGIN {option} PASSWORD '{login.password}'"
        connection.execute(text(query))
    return login


def give_database(url: str, login: Login) -> str:
    """Make the login the owner of the database; return its URL with the login in it."""
    with administering(admin_url()) as connection:
        connection.execute(text(f'ALTER DATABASE "{make_url(url).database}" OWNER TO {login.name}'))
    return login.url_of(url)


def new_role_prefix() -> str:
    """Return an unused prefix of role names."""
    return f"{role_prefix()}_{secrets.token_hex(3)}"
