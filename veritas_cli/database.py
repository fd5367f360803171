"""Access of the commands to the database, and their error output."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from alembic.util import CommandError
from pydantic import SecretStr
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from shared_db.connection.database import Database
from shared_db.connection.engine import build_engine
from shared_db.connection.hosts import described_hosts
from shared_db.connection.store import try_connecting
from shared_db.errors import ConfigurationError, ServiceError
from shared_db.provisioning.migrations import History, require_migrated
from shared_db.settings import DatabaseSettings
from shared_db.spool.file import SpoolUnavailable
from shared_web.settings import ServiceSettings
from veritas_cli.errors import CommandFailure
from veritas_cli.postgres.server import running_url
from veritas_cli.settings import POSTGRES_FOLDER

# Imports and the features of all enrolments of a year take longer than requests may.
STATEMENT_SECONDS = 600


def command_settings() -> ServiceSettings:
    """Return the settings for the owner of the tables: DATABASE_ADMIN_URL, else DATABASE_URL.

    If neither is set, the URL is that of a running `veritas up`.

    Raises:
        ConfigurationError: there is no URL.

    """
    settings = ServiceSettings.load().as_admin()
    if settings.database_url is not None:
        return settings
    url = running_url(Path.cwd() / POSTGRES_FOLDER)
    if url is None:
        raise ConfigurationError(
            "There is no database: neither DATABASE_URL nor DATABASE_ADMIN_URL is set, and no "
            "`veritas up` runs here. Set one (see .env.example), or start one with `make up`."
        )
    return settings.model_copy(update={"database_url": SecretStr(url)})


def connected_engine(settings: DatabaseSettings, command: str) -> Engine:
    """Return an engine after a first connection.

    Raises:
        ConfigurationError: the settings are wrong, or the server does not answer.

    """
    engine = build_engine(settings, f"veritas-{command}")
    if try_connecting(engine, settings.url_variable) is not None:
        raise ConfigurationError(
            f"The server of {settings.url_variable} ({described_hosts(engine.url)}) does not "
            f"answer. Start it, correct "
            f"{settings.url_variable}, or unset it and let `make up` start one here."
        )
    return engine


def migrated_database(command: str, *histories: History) -> Database:
    """Return the database of the settings, for statements of up to STATEMENT_SECONDS.

    Raises:
        ConfigurationError: there is no URL, the server does not answer, or a schema is not at this
            release's revision.

    """
    engine = connected_engine(command_settings(), command)
    database = Database.for_bind(engine, statement_timeout_seconds=STATEMENT_SECONDS)
    for history in histories:
        require_migrated(database, history)
    return database


@contextmanager
def exit_on_error(command: str) -> Iterator[None]:
    """Print an expected error as one line to standard error, and exit with status 1."""
    try:
        yield
    except (CommandFailure, ConfigurationError, ServiceError, SpoolUnavailable) as refusal:
        line = str(refusal)
    except PermissionError as failure:
        line = f"{failure.filename}: permission denied. Run the command as the service's user."
    except (DBAPIError, CommandError) as failure:
        line = str(getattr(failure, "orig", failure)).strip().partition("\n")[0]
    else:
        return
    typer.echo(f"veritas {command}: {line}", err=True)
    raise typer.Exit(1)
