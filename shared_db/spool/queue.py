"""The spool: what was accepted while the database was away, in a file shared by the workers."""

import json
import logging
import sqlite3
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from shared_db.background_work.state_log import StateLog
from shared_db.spool.connection import unusable
from shared_db.spool.file import (
    Entry,
    SpoolFull,
    SpoolLimits,
    SpoolState,
    SpoolUnavailable,
    keep,
    size_bytes,
)
from shared_db.spool.store import SpoolStore
from shared_db.writes.idempotent_insert import Outcome

__all__ = [
    "Entry",
    "Spool",
    "SpoolState",
    "SpoolUnavailable",
    "asked",
    "is_replaying",
    "replaying",
]

logger = logging.getLogger(__name__)

T = TypeVar("T")

_is_giving_back: ContextVar[bool] = ContextVar("veritas_giving_back", default=False)


def is_replaying() -> bool:
    """Tell whether what is stored in this context comes from the spool."""
    return _is_giving_back.get()


@contextmanager
def replaying() -> Iterator[None]:
    """Let additions in this context reach the database, and nothing else: they wait already."""
    token = _is_giving_back.set(True)
    try:
        yield
    finally:
        _is_giving_back.reset(token)


_questions = StateLog(logger, "the spool cannot be read", "the spool can be read again")


def asked(question: Callable[[], T], unknown: T) -> T:
    """Return what a question to a spool finds, `unknown` where its file cannot be used.

    The log says so, once; what the database knows counts.
    """
    try:
        found = question()
    except SpoolUnavailable as failure:
        _questions.report(failure)
        return unknown
    _questions.report(None)
    return found


@dataclass
class _Request:
    entries: Sequence[Entry]
    outcomes: list[tuple[Outcome, Entry]] | None = None
    failure: Exception | None = None


