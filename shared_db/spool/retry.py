"""Retry rules for spooled rows that failed; their state is in the spool file."""

from collections import Counter
from collections.abc import Callable, Iterable
from itertools import groupby

from shared_db.resilience.error_classification import may_be_row_specific
from shared_db.spool.file import Entry

# A row is refused after so many failures in so many seconds, while others of its type are stored.
EXHAUSTED_FAILURES = 5
EXHAUSTED_SECONDS = 300
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30
# After so many consecutive failures of one type, the cause is not a row.
_MAX_CONSECUTIVE_FAILURES = 3
# Deferred rows of one type that are retried in one pass, to limit the load on the server.
_MAX_RETRIES = 10


def is_exhausted(code: str, failures: int, seconds: float, *, others_stored: bool) -> bool:
    """Return True if a row that failed alone is to be refused.

    code: the SQLSTATE of all failures. seconds: since the first one. others_stored: True if other
    rows of its type were stored since then.
    """
    return (
        may_be_row_specific(code)
        and others_stored
        and failures >= EXHAUSTED_FAILURES
        and seconds >= EXHAUSTED_SECONDS
    )


class RetryPass:
    """One pass through the spool, with the types and students deferred until the next one.

    is_ordered: returns True if rows of a type wait for earlier rows of their student.
    """

    def __init__(self, is_ordered: Callable[[str], bool]) -> None:
        self._is_ordered = is_ordered
        self._deferred_keys: set[str | int] = set()
        self._consecutive_failures: Counter[str] = Counter()
        self._retries: Counter[str] = Counter()

    @property
    def is_stuck(self) -> bool:
        """Return True if no row of some type could be stored."""
        return any(
            count >= _MAX_CONSECUTIVE_FAILURES for count in self._consecutive_failures.values()
        )

    def may_try(self, entry: Entry) -> bool:
        """Return True if the row may be tried; if not, later rows of its student are deferred."""
        key = self._ordering_key(entry)
        if key not in self._deferred_keys and self._has_attempts_left(entry):
            return True
        self._deferred_keys.add(key)
        return False

    def record_failure(self, entry: Entry, *, is_refused: bool) -> None:
        """Record that the row failed alone; unless it is refused, defer its student's rows."""
        (self._retries if entry.failures else self._consecutive_failures)[entry.kind] += 1
        if not is_refused:
            self._deferred_keys.add(self._ordering_key(entry))

    def record_success(self, kind: str) -> None:
        """Record that rows of the type were stored."""
        self._consecutive_failures[kind] = 0

    def _has_attempts_left(self, entry: Entry) -> bool:
        if entry.failures:
            return self._retries[entry.kind] < _MAX_RETRIES
        return self._consecutive_failures[entry.kind] < _MAX_CONSECUTIVE_FAILURES

    def _ordering_key(self, entry: Entry) -> str | int:
        if entry.subject is None or not self._is_ordered(entry.kind):
            return entry.sequence
        return entry.subject


def isolate_deferred(entries: Iterable[Entry]) -> list[list[Entry]]:
    """Return the rows in order, grouped so that a row that failed before is alone.

    Otherwise its next failure would roll back the others.
    """
    runs: list[list[Entry]] = []
    for has_failed, group in groupby(entries, lambda entry: entry.failures > 0):
        rows = list(group)
        runs += [[row] for row in rows] if has_failed else [rows]
    return runs
