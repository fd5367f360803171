"""Whether PostgreSQL is there: a breaker, so that a dead server costs a request no time."""

import logging
import threading
import time
from collections.abc import Callable

from shared_db.errors import ConfigurationError, DatabaseBusy, DatabaseUnavailable, Overloaded
from shared_db.threads import start_thread

logger = logging.getLogger(__name__)

PROBE_SECONDS = 0.5
_AWAY = "The database does not answer. Try again in a few seconds."
# Callers are not told what is wrong: it can name the server and its user.
_UNUSABLE = "The database is there, but cannot be used as it is; the log tells why."

# Connects, asks and goes away again within so many seconds.
Probe = Callable[[float], None]


class Availability:
    """Open (away) from the first lost connection on; a thread then looks until it is back.

    probe: raises DatabaseUnavailable while the server does not answer, DatabaseBusy when it answers
    but has no connection left, ConfigurationError when it is not as it must be.
    patience_seconds: how long the probe may take while nothing is known to be wrong.
    """

    def __init__(self, probe: Probe, *, patience_seconds: float, longest_seconds: float) -> None:
        self._probe = probe
        self._patience_seconds = patience_seconds
        self._longest_seconds = longest_seconds
        self._lock = threading.Lock()
        self._is_probing = False
        self._is_stopped = threading.Event()
        self._answered_at = time.monotonic()
        self._away_since: float | None = None
        self._reason = _AWAY
        self._refused_writes: str | None = None
        self._last_refusal = ""

    @property
    def is_up(self) -> bool:
        """Tell whether the server answers, as far as is known."""
        return self._away_since is None

    @property
    def takes_writes(self) -> bool:
        """Tell whether the server answers and did not refuse the last write for good."""
        return self.is_up and self._refused_writes is None

    @property
    def reason(self) -> str | None:
        """Why the server cannot be written to; None when it can."""
        return self._refused_writes if self.is_up else self._reason

    def require(self) -> None:
        """Let a unit of work begin.

        Raises:
            DatabaseUnavailable: the server is away; told without asking it.

        """
        if not self.is_up:
            self._start_probing()  # where that failed before, nobody looks
            raise DatabaseUnavailable(self._reason)

    def answered(self) -> None:
        """Note that the server answered something."""
        self._answered_at = time.monotonic()

    def wrote(self) -> None:
        """Note that a transaction was committed."""
        self._answered_at = time.monotonic()
        if self._refused_writes is not None:
            self._refused_writes = None
            logger.warning("the database takes writes again")

    def refused_write(self, reason: str) -> None:
        """Note that the server answers, but cannot be written to: read-only, or its disk full."""
        if self._refused_writes != reason:
            self._refused_writes = reason
            logger.error("the database takes no writes: %s", reason)

    def lost(self, reason: str = _AWAY) -> None:
        """Note that a connection failed: nothing is tried any more until the probe succeeds."""
        with self._lock:
            if self._away_since is None:
                self._away_since = time.monotonic()
                logger.error("the database is away")
            self._reason = reason
        self._start_probing()

    def doubt(self) -> None:
        """Look whether the server still answers, because something takes long."""
        self._start_probing()

    def stop(self) -> None:
        """Look no more: the store is closed."""
        self._is_stopped.set()

    def _start_probing(self) -> None:
        with self._lock:
            if self._is_probing or self._is_stopped.is_set():
                return
            try:
                start_thread("veritas-probe", self._look)
            except Overloaded as refusal:
                logger.error("the database is not looked for: %s", refusal)  # noqa: TRY400 - one line
            else:
                self._is_probing = True

    def _look(self) -> None:
        while not self._is_settled():
            if self._is_stopped.wait(PROBE_SECONDS):
                return

    def _is_settled(self) -> bool:
        asked_at = time.monotonic()
        is_back, reason = self._ask(self._patience_seconds if self.is_up else self._longest_seconds)
        with self._lock:
            if is_back:
                self._found_back()
            elif self.is_up and self._answered_at < asked_at:
                self._away_since = asked_at
                logger.error("the database is away: it does not answer any more")
            if not self.is_up:
                self._reason = reason
                return False
            self._is_probing = False
            return True

    def _found_back(self) -> None:
        if self._away_since is not None:
            seconds = time.monotonic() - self._away_since
            self._away_since = None
            logger.warning("the database is back after %.1f s", seconds)

    def _ask(self, seconds: float) -> tuple[bool, str]:
        try:
            self._probe(seconds)
        except DatabaseUnavailable:
            return False, _AWAY
        except DatabaseBusy:
            return True, ""  # it answers: overload is no outage
        except Overloaded:
            return self.is_up, self._reason  # nothing could be asked: what was known stays
        except ConfigurationError as refusal:
            if self._last_refusal != str(refusal):
                self._last_refusal = str(refusal)
                logger.error("the database is there, but cannot be used: %s", refusal)  # noqa: TRY400 - one line
            return False, _UNUSABLE
        except Exception as failure:  # noqa: BLE001 - the thread must go on looking
            logger.error("looking for the database failed: %s", type(failure).__qualname__)  # noqa: TRY400 - its text may be personal
            return False, _AWAY
        return True, ""
