"""The spool: what was accepted while the database was away, in a file shared by the workers."""

import fcntl
import json
import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from shared_db.naming import Outcome
from shared_db.spool_file import (
    COLUMNS,
    Entry,
    SpoolState,
    SpoolUnwritable,
    connect,
    keep,
)
from shared_db.sqlite_file import FileUsers, damage_of, damaged_files, is_damage, set_aside

__all__ = [
    "Entry",
    "Spool",
    "SpoolState",
    "SpoolUnwritable",
    "asked",
    "giving_back",
    "is_giving_back",
]

logger = logging.getLogger(__name__)

T = TypeVar("T")

_is_giving_back: ContextVar[bool] = ContextVar("veritas_giving_back", default=False)


def is_giving_back() -> bool:
    """Tell whether what is stored in this context comes from the spool."""
    return _is_giving_back.get()


@contextmanager
def giving_back() -> Iterator[None]:
    """Let additions in this context reach the database, and nothing else: they wait already."""
    token = _is_giving_back.set(True)
    try:
        yield
    finally:
        _is_giving_back.reset(token)


def asked(question: Callable[[], T], unknown: T) -> T:
    """Return what a question to a spool finds, `unknown` where its file cannot be used.

    The log says so; what the database knows counts.
    """
    try:
        return question()
    except SpoolUnwritable as failure:
        logger.error("the spool cannot be used: %s", failure)  # noqa: TRY400 - one line
        return unknown


@dataclass
class _Request:
    entries: Sequence[Entry]
    outcomes: list[tuple[Outcome, Entry]] | None = None
    failure: Exception | None = None


