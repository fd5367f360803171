"""Giving back: what was spooled goes into the database by the managers' own methods."""

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
from shared_db.resilience.error_classification import blocking_sqlstate, is_overload
from shared_db.spool.queue import Entry, Spool, SpoolUnavailable, replaying
from shared_db.spool.replay_queue import ReplayQueue
from shared_db.spool.retry import RetryPass, runs_of
from shared_db.spool.writes import Returned, SpoolableType
from shared_db.writes.idempotent_insert import Outcome

logger = logging.getLogger(__name__)

BATCH = 1000
_LEAST_BATCH = 100
# Of the time that a live write waits, the most that one transaction of the replay should take.
_SHARE_OF_PATIENCE = 0.1
PAUSE_SECONDS = 0.5
# After a pass in which nothing of some kind could be stored, or all that waits is read too often.
_STUCK_PAUSE_SECONDS = 4
# As long as a service that stops may take; what is killed then is given back again.
_PARTING_SECONDS = 5
_IN_THE_DATABASE = (Outcome.STORED, Outcome.REPEATED)
_PROBLEMS = {Outcome.CONFLICT: "The id is stored with other content"}
# None of them is any row's fault: the process or the server has no room for anything.
_OF_ALL = (DatabaseUnavailable, Overloaded, MemoryError, OSError)
AnyKind = SpoolableType[Any, Any]


