"""Circuit breaker for PostgreSQL: a dead server costs no time, a slow one stays in use."""

import logging
import threading
import time
from collections.abc import Callable

from shared_db.errors import ConfigurationError, DatabaseBusy, DatabaseUnavailable, Overloaded
from shared_db.resilience.deadlines import start_thread

logger = logging.getLogger(__name__)

PROBE_SECONDS = 0.5
_AWAY = "The database does not answer. Try again in a few seconds."
# The refusal has no cause: a cause can name the server and its user.
_UNUSABLE = "The database is there, but cannot be used as it is; the log tells why."

# Parts of libpq's messages that name the cause, but not the server.
_CAUSES = (
    "Connection refused",
    "Connection reset",
    "starting up",
    "shutting down",
    "recovery mode",
    "could not translate host name",
    "No route to host",
)

# Connects, runs a query and disconnects within so many seconds.
Probe = Callable[[float], None]


class CircuitBreaker:
    """Circuit breaker that opens when the server answers neither its probe nor any statement.

    A lost connection or a slow statement only starts the probe. An open breaker closes when the
    probe is answered again.
    probe: raises DatabaseUnavailable while the server does not answer, DatabaseBusy when it answers
    but has no connection left, ConfigurationError when it is not as it must be. patience_seconds:
    limit of a probe while the breaker is closed. longest_seconds: its limit while it is open.
    """

    def __init__(self, probe: Probe, *, patience_seconds: float, longest_seconds: float) -> None:
        self._probe = probe
        self._patience_seconds = patience_seconds
        self._longest_seconds = longest_seconds
        self._lock = threading.Lock()
        self._is_probing = False
        self._is_stopped = threading.Event()
        # Set at the end of each probe; a new event for each run of the probe's thread.
        self._probed = threading.Event()
        self._answered_at = time.monotonic()
        self._away_since: float | None = None
        self._reason = _AWAY
        self._busy: DatabaseBusy | Overloaded | None = None
        self._refused_writes: str | None = None
        self._last_refusal = ""

    @property
    def is_up(self) -> bool:
        """Return True if the breaker is closed: the server answers, as far as is known."""
        return self._away_since is None

    @property
    def reason(self) -> str | None:
        """The reason why the server cannot be written to; None when it can."""
        return self._refused_writes if self.is_up else self._reason

    def check(self) -> None:
        """Return at once if the breaker is closed, without a query.

        Raises:
            DatabaseUnavailable: the breaker is open.

        """
        if not self.is_up:
            self._start_probing()  # its thread may have been refused before
            raise DatabaseUnavailable(self._reason)

    def require_answer(self, max_age_seconds: float) -> None:
        """Return if the server answered in the last `max_age_seconds`, or answers the probe now.

        Raises:
            DatabaseUnavailable: it is away.
            DatabaseBusy: it answers, but has no connection left.
            Overloaded: this process has no thread or descriptor left for the probe.

        """
        if self.is_up and time.monotonic() - self._answered_at > max_age_seconds:
            self.is_away_after_probe()
        self.check()
        if self._busy is not None:
            raise type(self._busy)(self._busy.detail)

    def record_success(self) -> None:
        """Record that the server answered; a refusal counts, too."""
        self._answered_at = time.monotonic()

    def record_write(self) -> None:
        """Record that a transaction was committed."""
        self.record_success()
        if self._refused_writes is not None:
            self._refused_writes = None
            logger.warning("the database takes writes again")

    def record_refused_write(self, reason: str) -> None:
        """Record that the server answers but takes no writes: read-only, or its disk is full."""
        if self._refused_writes != reason:
            self._refused_writes = reason
            logger.error("the database takes no writes: %s", reason)

    def trip(self, reason: str = _AWAY) -> None:
        """Open the breaker: a connection was tried and the server does not answer."""
        with self._lock:
            if self._away_since is None:
                self._away_since = time.monotonic()
                logger.error("the database is away: no connection could be made")
            self._reason = reason
        self._start_probing()

    def suspect(self) -> None:
        """Start the probe, because a connection was lost or a statement is slow."""
        self._start_probing()

    def is_away_after_probe(self) -> bool:
        """Probe the server, or wait for the probe in flight; return True if it is away."""
        self._start_probing()
        probed = self._probed
        probed.wait(self._patience_seconds)
        return not self.is_up

    def stop(self) -> None:
        """Stop the probe: the store is closed."""
        self._is_stopped.set()

    def _start_probing(self) -> None:
        with self._lock:
            if self._is_probing or self._is_stopped.is_set():
                return
            self._probed = threading.Event()
            try:
                start_thread("veritas-probe", self._probe_loop)
            except Overloaded as refusal:
                logger.error("the database is not looked for: %s", refusal)  # noqa: TRY400 - one line
                self._probed.set()
            else:
                self._is_probing = True

    def _probe_loop(self) -> None:
        while not self._probe_once():
            if self._is_stopped.wait(PROBE_SECONDS):
                return

    def _probe_once(self) -> bool:
        """Probe the server and set the breaker; return True if it is closed."""
        asked_at = time.monotonic()
        seconds = self._patience_seconds if self.is_up else self._longest_seconds
        reason, cause = self._run_probe(seconds)
        with self._lock:
            if reason is None:
                self._record_recovery()
            elif self.is_up and self._answered_at < asked_at:
                self._away_since = asked_at
                logger.error("the database is away: %s", cause)
            if reason is not None and not self.is_up:
                self._reason = reason
            self._is_probing = not self.is_up
            self._probed.set()
            return self.is_up

    def _record_recovery(self) -> None:
        if self._away_since is not None:
            seconds = time.monotonic() - self._away_since
            self._away_since = None
            logger.warning("the database is back after %.1f s", seconds)

    def _run_probe(self, seconds: float) -> tuple[str | None, str]:
        """Return why the server cannot be used: the refusal of callers, and the log's text."""
        self._busy = None
        try:
            self._probe(seconds)
        except DatabaseUnavailable as failure:
            return _AWAY, _cause(failure, seconds)
        except DatabaseBusy as busy:
            self._busy = busy  # it answers: overload is no outage
        except Overloaded as overload:
            # The probe could not be run, so the state is unchanged.
            self._busy = overload
            return (None if self.is_up else self._reason), ""
        except ConfigurationError as refusal:
            if self._last_refusal != str(refusal):
                self._last_refusal = str(refusal)
                logger.error("the database is there, but cannot be used: %s", refusal)  # noqa: TRY400 - one line
            return _UNUSABLE, "it cannot be used as it is"
        except Exception as failure:  # noqa: BLE001 - the thread must go on probing
            logger.error("looking for the database failed: %s", type(failure).__qualname__)  # noqa: TRY400 - its text may be personal
            return _AWAY, "looking for it failed"
        self.record_success()
        return None, ""


def _cause(failure: DatabaseUnavailable, seconds: float) -> str:
    text = str(failure.__cause__ or "")
    known = next((sign for sign in _CAUSES if sign in text), None)
    return known.lower() if known else f"no answer to a probe within {seconds:.1f} s"