class Spool:
    """The spool of one service. Nothing is answered before it is on the disk.

    Raises SpoolUnwritable from every method when the file cannot be used.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._queue: deque[_Request] = deque()
        self._users = FileUsers(path)
        self._writer = _Handle(path, self._users)
        self._reader = _Handle(path, self._users)
        # Of which kinds this process stored something that did not have to wait.
        self.kinds_stored: set[str] = set()

    @classmethod
    def of_service(cls, folder: Path, service: str) -> "Spool":
        """Return the spool of a service in the folder of SPOOL_PATH."""
        return cls(folder / f"{service}-spool.db")

    def open(self) -> None:
        """Make the file if it is not there, and look whether it can be written.

        A damaged file is set aside under another name, and a new one begins. This needs that no
        other process uses it: SpoolUnwritable otherwise.
        """
        try:
            if self._users.is_alone():
                self._set_aside_if_damaged()
            elif fault := damage_of(self.path):
                raise SpoolUnwritable(
                    f"{self.path} is damaged ({fault}) and in use; stop every process of the "
                    "service and start it again"
                )
            self._users.share()
        except (OSError, sqlite3.Error) as failure:
            self._users.leave()
            raise SpoolUnwritable(f"{self.path} cannot be opened") from failure
        with self._written() as connection:
            connection.execute("UPDATE spool SET attempts = attempts WHERE place = 0")

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        self._writer.close()
        self._reader.close()
        self._users.leave()

    def damaged_files(self) -> list[Path]:
        """Return the files that were set aside for damage and not salvaged yet."""
        return damaged_files(self.path)

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
            raise _unusable(self.path, "written", request.failure) from request.failure
        return request.outcomes

    def find(self, kind: str, id_: str) -> Entry | None:
        """Return the waiting addition of that id."""
        where = "problem IS NULL AND kind = ? AND id = ?"
        return next(iter(self._entries(where, (kind, id_))), None)

    def holds(self, ids: Iterable[object]) -> bool:
        """Tell whether an addition waits that has one of these ids, or is about one of them."""
        named = [id_ for id_ in ids if isinstance(id_, str)]
        marks = ", ".join("?" * len(named))
        where = f"problem IS NULL AND (id IN ({marks}) OR subject IN ({marks}))"
        return bool(self._entries(where, (*named, *named), limit=1))

    def waits_before(self, kind: str, id_: str, subject: str | None) -> bool:
        """Tell whether something waits that must be stored first: of that id or that subject."""
        where = "problem IS NULL AND (kind = ? AND id = ? OR subject = ?)"
        return bool(self._entries(where, (kind, id_, subject), limit=1))

    def subjects_waiting(self) -> set[str]:
        """Return all subjects of whom something waits."""
        query = "SELECT DISTINCT subject FROM spool WHERE problem IS NULL AND subject IS NOT NULL"
        with self._read() as connection:
            return {subject for (subject,) in connection.execute(query)}

    def waiting_of(self, subjects: Collection[str] | None = None) -> dict[str, int]:
        """Return how many additions wait of each of the subjects, or of all; no zeros."""
        which = "subject IN (SELECT value FROM json_each(?))"
        named = "subject IS NOT NULL" if subjects is None else which
        values = () if subjects is None else (json.dumps(list(subjects)),)
        query = "SELECT subject, count(*) FROM spool WHERE problem IS NULL AND"
        with self._read() as connection:
            return dict(connection.execute(f"{query} {named} GROUP BY subject", values).fetchall())

    def oldest(self, limit: int, after: int = 0) -> list[Entry]:
        """Return what waits, in the order of acceptance."""
        return self._entries("problem IS NULL AND place > ?", (after,), limit=limit)

    def every(self, *, refused_only: bool = False) -> list[Entry]:
        """Return everything that is kept, in the order of acceptance."""
        return self._entries("problem IS NOT NULL" if refused_only else "TRUE")

    def state(self) -> SpoolState:
        """Return how much waits and since when."""
        query = (
            "SELECT count(*) FILTER (WHERE problem IS NULL), count(problem),"
            " min(accepted_at) FILTER (WHERE problem IS NULL) FROM spool"
        )
        with self._read() as connection:
            waiting, refused, oldest = connection.execute(query).fetchone()
        return SpoolState(waiting, datetime.fromisoformat(oldest) if oldest else None, refused)

    def remove(self, entries: Iterable[Entry]) -> None:
        """Forget additions that the database has."""
        self._change("DELETE FROM spool WHERE place = ?", [(entry.place,) for entry in entries])

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
        with self._read() as connection:
            return [subject for (subject,) in connection.execute(query) if subject is not None]

    def forget_subjects(self, subjects: Collection[str]) -> int:
        """Delete everything about students who were erased; return how many additions that was."""
        query = "DELETE FROM spool WHERE subject = ?"
        with self._written() as connection:
            removed = sum(connection.execute(query, (one,)).rowcount for one in subjects)
        self.wipe()
        return removed

    def wipe(self) -> None:
        """Leave nothing in the files of what was removed: SQLite's journal keeps old pages.

        While another process reads in the file it cannot be done, and is left to the next call, of
        whichever process.
        """
        if not self._journal_bytes():
            return
        try:
            with self._writer.use() as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
        except (OSError, sqlite3.Error) as failure:
            raise _unusable(self.path, "written", failure) from failure

    @contextmanager
    def turn_to_give_back(self) -> Iterator[bool]:
        """Give True to the one process that gives back; it is let go when the process ends."""
        with Path(f"{self.path}.lock").open("a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
                return
            yield True

    def _journal_bytes(self) -> int:
        try:
            return Path(f"{self.path}-wal").stat().st_size
        except FileNotFoundError:
            return 0

    def _entries(
        self, where: str, values: Sequence[object] = (), limit: int | None = None
    ) -> list[Entry]:
        query = f"SELECT {COLUMNS} FROM spool WHERE {where} ORDER BY place LIMIT ?"  # noqa: S608 - ours
        with self._read() as connection:
            rows = connection.execute(query, (*values, -1 if limit is None else limit)).fetchall()
        return [
            Entry(kind, id_, subject, payload, digest, datetime.fromisoformat(accepted_at), *rest)
            for kind, id_, subject, payload, digest, accepted_at, *rest in rows
        ]

    def _set_aside_if_damaged(self) -> None:
        fault = damage_of(self.path)
        if fault is not None:
            aside = set_aside(self.path)
            logger.error(
                "the spool was damaged (%s); it is kept as %s, and a new one begins. "
                "`veritas spool salvage` recovers its rows",
                fault,
                aside,
            )

    def _accept_queued(self) -> None:
        requests = [self._queue.popleft() for _ in range(len(self._queue))]
        try:
            with self._writer.transaction() as connection:
                found = [[keep(connection, e) for e in request.entries] for request in requests]
        except (OSError, sqlite3.Error, SpoolUnwritable) as failure:
            for request in requests:
                request.failure = failure
            return
        for request, outcomes in zip(requests, found, strict=True):
            request.outcomes = outcomes

    def _change(self, query: str, rows: Sequence[tuple[object, ...]]) -> None:
        with self._written() as connection:
            connection.executemany(query, rows)

    def _change_refused(self, change: str, ids: Collection[str] | None) -> int:
        marks = ", ".join("?" * len(ids or ()))
        which = "" if ids is None else f" AND (id IN ({marks}) OR kind || ':' || id IN ({marks}))"
        with self._written() as connection:
            query = f"{change} WHERE problem IS NOT NULL{which}"
            return connection.execute(query, (*(ids or ()), *(ids or ()))).rowcount

    @contextmanager
    def _written(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._writer.transaction() as connection:
                yield connection
        except (OSError, sqlite3.Error) as failure:
            raise _unusable(self.path, "written", failure) from failure

    @contextmanager
    def _read(self) -> Iterator[sqlite3.Connection]:
        try:
            with self._reader.use() as connection:
                yield connection
        except (OSError, sqlite3.Error) as failure:
            raise _unusable(self.path, "read", failure) from failure


class _Handle:
    """Connection to the file of a spool, opened on first use, for one thread at a time."""

    def __init__(self, path: Path, users: FileUsers) -> None:
        self.lock = threading.RLock()
        self._path = path
        self._users = users
        self._connection: sqlite3.Connection | None = None
        self._inode = 0

    @contextmanager
    def use(self) -> Iterator[sqlite3.Connection]:
        """Give the connection to this thread alone."""
        with self.lock:
            if self._connection is None:
                self._users.share()
                self._connection = connect(self._path)
                self._inode = self._path.stat().st_ino
            yield self._connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Give the connection in a transaction that is committed at the end.

        Raises:
            SpoolUnwritable: the file was removed or replaced, so what was written is not kept.

        """
        with self.use() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            if not self._is_current():
                raise SpoolUnwritable(
                    f"{self._path} was removed or replaced while in use; restart the service"
                )

    def close(self) -> None:
        """Close the connection; the next use opens it again."""
        with self.lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _is_current(self) -> bool:
        try:
            return self._path.stat().st_ino == self._inode
        except FileNotFoundError:
            return False


def _unusable(path: Path, done: str, failure: BaseException | None) -> SpoolUnwritable:
    if isinstance(failure, SpoolUnwritable):
        return failure
    if is_damage(failure):
        return SpoolUnwritable(f"{path} is damaged; restart the service, which sets it aside")
    return SpoolUnwritable(f"{path} cannot be {done}")