class SpoolReplayer:
    """Gives back what waits, in one process at a time.

    What the database refuses stays, except what is of students who were erased. What it cannot
    take now waits, and with it what must not overtake it; the rest goes on.
    manager: whose methods the kinds call.
    now: seconds since the epoch; the retry state of rows rests on it, also after a restart.
    work: records each look of the thread.
    """

    def __init__(
        self,
        database: Database,
        spool: Spool,
        manager: Any,
        kinds: Sequence[AnyKind],
        *,
        now: Callable[[], float] = time.time,
        work: Work | None = None,
    ) -> None:
        self._database = database
        self._spool = spool
        self._manager = manager
        self._kinds: Mapping[str, AnyKind] = {kind.name: kind for kind in kinds}
        self._work = work or Work("replay")
        self._batch = BATCH
        self._given = 0
        self._stored: list[Entry] = []
        self._of_erased: list[Entry] = []
        self._queue = ReplayQueue(spool)
        self._now = now
        self._unordered = [kind.name for kind in kinds if not kind.is_ordered]
        self._pass = RetryPass(self._is_ordered)
        self._failures = StateLog(logger, "nothing can be replayed", "the spool is replayed again")
        self._is_stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="veritas-giving-back", daemon=True)

    def start(self) -> None:
        """Give back from now on whenever something waits and the database is there."""
        self._thread.start()

    def stop(self) -> None:
        """Give back no more; a batch at hand that takes long is finished by another start."""
        self._is_stopping.set()
        self._thread.join(_PARTING_SECONDS)

    def give(self) -> int:
        """Give back all that waits and can be stored now; return how many.

        Nothing is done while another process is at it.
        """
        self._given = 0
        started = time.monotonic()
        with self._queue.turn() as is_ours:
            if is_ours:
                self._pass_through()
        self._spool.wipe()
        if self._given:
            seconds = time.monotonic() - started
            logger.warning("gave back %d rows from the spool in %.1f s", self._given, seconds)
        if self._given >= BATCH:
            release_memory()
        return self._given

    def _run(self) -> None:
        while not self._is_stopping.wait(self._pause_seconds()):
            try:
                if self._is_up():
                    self._work.run(self._give_if_any, self._pause_seconds)
            except SpoolUnavailable as failure:
                self._failures.report(failure)
            except Exception as failure:  # noqa: BLE001 - the thread must go on
                self._failures.report(type(failure).__qualname__)  # its text may be personal
            else:
                self._failures.report(None)

    def _is_up(self) -> bool:
        availability = self._database.store.availability
        return availability is None or availability.is_up

    def _give_if_any(self) -> int:
        if self._spool.oldest(1):
            return self.give()
        self._spool.wipe()
        return 0

    def _pause_seconds(self) -> float:
        return _STUCK_PAUSE_SECONDS if self._pass.is_stuck else PAUSE_SECONDS

    def _is_ordered(self, kind: str) -> bool:
        return kind in self._kinds and self._kinds[kind].is_ordered

    def _pass_through(self) -> None:
        stored, self._spool.kinds_stored = self._spool.kinds_stored, set()
        # A copy: a thread that got hold of the set before may still add to it.
        self._queue.note_stored(tuple(stored))
        self._pass = RetryPass(self._is_ordered)
        after = 0
        with reuse_connection():
            while entries := self._due(after):
                is_over = not self._give_in_batches(entries)
                self._remove_settled()
                if is_over:
                    return
                after = entries[-1].place

    def _due(self, after: int) -> list[Entry]:
        return self._queue.pending(BATCH, after, now=self._now(), unordered=self._unordered)

    def _give_in_batches(self, entries: Sequence[Entry]) -> bool:
        """Give back entries; return False when the pass has to end."""
        while entries:
            if self._is_stopping.is_set():
                return False
            batch, entries = entries[: self._batch], entries[self._batch :]
            started = time.monotonic()
            try:
                self._give(batch)
            except (DatabaseUnavailable, DatabaseBusy, Overloaded):
                # What took too long together would do so again.
                self._batch = max(1, self._batch // 4)
                return False
            self._batch = self._next_batch(time.monotonic() - started)
        return True

    def _next_batch(self, seconds: float) -> int:
        """Return how many rows to replay in the next transaction, after one that took so long.

        Its locks hold up live writes about the same students, which wait for
        DATABASE_ADDING_SECONDS at most. A far server takes long for any transaction, so that less
        than `_LEAST_BATCH` rows would only slow the replay down.
        """
        if self._pass.is_stuck:
            return 1
        patience = self._database.store.adding_seconds * _SHARE_OF_PATIENCE
        if self._batch < _LEAST_BATCH or seconds < patience / 2:
            return min(BATCH, self._batch * 2)
        return max(_LEAST_BATCH, self._batch // 2) if seconds > patience else self._batch

    def _give(self, entries: Sequence[Entry]) -> None:
        for name, group in in_order(entries):
            kind = self._kinds.get(name)
            if kind is None:
                self._spool.refuse(
                    (entry, "This release does not know the kind") for entry in group
                )
                continue
            for run in runs_of(group):
                self._give_group(kind, run)

    def _give_group(self, kind: AnyKind, group: Sequence[Entry]) -> None:
        entries = [entry for entry in group if self._pass.may_try(entry)]
        if not entries:
            return
        try:
            with replaying():
                results = kind.give(
                    self._manager, [kind.from_json(entry.payload) for entry in entries]
                )
        except _OF_ALL:
            raise
        except Exception as failure:  # noqa: BLE001 - it stays in the spool with the row
            self._find_fault(kind, entries, failure)
        else:
            self._settle(kind, list(zip(entries, results, strict=True)))

    def _find_fault(self, kind: AnyKind, entries: Sequence[Entry], failure: Exception) -> None:
        if isinstance(failure, DatabaseBusy) and (len(entries) > 1 or is_overload(failure)):
            raise failure
        if len(entries) == 1:
            self._hold_or_refuse(kind, entries[0], failure)
        else:  # one of them spoils it for the others
            middle = len(entries) // 2
            self._give_group(kind, entries[:middle])
            self._give_group(kind, entries[middle:])

    def _hold_or_refuse(self, kind: AnyKind, entry: Entry, failure: Exception) -> None:
        code = blocking_sqlstate(failure)
        if code is None:
            self._settle(kind, [(entry, _as_refusal(failure))])
            return
        self._remove_settled()  # rows of its kind that were stored after the failure count
        if not self._queue.has_deferred(code):
            logger.error("what waits cannot be stored now: SQLSTATE %s", code)
        is_refused = self._queue.defer(entry, code, self._now())
        self._pass.failed(entry, is_refused=is_refused)
        if is_refused:
            logger.error("a row is refused: SQLSTATE %s, while others are stored", code)

    def _remove_settled(self) -> None:
        """Remove the rows that were stored, a few transactions' at once: each waits for the disk.

        After a crash before this the same rows are found again, and the database has them already.
        """
        stored, self._stored = self._stored, []
        of_erased, self._of_erased = self._of_erased, []
        if stored or of_erased:
            self._queue.settle(stored, of_erased)

    def _settle(self, kind: AnyKind, results: Sequence[tuple[Entry, Returned]]) -> None:
        stored = [e for e, r in results if r in _IN_THE_DATABASE]
        of_erased = [e for e, r in results if _is_gone(r)]
        kept = [(e, r) for e, r in results if r not in _IN_THE_DATABASE and not _is_gone(r)]
        refused = [(e, _problem(r)) for e, r in kept]
        self._stored += stored
        self._of_erased += of_erased
        self._given += len(stored)
        if stored:
            self._pass.stored(kind.name)
        if of_erased:
            logger.warning("%d rows of erased students were removed from the spool", len(of_erased))
        if refused:
            self._spool.refuse(refused)
            logger.error("%d rows of the spool were refused; see `veritas spool`", len(refused))


def in_order(entries: Sequence[Entry]) -> Iterator[tuple[str, list[Entry]]]:
    """Return groups of one kind each, such that what is of one student stays in its order."""
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


def _is_gone(result: Returned) -> bool:
    """Tell whether it is of a student who was erased: then nothing of it may be kept."""
    return result is Outcome.ERASED or isinstance(result, Gone)


def _problem(result: Returned) -> str:
    return result.title if isinstance(result, ServiceError) else _PROBLEMS[result]


class _Unexpected(ServiceError):
    """An error of ours; its kind is told, its text may be personal."""

    slug = "unexpected"


def _as_refusal(failure: Exception) -> ServiceError:
    if isinstance(failure, ServiceError):
        return failure
    logger.error("a spooled row cannot be stored: %s", type(failure).__qualname__)
    refusal = _Unexpected(type(failure).__qualname__)
    refusal.title = f"Unexpected error: {type(failure).__qualname__}"  # type: ignore[misc] # of this one
    return refusal
