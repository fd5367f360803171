"""Administrator's connection to a local server."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, NullPool, create_engine

from shared_db.connection.engine import normalised_url

HOST = "127.0.0.1"
USER = "veritas"


@contextmanager
def administering(url: str) -> Iterator[Connection]:
    """Yield a connection in autocommit mode, as CREATE DATABASE needs it."""
    engine = create_engine(
        normalised_url(url),
        poolclass=NullPool,
        isolation_level="AUTOCOMMIT",
        connect_args={"connect_timeout": 5},
    )
    with engine.connect() as connection:
        yield connection


def server_url(port: int, password: str, database: str) -> str:
    """Return the URL of a database on a local server."""
    return f"postgresql://{USER}:{password}@{HOST}:{port}/{database}"
