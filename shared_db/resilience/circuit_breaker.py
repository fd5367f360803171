"""Circuit breaker for PostgreSQL: a dead server costs no time, a slow one stays in use."""

import logging
import threading
import time
from collections.abc import Callable

from shared_db.errors import ConfigurationError, DatabaseBusy, DatabaseUnavailable, Overloaded
from shared_db.resilience.threads import start_thread

logger = logging.getLogger(__name__)

PROBE_SECONDS = 0.5
_AWAY = "The database does not answer. Try again in a few seconds."
# Callers are not told what is wrong: it can name the server and its user.
_UNUSABLE = "The database is there, but cannot be used as it is; the log tells why."

# Parts of libpq's messages that tell the cause and nothing of the server.
_CAUSES = (
    "Connection refused",
    "Connection reset",
    "starting up",
    "shutting down",
    "recovery mode",
    "could not translate host name",
    "No route to host",
)

# Connects, asks and disconnects within so many seconds.
Probe = Callable[[float], None]


class CircuitBreaker:
    """Circuit breaker that opens when the server does not answer its probe, nor anything else.

    A connection that is lost, or a statement that takes long, only starts the probe. While any
    statement is answered the server lives, however slow it is. An open breaker closes when the
    probe is answered again.
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
        # Set at the end of each probe; a new one for each that is waited for.
        self._probed = threading.Event()
        self._answered_at = time.monotonic()
        self._away_since: float | None = None
        self._reason = _AWAY
        self._busy: DatabaseBusy | Overloaded | None = None
        self._refused_writes: str | None = None
        self._last_refusal = ""

    @property
    def is_up(self) -> bool:
        """Return True if the server answers, as far as is known."""
        return self._away_since is None

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

    def require_answer(self, max_age_seconds: float) -> None:
        """Return if the server answered something lately, or answers the probe now.

        Raises:
            DatabaseUnavailable: it is away.
            DatabaseBusy: it answers, but has no connection left.
            Overloaded: this process has nothing left to ask it with.

        """
        if self.is_up and time.monotonic() - self._answered_at > max_age_seconds:
            self.is_away_after_probe()
        self.require()
        if self._busy is not None:
            raise type(self._busy)(self._busy.detail)

    def answered(self) -> None:
        """Record that the server answered something, be it a refusal."""
        self._answered_at = time.monotonic()

    def wrote(self) -> None:
        """Record that a transaction was committed."""
        self.answered()
        if self._refused_writes is not None:
            self._refused_writes = None
            logger.warning("the database takes writes again")

    def refused_write(self, reason: str) -> None:
        """Record that the server answers but takes no writes: read-only, or its disk full."""
        if self._refused_writes != reason:
            self._refused_writes = reason
            logger.error("the database takes no writes: %s", reason)

    def lost(self, reason: str = _AWAY) -> None:
        """Open the breaker: the server was looked for and does not answer."""
        with self._lock:
            if self._away_since is None:
                self._away_since = time.monotonic()
                logger.error("the database is away: no connection could be made")
            self._reason = reason
        self._start_probing()

    def suspect(self) -> None:
        """Start the probe, because a connection was lost or something takes long."""
        self._start_probing()

    def is_away_after_probe(self) -> bool:
        """Probe the server, or wait for the probe at hand; return True if it is away."""
        self._start_probing()
        probed = self._probed
        probed.wait(self._patience_seconds)
        return not self.is_up

    def stop(self) -> None:
        """Probe no more: the store is closed."""
        self._is_stopped.set()

    def _start_probing(self) -> None:
        with self._lock:
            if self._is_probing or self._is_stopped.is_set():
                return
            self._probed = threading.Event()
            try:
                start_thread("veritas-probe", self._probe_until_settled)
            except Overloaded as refusal:
                logger.error("the database is not looked for: %s", refusal)  # noqa: TRY400 - one line
                self._probed.set()
            else:
                self._is_probing = True

    def _probe_until_settled(self) -> None:
        while not self._is_settled():
            if self._is_stopped.wait(PROBE_SECONDS):
                return

    def _is_settled(self) -> bool:
        asked_at = time.monotonic()
        seconds = self._patience_seconds if self.is_up else self._longest_seconds
        reason, cause = self._ask(seconds)
        with self._lock:
            if reason is None:
                self._found_back()
            elif self.is_up and self._answered_at < asked_at:
                self._away_since = asked_at
                logger.error("the database is away: %s", cause)
            if reason is not None and not self.is_up:
                self._reason = reason
            self._is_probing = not self.is_up
            self._probed.set()
            return self.is_up

    def _found_back(self) -> None:
        if self._away_since is not None:
            seconds = time.monotonic() - self._away_since
            self._away_since = None
            logger.warning("the database is back after %.1f s", seconds)

    def _ask(self, seconds: float) -> tuple[str | None, str]:
        """Return why the server cannot be used, as callers are told and as the log is."""
        self._busy = None
        try:
            self._probe(seconds)
        except DatabaseUnavailable as failure:
            return _AWAY, _cause(failure, seconds)
        except DatabaseBusy as busy:
            self._busy = busy  # it answers: overload is no outage
        except Overloaded as overload:
            # Nothing could be asked, so that nothing new is known.
            self._busy = overload
            return (None if self.is_up else self._reason), ""
        except ConfigurationError as refusal:
            if self._last_refusal != str(refusal):
                self._last_refusal = str(refusal)
                logger.error("the database is there, but cannot be used: %s", refusal)  # noqa: TRY400 - one line
            return _UNUSABLE, "it cannot be used as it is"
        except Exception as failure:  # noqa: BLE001 - the thread must go on looking
            logger.error("looking for the database failed: %s", type(failure).__qualname__)  # noqa: TRY400 - its text may be personal
            return _AWAY, "looking for it failed"
        self.answered()
        return None, ""


def _cause(failure: DatabaseUnavailable, seconds: float) -> str:
    text = str(failure.__cause__ or "")
    known = next((sign for sign in _CAUSES if sign in text), None)
    return known.lower() if known else f"no answer to a probe within {seconds:.1f} s"
