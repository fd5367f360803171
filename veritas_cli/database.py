"""How commands reach the database, and how they say that they cannot."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import typer
from alembic.util import CommandError
from pydantic import SecretStr
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from shared_db.connection.engine import build_engine
from shared_db.connection.store import try_connecting
from shared_db.errors import ConfigurationError, ServiceError
from shared_db.settings import DatabaseSettings
from shared_web.settings import ServiceSettings
from veritas_cli.postgres.server import LocalPostgresError, running_url
from veritas_cli.settings import POSTGRES_FOLDER


def command_settings() -> ServiceSettings:
    """Return the settings of whoever owns the tables: DATABASE_ADMIN_URL, else DATABASE_URL.

    Where neither is set, with the URL of a running `veritas up`.

    Raises:
        ConfigurationError: there is neither.

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
    """Return an engine whose server answered.

    Raises:
        ConfigurationError: the settings do not work, or the server does not answer.

    """
    engine = build_engine(settings, f"veritas-{command}")
    if try_connecting(engine, settings.url_variable) is not None:
        raise ConfigurationError(
            f"The server of {settings.url_variable} ({engine.url.host or 'local socket'}:"
            f"{engine.url.port or 5432}) does not answer. Start it, correct "
            f"{settings.url_variable}, or unset it and let `make up` start one here."
        )
    return engine


@contextmanager
def refusals_in_one_line(command: str) -> Iterator[None]:
    """Turn what can go wrong with a command into one line and exit status 1."""
    try:
        yield
    except (ConfigurationError, LocalPostgresError, ServiceError) as refusal:
        line = str(refusal)
    except (DBAPIError, CommandError) as failure:
        line = str(getattr(failure, "orig", failure)).strip().partition("\n")[0]
    else:
        return
    typer.echo(f"veritas {command}: {line}", err=True)
    raise typer.Exit(1)
