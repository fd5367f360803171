"""Replay of spooled rows into the database, by the methods of the manager."""

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from shared_db.background_work.released_memory import release_memory
from shared_db.background_work.state import Work
from shared_db.background_work.state_log import StateLog
from shared_db.connection.database import Database
from shared_db.connection.reuse import reuse_connection
from shared_db.errors import DatabaseBusy, DatabaseUnavailable, Gone, Overloaded, ServiceError
from shared_db.replaying import replaying
from shared_db.resilience.error_classification import blocking_sqlstate, is_overload
from shared_db.results import InsertResult, Outcome, refused
from shared_db.spool.file import Entry, SpoolUnavailable
from shared_db.spool.queue import Spool
from shared_db.spool.replay_queue import ReplayQueue
from shared_db.spool.retry import RetryPass, isolate_deferred
from shared_db.spool.spoolable import SpoolableType

logger = logging.getLogger(__name__)

BATCH = 1000
_LEAST_BATCH = 100
# Largest share of a live write's waiting time that one transaction of the replay should take.
_TRANSACTION_SHARE = 0.1
PAUSE_SECONDS = 0.5
# Pause after a pass in which no row of some type could be stored: reading all waiting rows twice a
# second would cost too much.
_STUCK_PAUSE_SECONDS = 4
# A service that stops may take so long; a transaction that is killed then is replayed again.
_STOPPING_SECONDS = 5
_CONFLICT = "The id is stored with other content"
# Not caused by a row: the process or the server is out of resources.
_NOT_ROW_SPECIFIC = (DatabaseUnavailable, Overloaded, MemoryError, OSError)
AnyType = SpoolableType[Any, Any]


