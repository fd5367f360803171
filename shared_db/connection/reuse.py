"""One connection for units of work that follow each other closely, each with its own transaction.

Connecting takes longer than writing a few rows, and a new connection has to look every table up
anew. Whoever knows that more comes at once keeps the connection for as long as it does.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from sqlalchemy import Connection, Engine


class _Kept:
    def __init__(self) -> None:
        self._connection: Connection | None = None

    def to(self, engine: Engine) -> Connection:
        if self._connection is None or self._connection.engine is not engine:
            self.drop()
            self._connection = engine.connect()
        return self._connection

    def drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


_kept: ContextVar[_Kept | None] = ContextVar("veritas_kept_connection", default=None)


@contextmanager
def reuse_connection() -> Iterator[None]:
    """Let the units of work in this context share a connection, which the first of them opens."""
    kept = _Kept()
    token = _kept.set(kept)
    try:
        yield
    finally:
        _kept.reset(token)
        kept.drop()


@contextmanager
def connected(bind: Engine | Connection) -> Iterator[Connection]:
    """Give the connection of a unit of work: the kept one, or the engine's where none is kept.

    After any failure the kept one is given up, since it may be what failed.
    """
    if isinstance(bind, Connection):
        yield bind
        return
    kept = _kept.get()
    if kept is None or bind.dialect.name != "postgresql":
        with bind.connect() as connection:
            yield connection
        return
    try:
        yield kept.to(bind)
    except BaseException:
        kept.drop()
        raise
