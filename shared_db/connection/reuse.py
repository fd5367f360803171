"""Reuse of one connection by units of work that follow each other closely.

Each has its own transaction. Connecting takes longer than writing a few rows, and a new connection
has to look every table up again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from sqlalchemy import Connection, Engine


class _ReusedConnection:
    def __init__(self) -> None:
        self._connection: Connection | None = None

    def get(self, engine: Engine) -> Connection:
        if self._connection is None or self._connection.engine is not engine:
            self.drop()
            self._connection = engine.connect()
        return self._connection

    def drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()


_reused: ContextVar[_ReusedConnection | None] = ContextVar("veritas_reused", default=None)


@contextmanager
def reuse_connection() -> Iterator[None]:
    """Share one connection among the units of work in this context; the first of them opens it."""
    reused = _ReusedConnection()
    token = _reused.set(reused)
    try:
        yield
    finally:
        _reused.reset(token)
        reused.drop()


@contextmanager
def checkout(bind: Engine | Connection) -> Iterator[Connection]:
    """Yield the connection of a unit of work: the reused one of the context, or a new one.

    Any failure drops the reused one, since the connection itself may have failed.
    """
    if isinstance(bind, Connection):
        yield bind
        return
    reused = _reused.get()
    if reused is None or bind.dialect.name != "postgresql":
        with bind.connect() as connection:
            yield connection
        return
    try:
        yield reused.get(bind)
    except BaseException:
        reused.drop()
        raise
