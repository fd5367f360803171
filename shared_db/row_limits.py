"""Limit of a request to the rows of one person's students; it holds in threads of the request."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field


@dataclass(frozen=True)
class RowLimit:
    """Person whose students alone a request may see; an empty id sees no row.

    openings: students whom the person has opened by break-glass, each with the id of the opening,
    as the transactions of the request found them.
    """

    person_id: str
    openings: dict[str, str] = field(default_factory=dict, compare=False)


_limit: ContextVar[RowLimit | None] = ContextVar("veritas_row_limit", default=None)


def row_limit() -> RowLimit | None:
    """Return the limit of the present request, or None for systems and persons who see all."""
    return _limit.get()


def limit_rows(limit: RowLimit | None) -> None:
    """Set the limit for the rest of the request."""
    _limit.set(limit)


@contextmanager
def rows_limited_to(limit: RowLimit | None) -> Iterator[None]:
    """Set the limit for a block, and the earlier one again after it."""
    token = _limit.set(limit)
    try:
        yield
    finally:
        _limit.reset(token)