class SpoolReplayer:
    """Replayer of waiting rows, in one process at a time.

    A row that the database refuses stays in the spool, except rows of erased students. A row that
    it cannot take now is deferred, and with it the later rows of its student.
    manager: its methods insert the rows. types: the rows that this release knows.
    now: seconds since the epoch; the retry state of rows uses it, also after a restart. work:
    records each pass of the thread.
    """

    def __init__(
        self,
        database: Database,
        spool: Spool,
        manager: Any,
        types: Sequence[AnyType],
        *,
        now: Callable[[], float] = time.time,
        work: Work | None = None,
    ) -> None:
        self._database = database
        self._spool = spool
        self._manager = manager
        self._types: Mapping[str, AnyType] = {type_.name: type_ for type_ in types}
        self._work = work or Work("replay")
        self._batch = BATCH
        self._replayed = 0
        self._stored: list[Entry] = []
        self._of_erased: list[Entry] = []
        self._queue = ReplayQueue(spool)
        self._now = now
        self._unordered = [type_.name for type_ in types if not type_.is_ordered]
        self._pass = RetryPass(self._is_ordered)
        self._failures = StateLog(logger, "nothing can be replayed", "the spool is replayed again")
        self._is_stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="veritas-replay", daemon=True)

    def start(self) -> None:
        """Start to replay whenever rows wait and the database is there."""
        self._thread.start()

    def stop(self) -> None:
        """Stop replaying; a transaction that takes long is finished after the next start."""
        self._is_stopping.set()
        self._thread.join(_STOPPING_SECONDS)

    def replay_all(self) -> int:
        """Replay all rows that can be inserted now; return their number.

        Returns 0 while another process replays.
        """
        self._replayed = 0
        started = time.monotonic()
        with self._queue.replay_lock() as is_ours:
            if is_ours:
                self._run_pass()
        self._spool.truncate_wal()
        if self._replayed:
            seconds = time.monotonic() - started
            logger.warning("replayed %d rows from the spool in %.1f s", self._replayed, seconds)
        if self._replayed >= BATCH:
            release_memory()
        return self._replayed

    def _run(self) -> None:
        while not self._is_stopping.wait(self._pause_seconds()):
            try:
                if self._is_up():
                    self._work.run(self._replay_if_any, self._pause_seconds)
            except SpoolUnavailable as failure:
                self._failures.report(failure)
            except Exception as failure:  # noqa: BLE001 - the thread must go on
                self._failures.report(type(failure).__qualname__)  # its text may be personal
            else:
                self._failures.report(None)

    def _is_up(self) -> bool:
        breaker = self._database.store.breaker
        return breaker is None or breaker.is_up

    def _replay_if_any(self) -> int:
        if self._spool.pending(1):
            return self.replay_all()
        self._spool.truncate_wal()
        return 0

    def _pause_seconds(self) -> float:
        return _STUCK_PAUSE_SECONDS if self._pass.is_stuck else PAUSE_SECONDS

    def _is_ordered(self, kind: str) -> bool:
        return kind in self._types and self._types[kind].is_ordered

    def _run_pass(self) -> None:
        stored, self._spool.types_stored = self._spool.types_stored, set()
        # A copy: another thread may still add to the old set.
        self._queue.record_stored(tuple(stored))
        self._pass = RetryPass(self._is_ordered)
        after = 0
        with reuse_connection():
            while entries := self._due(after):
                is_over = not self._replay_in_batches(entries)
                self._remove_replayed()
                if is_over:
                    return
                after = entries[-1].sequence

    def _due(self, after: int) -> list[Entry]:
        return self._queue.pending(BATCH, after, now=self._now(), unordered=self._unordered)

    def _replay_in_batches(self, entries: Sequence[Entry]) -> bool:
        """Replay entries; return False when the pass has to end."""
        while entries:
            if self._is_stopping.is_set():
                return False
            batch, entries = entries[: self._batch], entries[self._batch :]
            started = time.monotonic()
            try:
                self._replay(batch)
            except (DatabaseUnavailable, DatabaseBusy, Overloaded):
                # The same batch would take too long again.
                self._batch = max(1, self._batch // 4)
                return False
            self._batch = self._next_batch(time.monotonic() - started)
        return True

    def _next_batch(self, seconds: float) -> int:
        """Return the number of rows of the next transaction, after one that took so long.

        Its locks block live writes of the same students, which wait for DATABASE_ADDING_SECONDS at
        most. A distant server takes long for every transaction, so that batches of less than
        `_LEAST_BATCH` rows would only slow the replay down.
        """
        if self._pass.is_stuck:
            return 1
        patience = self._database.store.adding_seconds * _TRANSACTION_SHARE
        if self._batch < _LEAST_BATCH or seconds < patience / 2:
            return min(BATCH, self._batch * 2)
        return max(_LEAST_BATCH, self._batch // 2) if seconds > patience else self._batch

    def _replay(self, entries: Sequence[Entry]) -> None:
        for name, group in ordered_groups(entries):
            type_ = self._types.get(name)
            if type_ is None:
                self._spool.reject(
                    (entry, "This release does not know the kind") for entry in group
                )
                continue
            for run in isolate_deferred(group):
                self._replay_group(type_, run)

    def _replay_group(self, type_: AnyType, group: Sequence[Entry]) -> None:
        entries = [entry for entry in group if self._pass.may_try(entry)]
        if not entries:
            return
        try:
            with replaying():
                items = [type_.from_json(entry.payload) for entry in entries]
                results = type_.replay(self._manager, items)
        except _NOT_ROW_SPECIFIC:
            raise
        except Exception as failure:  # noqa: BLE001 - recorded in the spool with the row
            self._bisect(type_, entries, failure)
        else:
            self._apply_results(type_, list(zip(entries, results, strict=True)))

    def _bisect(self, type_: AnyType, entries: Sequence[Entry], failure: Exception) -> None:
        """Replay the halves of a failed group, until the row that fails is alone."""
        if isinstance(failure, DatabaseBusy) and (len(entries) > 1 or is_overload(failure)):
            raise failure
        if len(entries) == 1:
            self._defer_or_reject(type_, entries[0], failure)
        else:
            middle = len(entries) // 2
            self._replay_group(type_, entries[:middle])
            self._replay_group(type_, entries[middle:])

    def _defer_or_reject(self, type_: AnyType, entry: Entry, failure: Exception) -> None:
        code = blocking_sqlstate(failure)
        if code is None:
            self._apply_results(type_, [(entry, refused(entry.id, _as_refusal(failure)))])
            return
        self._remove_replayed()  # before: only rows of its type that are stored later count
        if not self._queue.has_deferred(code):
            logger.error("what waits cannot be stored now: SQLSTATE %s", code)
        is_refused = self._queue.defer(entry, code, self._now())
        self._pass.record_failure(entry, is_refused=is_refused)
        if is_refused:
            logger.error("a row is refused: SQLSTATE %s, while others are stored", code)

    def _remove_replayed(self) -> None:
        """Remove the stored rows of several transactions at once: each removal waits for the disk.

        If the process dies before it, the next replay finds the rows in the database.
        """
        stored, self._stored = self._stored, []
        of_erased, self._of_erased = self._of_erased, []
        if stored or of_erased:
            self._queue.remove(stored, of_erased)

    def _apply_results(self, type_: AnyType, results: Sequence[tuple[Entry, InsertResult]]) -> None:
        stored = [entry for entry, result in results if result.is_in_database]
        of_erased = [entry for entry, result in results if _is_of_erased(result)]
        rejected = [
            (entry, _problem(result))
            for entry, result in results
            if not result.is_in_database and not _is_of_erased(result)
        ]
        self._stored += stored
        self._of_erased += of_erased
        self._replayed += len(stored)
        if stored:
            self._pass.record_success(type_.name)
        if of_erased:
            logger.warning("%d rows of erased students were removed from the spool", len(of_erased))
        if rejected:
            self._spool.reject(rejected)
            logger.error("%d rows of the spool were refused; see `veritas spool`", len(rejected))


def ordered_groups(entries: Sequence[Entry]) -> Iterator[tuple[str, list[Entry]]]:
    """Yield groups of one type each; the rows of each student stay in their order."""
    step_of: dict[str, tuple[int, str]] = {}
    groups: dict[tuple[int, str], list[Entry]] = {}
    for entry in entries:
        last, kind = step_of.get(entry.subject or "", (0, entry.kind))
        step = (last if kind == entry.kind else last + 1, entry.kind)
        if entry.subject is not None:
            step_of[entry.subject] = step
        groups.setdefault(step, []).append(entry)
    for step in sorted(groups):
        yield step[1], groups[step]


def _is_of_erased(result: InsertResult) -> bool:
    """Return True if the row is of an erased student, so that it must be removed."""
    return result.outcome is Outcome.ERASED or isinstance(result.refusal, Gone)


def _problem(result: InsertResult) -> str:
    return _CONFLICT if result.refusal is None else result.refusal.title


class _Unexpected(ServiceError):
    """Programming error; only its class is recorded, as its text may be personal."""

    slug = "unexpected"


def _as_refusal(failure: Exception) -> ServiceError:
    if isinstance(failure, ServiceError):
        return failure
    logger.error("a spooled row cannot be stored: %s", type(failure).__qualname__)
    refusal = _Unexpected(type(failure).__qualname__)
    refusal.title = f"Unexpected error: {type(failure).__qualname__}"  # type: ignore[misc] # this one's
    return refusal
