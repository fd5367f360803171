"""The PostgreSQL of the tests: the one of TEST_DATABASE_URL, or one started for this run."""

import os
import secrets
from contextlib import ExitStack

from sqlalchemy import make_url, text

from veritas_cli.postgres.admin_connection import administering
from veritas_cli.postgres.server import temporary_postgres

# How the run's first process tells its workers; they inherit its environment.
_ADMIN_URL = "VERITAS_TEST_ADMIN_URL"
_RUN = "VERITAS_TEST_RUN"


class SuiteServer:
    """The server of one test run: started by its first process, used by all workers."""

    def __init__(self) -> None:
        self._undo = ExitStack()

    def start(self) -> None:
        """Start a server unless TEST_DATABASE_URL names one, and tell the workers its URL."""
        os.environ[_RUN] = f"veritas_test_{secrets.token_hex(4)}"
        named = os.environ.get("TEST_DATABASE_URL")
        if named:
            os.environ[_ADMIN_URL] = named
            self._undo.callback(_drop_what_is_of_the_run)
        else:
            server = self._undo.enter_context(temporary_postgres())
            os.environ[_ADMIN_URL] = server.url_of("postgres")

    def stop(self) -> None:
        """Leave nothing behind: no process, no folder, no database on a server that is not ours."""
        self._undo.close()


def admin_url() -> str:
    """Return the URL of the run's server, as a user who may create databases."""
    return os.environ[_ADMIN_URL]


def role_prefix() -> str:
    """Return what the names of this run's roles start with; roles belong to the whole server."""
    return os.environ[_RUN]


def new_name() -> str:
    """Return a database name that nobody else has; it is dropped at the end of the run."""
    return f"{os.environ[_RUN]}_{secrets.token_hex(6)}"


def create_database(admin: str, name: str, template: str | None = None) -> str:
    """Create a database, empty or a copy of one that nobody is connected to; return its URL."""
    source = f' TEMPLATE "{template}" STRATEGY file_copy' if template else " TEMPLATE template0"
    with administering(admin) as connection:
        connection.execute(text(f'CREATE DATABASE "{name}"{source}'))
    return make_url(admin).set(database=name).render_as_string(hide_password=False)


def drop_database(admin: str, name: str) -> None:
    """Drop a database, whoever is still connected to it."""
    with administering(admin) as connection:
        connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))


def _drop_what_is_of_the_run() -> None:
    run = {"run": os.environ[_RUN]}
    databases = text("SELECT datname FROM pg_database WHERE starts_with(datname, :run)")
    roles = text("SELECT quote_ident(rolname) FROM pg_roles WHERE starts_with(rolname, :run)")
    with administering(admin_url()) as connection:
        for name in connection.scalars(databases, run).all():
            connection.execute(text(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)'))
        # At once: one may have given another to a third, and could then not be dropped alone.
        names = ", ".join(connection.scalars(roles, run)).replace(":", r"\:")
        if names:
            connection.execute(text(f"DROP ROLE {names}"))