class Spool(SpoolStore):
    """The spool of one service. Nothing is answered before it is on the disk.

    Raises SpoolUnwritable from every method when the file cannot be used.
    """

    def __init__(self, path: Path, limits: SpoolLimits | None = None) -> None:
        super().__init__(path)
        self.limits = limits or SpoolLimits()
        self._queue: deque[_Request] = deque()
        # Of which kinds this process stored something that did not have to wait.
        self.kinds_stored: set[str] = set()
        self._additions = StateLog(logger, "nothing can be spooled", "additions are spooled again")

    @classmethod
    def of_service(cls, folder: Path, service: str, limits: SpoolLimits | None = None) -> "Spool":
        """Return the spool of a service in the folder of SPOOL_PATH."""
        return cls(folder / f"{service}-spool.db", limits)

    def accept(self, entries: Sequence[Entry]) -> list[tuple[Outcome, Entry]]:
        """Keep the entries whose id is new; return what became of each and what is kept, in order.

        Those who come at the same time share one transaction.
        """
        request = _Request(entries)
        self._queue.append(request)
        with self._writer.lock:
            if request.outcomes is None and request.failure is None:
                self._accept_queued()
        if request.outcomes is None:
            raise unusable(self.path, "written", request.failure) from request.failure
        return request.outcomes

    def report(self, failure: SpoolUnavailable | None) -> None:
        """Log why nothing can be kept, and when it can again."""
        self._additions.report(failure)

    def find(self, kind: str, id_: str) -> Entry | None:
        """Return the waiting addition of that id."""
        where = "problem IS NULL AND kind = ? AND id = ?"
        return next(iter(self.entries(where, (kind, id_))), None)

    def holds(self, ids: Iterable[object]) -> bool:
        """Tell whether an addition waits that has one of these ids, or is about one of them."""
        named = [id_ for id_ in ids if isinstance(id_, str)]
        marks = ", ".join("?" * len(named))
        where = f"problem IS NULL AND (id IN ({marks}) OR subject IN ({marks}))"
        return bool(self.entries(where, (*named, *named), limit=1))

    def waits_before(self, kind: str, id_: str, subject: str | None) -> bool:
        """Tell whether something waits that must be stored first: of that id or that subject."""
        where = "problem IS NULL AND (kind = ? AND id = ? OR subject = ?)"
        return bool(self.entries(where, (kind, id_, subject), limit=1))

    def any_waiting(self, subjects: Collection[str]) -> bool:
        """Return True if something of one of these subjects waits."""
        query = (
            "SELECT 1 FROM spool WHERE problem IS NULL"
            " AND subject IN (SELECT value FROM json_each(?)) LIMIT 1"
        )
        with self.connection() as connection:
            return connection.execute(query, (json.dumps(list(subjects)),)).fetchone() is not None

    def waiting_of(self, subjects: Collection[str] | None = None) -> dict[str, int]:
        """Return how many additions wait of each of the subjects, or of all; no zeros."""
        which = "subject IN (SELECT value FROM json_each(?))"
        named = "subject IS NOT NULL" if subjects is None else which
        values = () if subjects is None else (json.dumps(list(subjects)),)
        query = "SELECT subject, count(*) FROM spool WHERE problem IS NULL AND"
        with self.connection() as connection:
            return dict(connection.execute(f"{query} {named} GROUP BY subject", values).fetchall())

    def oldest(self, limit: int) -> list[Entry]:
        """Return what waits, deferred or not, in the order of acceptance."""
        return self.entries("problem IS NULL", limit=limit)

    def every(self, *, refused_only: bool = False) -> list[Entry]:
        """Return everything that is kept, in the order of acceptance."""
        return self.entries("problem IS NOT NULL" if refused_only else "TRUE")

    def state(self) -> SpoolState:
        """Return how much waits and since when, and whether the spool is full."""
        oldest_query = "SELECT accepted_at FROM spool WHERE problem IS NULL ORDER BY place LIMIT 1"
        with self.connection() as connection:
            waiting, refused = connection.execute("SELECT waiting, refused FROM totals").fetchone()
            oldest = connection.execute(oldest_query).fetchone()
            is_full = self._is_full(connection, 1)
        oldest_at = datetime.fromisoformat(oldest[0]) if oldest else None
        return SpoolState(waiting, oldest_at, refused, is_full)

    def refuse(self, problems: Iterable[tuple[Entry, str]]) -> None:
        """Keep additions with the problem for which the database refused them."""
        query = "UPDATE spool SET problem = ?, attempts = ? WHERE place = ?"
        rows = [(problem, entry.attempts + 1, entry.place) for entry, problem in problems]
        self._change(query, rows)

    def retry(self, ids: Collection[str] | None = None) -> int:
        """Let refused additions be tried again, as `id` or `kind:id`, or all; return how many."""
        return self._change_refused("UPDATE spool SET problem = NULL", ids)

    def discard(self, ids: Collection[str]) -> int:
        """Delete refused additions for good, each named as `id` or `kind:id`; return how many."""
        count = self._change_refused("DELETE FROM spool", ids)
        self.wipe()
        return count

    def subjects_refused(self) -> list[str]:
        """Return all subjects of whom something was refused, sorted."""
        query = "SELECT DISTINCT subject FROM spool WHERE problem IS NOT NULL ORDER BY subject"
        with self.connection() as connection:
            return [subject for (subject,) in connection.execute(query) if subject is not None]

    def forget_subjects(self, subjects: Collection[str]) -> int:
        """Delete everything about students who were erased; return how many additions that was."""
        query = "DELETE FROM spool WHERE subject = ?"
        with self.transaction() as connection:
            removed = sum(connection.execute(query, (one,)).rowcount for one in subjects)
        self.wipe()
        return removed

    def _accept_queued(self) -> None:
        requests = [self._queue.popleft() for _ in range(len(self._queue))]
        try:
            with self._writer.transaction() as connection:
                found = [self._kept(connection, request.entries) for request in requests]
        except (OSError, sqlite3.Error, SpoolUnavailable) as failure:
            for request in requests:
                request.failure = failure
            return
        for request, outcomes in zip(requests, found, strict=True):
            request.outcomes = outcomes
            if outcomes is None:
                request.failure = SpoolFull(
                    f"{self.path} is full (SPOOL_MAX_ROWS, SPOOL_MAX_BYTES)"
                )

    def _kept(
        self, connection: sqlite3.Connection, entries: Sequence[Entry]
    ) -> list[tuple[Outcome, Entry]] | None:
        if self._is_full(connection, len(entries)):
            return None
        return [keep(connection, entry) for entry in entries]

    def _is_full(self, connection: sqlite3.Connection, more: int) -> bool:
        [rows] = connection.execute("SELECT waiting + refused FROM totals").fetchone()
        return rows + more > self.limits.rows or size_bytes(connection) > self.limits.size_bytes

    def _change(self, query: str, rows: Sequence[tuple[object, ...]]) -> None:
        with self.transaction() as connection:
            connection.executemany(query, rows)

    def _change_refused(self, change: str, ids: Collection[str] | None) -> int:
        marks = ", ".join("?" * len(ids or ()))
        which = "" if ids is None else f" AND (id IN ({marks}) OR kind || ':' || id IN ({marks}))"
        with self.transaction() as connection:
            query = f"{change} WHERE problem IS NOT NULL{which}"
            return connection.execute(query, (*(ids or ()), *(ids or ()))).rowcount
