"""Giving back: what was spooled goes into the database by the managers' own methods."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from shared_db.additions import Kind, Returned
from shared_db.background import Work
from shared_db.database import Database
from shared_db.errors import DatabaseBusy, DatabaseUnavailable, Gone, Overloaded, ServiceError
from shared_db.failures import is_overload, obstacle
from shared_db.holding import Holding
from shared_db.naming import Outcome
from shared_db.spool import Entry, Spool, giving_back

logger = logging.getLogger(__name__)

BATCH = 1000
PAUSE_SECONDS = 0.5
# After a pass in which nothing of some kind could be stored, or all that waits is read too often.
_STUCK_PAUSE_SECONDS = 4
# As long as a service that stops may take; what is killed then is given back again.
_PARTING_SECONDS = 5
_IN_THE_DATABASE = (Outcome.STORED, Outcome.REPEATED)
_PROBLEMS = {Outcome.DIFFERENT: "The id is stored with other content"}
# None of them is any row's fault: the process or the server has no room for anything.
_OF_ALL = (DatabaseUnavailable, Overloaded, MemoryError, OSError)
AnyKind = Kind[Any, Any]


class Giver:
    """Gives back what waits, in one process at a time.

    What the database refuses stays, except what is of students who were erased. What it cannot
    take now waits, and with it what must not overtake it; the rest goes on.
    manager: whose methods the kinds call.
    now: seconds of a clock that only goes forward. work: records each look of the thread.
    """

    def __init__(
        self,
        database: Database,
        spool: Spool,
        manager: Any,
        kinds: Iterable[AnyKind],
        *,
        now: Callable[[], float] = time.monotonic,
        work: Work | None = None,
    ) -> None:
        self._database = database
        self._spool = spool
        self._manager = manager
        self._kinds: Mapping[str, AnyKind] = {kind.name: kind for kind in kinds}
        self._work = work or Work("replay")
        self._batch = BATCH
        self._given = 0
        self._holding = Holding(now, self._is_ordered)
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
        with self._spool.turn_to_give_back() as is_ours:
            if is_ours:
                self._pass_through()
        self._spool.wipe()
        if self._given:
            seconds = time.monotonic() - started
            logger.warning("gave back %d rows from the spool in %.1f s", self._given, seconds)
        return self._given

    def _run(self) -> None:
        while not self._is_stopping.wait(self._pause_seconds()):
            try:
                if self._is_up():
                    self._work.run(self._give_if_any, self._pause_seconds)
            except Exception as failure:  # noqa: BLE001 - the thread must go on
                if self._work.state.failures <= 1:  # the first of a row of them
                    logger.error("nothing can be given back: %s", type(failure).__qualname__)  # noqa: TRY400 - its text may be personal

    def _is_up(self) -> bool:
        availability = self._database.store.availability
        return availability is None or availability.is_up

    def _give_if_any(self) -> int:
        if self._spool.oldest(1):
            return self.give()
        self._spool.wipe()
        return 0

    def _pause_seconds(self) -> float:
        return _STUCK_PAUSE_SECONDS if self._holding.is_stuck else PAUSE_SECONDS

    def _is_ordered(self, kind: str) -> bool:
        return kind in self._kinds and self._kinds[kind].is_ordered

    def _pass_through(self) -> None:
        stored, self._spool.kinds_stored = self._spool.kinds_stored, set()
        # A copy: who got hold of the set before may still add to it.
        self._holding.begin(tuple(stored))
        after = 0
        while entries := self._spool.oldest(BATCH, after):
            if not self._give_in_batches(entries):
                return
            after = entries[-1].place
        self._holding.end()

    def _give_in_batches(self, entries: Sequence[Entry]) -> bool:
        """Give back entries; return False when the pass has to end."""
        while entries:
            if self._is_stopping.is_set():
                return False
            batch, entries = entries[: self._batch], entries[self._batch :]
            try:
                self._give(batch)
            except (DatabaseUnavailable, DatabaseBusy, Overloaded):
                # What took too long together would do so again.
                self._batch = max(1, self._batch // 4)
                return False
            self._batch = 1 if self._holding.is_stuck else min(BATCH, self._batch * 2)
        return True

    def _give(self, entries: Sequence[Entry]) -> None:
        for name, group in in_order(entries):
            kind = self._kinds.get(name)
            if kind is None:
                self._spool.refuse(
                    (entry, "This release does not know the kind") for entry in group
                )
                continue
            for run in self._holding.apart(group):
                self._give_group(kind, run)

    def _give_group(self, kind: AnyKind, group: Sequence[Entry]) -> None:
        entries = [entry for entry in group if self._holding.lets(entry)]
        if not entries:
            return
        try:
            with giving_back():
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
        code = obstacle(failure)
        if code is None:
            self._settle(kind, [(entry, _as_refusal(failure))])
            return
        if not self._holding.knows(code):
            logger.error("what waits cannot be stored now: SQLSTATE %s", code)
        if hopeless := self._holding.failed(entry, code):
            logger.error("a row is refused: SQLSTATE %s, while others are stored", code)
            problem = f"The database refuses it while it takes others: SQLSTATE {code}"
            self._spool.refuse([(hopeless, problem)])

    def _settle(self, kind: AnyKind, results: Sequence[tuple[Entry, Returned]]) -> None:
        # Whoever dies before this finds the same rows again, and the database calls them repeated.
        stored = [e for e, r in results if r in _IN_THE_DATABASE]
        of_erased = [e for e, r in results if _is_gone(r)]
        kept = [(e, r) for e, r in results if r not in _IN_THE_DATABASE and not _is_gone(r)]
        refused = [(e, _problem(r)) for e, r in kept]
        self._spool.remove([*stored, *of_erased])
        self._given += len(stored)
        self._holding.stored(kind.name, stored)
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
    return result is Outcome.GONE or isinstance(result, Gone)


def _problem(result: Returned) -> str:
    return result.title if isinstance(result, ServiceError) else _PROBLEMS[result]


class _Unexpected(ServiceError):
    """An error of ours; its kind is told, its text may be personal."""


def _as_refusal(failure: Exception) -> ServiceError:
    if isinstance(failure, ServiceError):
        return failure
    logger.error("a spooled row cannot be stored: %s", type(failure).__qualname__)
    refusal = _Unexpected(type(failure).__qualname__)
    refusal.title = f"Unexpected error: {type(failure).__qualname__}"  # type: ignore[misc] # of this one
    return refusal
