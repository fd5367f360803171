"""Replay of spooled rows: a mark on the present context, which repositories and inserts read."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_is_replaying: ContextVar[bool] = ContextVar("veritas_replaying", default=False)


@contextmanager
def replaying() -> Iterator[None]:
    """Mark this context: its rows come from the spool, and were accepted before."""
    token = _is_replaying.set(True)
    try:
        yield
    finally:
        _is_replaying.reset(token)


def is_replaying() -> bool:
    """Return True if the rows of this context come from the spool."""
    return _is_replaying.get()
