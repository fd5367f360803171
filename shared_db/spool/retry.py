"""Retry of spooled rows that the database does not take now; their state is in the spool file."""

from collections import Counter
from collections.abc import Callable, Iterable
from itertools import groupby

from shared_db.resilience.error_classification import may_be_row_specific
from shared_db.spool.file import Entry

# A row is refused after so many failures, over so long, while others of its kind are stored.
EXHAUSTED_FAILURES = 5
EXHAUSTED_SECONDS = 300
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30
# After so many new failures of a kind, one after the other, no row of it is to blame.
_MOST_IN_A_ROW = 3
# Deferred rows of a kind that are tried again in a pass, so that they cost the server little.
_MOST_RETRIES = 10


def is_exhausted(code: str, failures: int, seconds: float, *, others_stored: bool) -> bool:
    """Return True if a row that failed alone is to be refused.

    code: the SQLSTATE of all the failures. seconds: since the first one. others_stored: whether
    rows of its kind were stored since then.
    """
    return (
        may_be_row_specific(code)
        and others_stored
        and failures >= EXHAUSTED_FAILURES
        and seconds >= EXHAUSTED_SECONDS
    )


class RetryPass:
    """One pass through the spool: kinds and students that wait until the next one.

    is_ordered: whether rows of a kind wait for earlier ones of their student.
    """

    def __init__(self, is_ordered: Callable[[str], bool]) -> None:
        self._is_ordered = is_ordered
        self._waiting_keys: set[str | int] = set()
        self._in_a_row: Counter[str] = Counter()
        self._retries: Counter[str] = Counter()

    @property
    def is_stuck(self) -> bool:
        """Return True if of some kind nothing could be stored."""
        return any(count >= _MOST_IN_A_ROW for count in self._in_a_row.values())

    def may_try(self, entry: Entry) -> bool:
        """Return True if the row may be tried; if not, later rows of its student wait, too."""
        key = self._key(entry)
        if key not in self._waiting_keys and self._has_its_turn(entry):
            return True
        self._waiting_keys.add(key)
        return False

    def failed(self, entry: Entry, *, is_refused: bool) -> None:
        """Record that the row failed alone; unless it is refused, rows of its student wait."""
        (self._retries if entry.failures else self._in_a_row)[entry.kind] += 1
        if not is_refused:
            self._waiting_keys.add(self._key(entry))

    def stored(self, kind: str) -> None:
        """Record that rows of the kind were stored."""
        self._in_a_row[kind] = 0

    def _has_its_turn(self, entry: Entry) -> bool:
        if entry.failures:
            return self._retries[entry.kind] < _MOST_RETRIES
        return self._in_a_row[entry.kind] < _MOST_IN_A_ROW

    def _key(self, entry: Entry) -> str | int:
        if entry.subject is None or not self._is_ordered(entry.kind):
            return entry.place
        return entry.subject


def runs_of(entries: Iterable[Entry]) -> list[list[Entry]]:
    """Return the rows in their order, each that failed before alone: it would spoil the others."""
    runs: list[list[Entry]] = []
    for has_failed, group in groupby(entries, lambda entry: entry.failures > 0):
        rows = list(group)
        runs += [[row] for row in rows] if has_failed else [rows]
    return runs
