"""Databases on the PostgreSQL of the tests: that of TEST_DATABASE_URL, or a temporary one."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import make_url, text

from tests.support.suite_server import admin_url, role_prefix
from veritas_cli.postgres.admin_connection import administering
from veritas_cli.postgres.binaries import LocalPostgresError
from veritas_cli.postgres.server import temporary_postgres

__all__ = [
    "LocalPostgresError",
    "admin_url",
    "create_database",
    "drop_database",
    "new_name",
    "role_prefix",
    "server_of_the_run",
]


@contextmanager
def server_of_the_run() -> Iterator[str]:
    """Give the administrator's URL; leave no process, folder, database or role behind.

    Raises:
        LocalPostgresError: no server can run here.

    """
    if named := os.environ.get("TEST_DATABASE_URL"):
        yield named
        _drop_everything_of_the_run(named)
    else:
        with temporary_postgres() as server:
            yield server.url_of("postgres")


def new_name() -> str:
    """Return an unused database name; the database is dropped at the end of the run."""
    return f"{role_prefix()}_{secrets.token_hex(6)}"


def create_database(admin: str, name: str, template: str | None = None) -> str:
    """Create a database, empty or a copy of one without connections; return its URL."""
    source = f' TEMPLATE "{template}" STRATEGY file_copy' if template else " TEMPLATE template0"
    with administering(admin) as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"{source}'))
    return make_url(admin).set(database=name).render_as_string(hide_password=False)


def drop_database(admin: str, name: str) -> None:
    """Drop a database and close the connections to it."""
    with administering(admin) as connection:
        connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))


def _drop_everything_of_the_run(admin: str) -> None:
    run = {"run": role_prefix()}
    databases = text("SELECT datname FROM pg_database WHERE starts_with(datname, :run)")
    roles = text("SELECT quote_ident(rolname) FROM pg_roles WHERE starts_with(rolname, :run)")
    with administering(admin) as connection:
        for name in connection.scalars(databases, run).all():
            connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
        # In one statement: a role granted by another one of these cannot be dropped alone.
        names = ", ".join(connection.scalars(roles, run)).replace(":", r"\:")
        if names:
            connection.execute(text(f"DROP ROLE {names}"))
