"""Spool of rows that were accepted while the database was away, in a file of all workers."""

import json
import logging
import sqlite3
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from shared_db.background_work.state_log import StateLog
from shared_db.results import Outcome
from shared_db.spool.connection import unusable
from shared_db.spool.file import (
    Entry,
    SpoolFull,
    SpoolLimits,
    SpoolState,
    SpoolUnavailable,
    insert_entry,
    size_bytes,
)
from shared_db.spool.store import SpoolStore

logger = logging.getLogger(__name__)


@dataclass
class _Request:
    entries: Sequence[Entry]
    outcomes: list[tuple[Outcome, Entry]] | None = None
    failure: Exception | None = None


class Spool(SpoolStore):
    """Spool of one service. A row is on the disk before its request is answered.

    Raises SpoolUnavailable from every method when the file cannot be used.
    """

    def __init__(self, path: Path, limits: SpoolLimits | None = None) -> None:
        super().__init__(path)
        self.limits = limits or SpoolLimits()
        self._queue: deque[_Request] = deque()
        # Types of which this process stored a row past the spool.
        self.types_stored: set[str] = set()
        self._additions = StateLog(logger, "nothing can be spooled", "additions are spooled again")

    @classmethod
    def of_service(cls, folder: Path, service: str, limits: SpoolLimits | None = None) -> "Spool":
        """Return the spool of a service in the folder of SPOOL_PATH."""
        return cls(folder / f"{service}-spool.db", limits)

    def append(self, entries: Sequence[Entry]) -> list[tuple[Outcome, Entry]]:
        """Insert the entries with new ids; return, in order, each outcome and the stored entry.

        Parallel calls share one transaction.
        """
        request = _Request(entries)
        self._queue.append(request)
        with self._writer.lock:
            if request.outcomes is None and request.failure is None:
                self._append_queued()
        if request.outcomes is None:
            raise unusable(self.path, "written", request.failure) from request.failure
        return request.outcomes

    def report(self, failure: SpoolUnavailable | None) -> None:
        """Log the reason why no row can be spooled, and the end of that state."""
        self._additions.report(failure)

    def find(self, kind: str, id_: str) -> Entry | None:
        """Return the waiting row of that id, None if there is none."""
        where = "problem IS NULL AND kind = ? AND id = ?"
        return next(iter(self.entries(where, (kind, id_))), None)

    def holds(self, ids: Iterable[object]) -> bool:
        """Return True if a row waits that has one of these ids, or one of them as its subject."""
        named = [id_ for id_ in ids if isinstance(id_, str)]
        marks = ", ".join("?" * len(named))
        where = f"problem IS NULL AND (id IN ({marks}) OR subject IN ({marks}))"
        return bool(self.entries(where, (*named, *named), limit=1))

    def waits_before(self, kind: str, id_: str, subject: str | None) -> bool:
        """Return True if a row waits that must be stored first: of that id or that subject."""
        where = "problem IS NULL AND (kind = ? AND id = ? OR subject = ?)"
        return bool(self.entries(where, (kind, id_, subject), limit=1))

    def any_waiting(self, subjects: Collection[str]) -> bool:
        """Return True if a row of one of these subjects waits."""
        query = (
            "SELECT 1 FROM spool WHERE problem IS NULL"
            " AND subject IN (SELECT value FROM json_each(?)) LIMIT 1"
        )
        with self.connection() as connection:
            return connection.execute(query, (json.dumps(list(subjects)),)).fetchone() is not None

    def waiting_of(self, subjects: Collection[str] | None = None) -> dict[str, int]:
        """Return the number of waiting rows by subject, of these or of all; without zeros."""
        listed = "subject IN (SELECT value FROM json_each(?))"
        where = "subject IS NOT NULL" if subjects is None else listed
        values = () if subjects is None else (json.dumps(list(subjects)),)
        query = "SELECT subject, count(*) FROM spool WHERE problem IS NULL AND"
        with self.connection() as connection:
            return dict(connection.execute(f"{query} {where} GROUP BY subject", values).fetchall())

    def pending(self, limit: int) -> list[Entry]:
        """Return waiting rows, deferred or not, in the order of acceptance."""
        return self.entries("problem IS NULL", limit=limit)

    def all_entries(self, *, refused_only: bool = False) -> list[Entry]:
        """Return all rows, waiting or refused, in the order of acceptance."""
        return self.entries("problem IS NOT NULL" if refused_only else "TRUE")

    def state(self) -> SpoolState:
        """Return the numbers of rows, the oldest waiting one, and if the spool is full."""
        oldest_query = "SELECT accepted_at FROM spool WHERE problem IS NULL ORDER BY place LIMIT 1"
        with self.connection() as connection:
            waiting, refused = connection.execute("SELECT waiting, refused FROM totals").fetchone()
            oldest = connection.execute(oldest_query).fetchone()
            is_full = self._is_full(connection, 1)
        oldest_at = datetime.fromisoformat(oldest[0]) if oldest else None
        return SpoolState(waiting, oldest_at, refused, is_full)

    def reject(self, problems: Iterable[tuple[Entry, str]]) -> None:
        """Mark rows as refused by the database, each with its problem."""
        query = "UPDATE spool SET problem = ?, attempts = ? WHERE place = ?"
        rows = [(problem, entry.attempts + 1, entry.sequence) for entry, problem in problems]
        self._change(query, rows)

    def retry(self, ids: Collection[str] | None = None) -> int:
        """Make refused rows wait again, named as `id` or `kind:id`, or all; return their number."""
        return self._change_refused("UPDATE spool SET problem = NULL", ids)

    def discard(self, ids: Collection[str]) -> int:
        """Delete refused rows for good, named as `id` or `kind:id`; return their number."""
        count = self._change_refused("DELETE FROM spool", ids)
        self.truncate_wal()
        return count

    def subjects_refused(self) -> list[str]:
        """Return the subjects of all refused rows, sorted."""
        query = "SELECT DISTINCT subject FROM spool WHERE problem IS NOT NULL ORDER BY subject"
        with self.connection() as connection:
            return [subject for (subject,) in connection.execute(query) if subject is not None]

    def purge_subjects(self, subjects: Collection[str]) -> int:
        """Delete all rows of erased students; return their number."""
        query = "DELETE FROM spool WHERE subject = ?"
        with self.transaction() as connection:
            removed = sum(connection.execute(query, (one,)).rowcount for one in subjects)
        self.truncate_wal()
        return removed

    def _append_queued(self) -> None:
        requests = [self._queue.popleft() for _ in range(len(self._queue))]
        try:
            with self._writer.transaction() as connection:
                found = [self._insert_entries(connection, request.entries) for request in requests]
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

    def _insert_entries(
        self, connection: sqlite3.Connection, entries: Sequence[Entry]
    ) -> list[tuple[Outcome, Entry]] | None:
        if self._is_full(connection, len(entries)):
            return None
        return [insert_entry(connection, entry) for entry in entries]

    def _is_full(self, connection: sqlite3.Connection, more: int) -> bool:
        [rows] = connection.execute("SELECT waiting + refused FROM totals").fetchone()
        return rows + more > self.limits.rows or size_bytes(connection) > self.limits.size_bytes

    def _change(self, query: str, rows: Sequence[tuple[object, ...]]) -> None:
        with self.transaction() as connection:
            connection.executemany(query, rows)

    def _change_refused(self, change: str, ids: Collection[str] | None) -> int:
        marks = ", ".join("?" * len(ids or ()))
        named = "" if ids is None else f" AND (id IN ({marks}) OR kind || ':' || id IN ({marks}))"
        with self.transaction() as connection:
            query = f"{change} WHERE problem IS NOT NULL{named}"
            return connection.execute(query, (*(ids or ()), *(ids or ()))).rowcount
