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
def keeping_connection() -> Iterator[None]:
    """Let the units of work in this context share a connection, which the first of them opens."""
    kept = _Kept()
    token = _kept.set(kept)
    try:
        yield
    finally:
        _kept.reset(token)
        kept.drop()


@contextmanager
def kept_or_new(bind: Engine | Connection) -> Iterator[Engine | Connection]:
    """Give what a unit of work is bound to: the kept connection, or `bind` where none is kept.

    After any failure the connection is given up, since it may be what failed.
    """
    kept = _kept.get()
    if kept is None or not isinstance(bind, Engine) or bind.dialect.name != "postgresql":
        yield bind
        return
    try:
        yield kept.to(bind)
    except BaseException:
        kept.drop()
        raise
