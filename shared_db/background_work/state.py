"""State of background work: the last run, success and failure of each piece."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from shared_db.clock import utc_now

# An unchanged state is stored at most once in this time, so a warning uses no shorter period.
LEAST_SECONDS = 10
_LATE_AFTER_PERIODS = 3


@dataclass(frozen=True)
class WorkState:
    """State of one piece of background work.

    since: the instant from which it is known. period_seconds: None if it has no fixed period.
    last_error: the exception's class; its text may be personal. failures: consecutive ones.
    failed_runs: all of this process. rows: the number that the last run with any reported.
    """

    name: str
    since: datetime
    period_seconds: float | None = None
    last_started_at: datetime | None = None
    last_success_at: datetime | None = None
    duration_seconds: float | None = None
    next_run_at: datetime | None = None
    last_error: str | None = None
    last_error_at: datetime | None = None
    failures: int = 0
    failed_runs: int = 0
    rows: int | None = None

    def age_seconds(self, now: datetime) -> float | None:
        """Return the seconds since the last success; None if there was none."""
        return (now - self.last_success_at).total_seconds() if self.last_success_at else None

    def warning(self, now: datetime) -> str | None:
        """Return the warning if the last run failed or the last success is too old, else None."""
        longest = timedelta(
            seconds=_LATE_AFTER_PERIODS * max(self.period_seconds or 0, LEAST_SECONDS)
        )
        # An old failure that was not repeated is from a process that has ended.
        if self.failures and self.last_error_at and now - self.last_error_at <= longest:
            return f"{self.failures} failed in a row: {self.last_error}"
        if self.period_seconds and now - (self.last_success_at or self.since) > longest:
            return f"No success for {_LATE_AFTER_PERIODS} periods."
        return None


# Stores a state for other processes; returns False if it is to be tried again later.
Publish = Callable[[WorkState], bool]


def _unpublished(_state: WorkState) -> bool:
    return True


class Work:
    """Piece of background work, run by one thread at a time."""

    def __init__(
        self, name: str, period_seconds: float | None = None, publish: Publish = _unpublished
    ) -> None:
        self.state = WorkState(name, utc_now(), period_seconds)
        self._publish = publish
        self._is_pending = False
        self._was_failing = False
        self._tried_at = float("-inf")

    def run(self, task: Callable[[], object], pause_seconds: Callable[[], float]) -> None:
        """Run the task once and record its outcome; its exception is raised again.

        task: may return the number of its rows. pause_seconds: called after the run, for the time
        until the next one.
        """
        started = time.monotonic()
        self.state = replace(self.state, last_started_at=utc_now())
        try:
            result = task()
        except Exception as failure:
            self._fail(type(failure).__qualname__)
            self._end(started, pause_seconds(), has_news=True)
            raise
        rows = result if isinstance(result, int) and result > 0 else None
        self._succeed(rows or self.state.rows)
        self._end(started, pause_seconds(), has_news=rows is not None)

    def _fail(self, kind: str) -> None:
        state = self.state
        self.state = replace(
            state,
            failures=state.failures + 1,
            failed_runs=state.failed_runs + 1,
            last_error=kind,
            last_error_at=utc_now(),
        )

    def _succeed(self, rows: int | None) -> None:
        self.state = replace(self.state, failures=0, last_success_at=utc_now(), rows=rows)

    def _end(self, started: float, pause_seconds: float, *, has_news: bool) -> None:
        self.state = replace(
            self.state,
            duration_seconds=time.monotonic() - started,
            next_run_at=utc_now() + timedelta(seconds=pause_seconds),
        )
        is_failing = self.state.failures > 0
        is_changed = is_failing != self._was_failing
        # Work without a period runs often and usually has nothing to do: not every run is stored.
        self._is_pending |= has_news or is_changed or self.state.period_seconds is not None
        is_due = is_changed or time.monotonic() - self._tried_at >= LEAST_SECONDS
        if self._is_pending and is_due:
            self._was_failing, self._tried_at = is_failing, time.monotonic()
            self._is_pending = not self._publish(self.state)


class BackgroundWork:
    """Background work of this process, by name."""

    def __init__(self, publish: Publish = _unpublished) -> None:
        self._publish = publish
        self._works: dict[str, Work] = {}
        self._lock = threading.Lock()

    def add(self, name: str, period_seconds: float | None = None) -> Work:
        """Return a new piece of work; it replaces one of that name from an earlier start."""
        work = Work(name, period_seconds, self._publish)
        with self._lock:
            self._works[name] = work
        return work

    def states(self) -> list[WorkState]:
        """Return the state of each piece."""
        with self._lock:
            return [work.state for work in self._works.values()]
