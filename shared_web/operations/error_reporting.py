"""Warnings, errors and slow requests of a service, sent to monitoring as events.

A request never waits for it: events go into a bounded queue, and a thread sends them in batches.
While monitoring is away the queue fills, then events are dropped and counted.
"""

import logging
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any, Protocol

import httpx

from shared_db.clock import utc_now
from shared_db.ids import new_id
from shared_web.settings import ServiceSettings

BATCH = 200
CAPACITY = 2_000
PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 60.0
SEND_SECONDS = 5.0
# How long a service that stops may take to send what is left.
PARTING_SECONDS = 2.0
_BATCH_PATH = "/api/v1/monitoring/events/batch"

# What may leave the process of a structured record: nothing that holds what somebody sent.
_TOLD = ("method", "status", "error", "sqlstate", "constraint", "frames", "work")
# Its own troubles, and those of the client it sends with, would come round for ever.
_OWN = ("veritas.reporting", "httpx", "httpcore")

logger = logging.getLogger("veritas.reporting")


class Answer(Protocol):
    """What the sender needs to know of an answer."""

    @property
    def status_code(self) -> int:
        """The HTTP status."""


class Client(Protocol):
    """What the sender needs of an HTTP client."""

    def post(self, url: str, *, json: Any) -> Answer:
        """Send JSON."""


class Reporter(logging.Handler):
    """The logging handler; `start` lets it send, `close` sends what is left and stops it."""

    def __init__(
        self,
        client: Client,
        service: str,
        *,
        capacity: int = CAPACITY,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        super().__init__(logging.WARNING)
        self.dropped = 0
        self._client = client
        self._service = service
        self._pause_seconds = pause_seconds
        self._waiting: queue.Queue[dict[str, Any]] = queue.Queue(capacity)
        self._unsent: list[dict[str, Any]] = []
        self._untold = 0
        self._is_stopping = threading.Event()
        self._thread = threading.Thread(target=self._send_on_and_on, name="reporter", daemon=True)

    def emit(self, record: logging.LogRecord) -> None:
        """Put the record's event into the queue, or drop and count it when that is full."""
        if record.name.startswith(_OWN):
            return
        try:
            self._waiting.put_nowait(_event(record, self._service))
        except queue.Full:
            # The lock of logging.Handler is held here.
            self.dropped += 1

    def start(self) -> None:
        """Begin to send."""
        self._thread.start()

    def close(self) -> None:
        """Send what is left, if that takes no longer than `PARTING_SECONDS`, and stop."""
        self._is_stopping.set()
        if self._thread.is_alive():
            self._thread.join(PARTING_SECONDS)
        super().close()

    def _send_on_and_on(self) -> None:
        pause = self._pause_seconds
        while not self._is_stopping.wait(pause):
            was_sent = self._send_all()
            longer = min(2 * pause, LONGEST_PAUSE_SECONDS)
            pause = self._pause_seconds if was_sent else longer
        self._send_all()

    def _send_all(self) -> bool:
        """Send batches until nothing waits; tell whether monitoring took them."""
        while batch := self._next_batch():
            try:
                status = self._client.post(_BATCH_PATH, json=batch).status_code
            except (httpx.HTTPError, RuntimeError):
                # Away; or, as the service ends, the client is closed already.
                return False
            if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                return False
            self._unsent = []
            if status >= HTTPStatus.BAD_REQUEST:
                self._refused(status, len(batch))
                return False
        return True

    def _next_batch(self) -> list[dict[str, Any]]:
        # What was not taken is sent again; the ids make that harmless.
        if not self._unsent and (dropped := self.dropped - self._untold):
            self._untold = self.dropped
            self._unsent.append(_dropped_event(self._service, dropped))
        while len(self._unsent) < BATCH:
            try:
                self._unsent.append(self._waiting.get_nowait())
            except queue.Empty:
                break
        return self._unsent

    def _refused(self, status: int, count: int) -> None:
        self.acquire()
        self.dropped += count
        self.release()
        logger.warning("monitoring refuses reports with status %d; see MONITORING_KEY", status)


def _event(record: logging.LogRecord, service: str) -> dict[str, Any]:
    told = record.msg if isinstance(record.msg, dict) else {}
    seconds = told.get("duration_seconds")
    failure = record.exc_info[0] if record.exc_info else None
    data = {
        "level": record.levelname,
        "logger": record.name,
        "where": f"{Path(record.pathname).name}:{record.lineno}",
        "error": failure.__qualname__ if failure else None,
        "response_time": None if seconds is None else round(1000 * seconds, 3),
        **{name: told.get(name) for name in _TOLD if told.get(name) is not None},
    }
    return {
        "event_id": new_id(),
        "source": service,
        "component": told.get("route"),
        "event_type": "request" if "route" in told else "log",
        # The text of a record that is not structured may hold anything, so it stays here.
        "message": told.get("event"),
        "data": {name: value for name, value in data.items() if value is not None},
        "metadata": {"request_id": told["request_id"]} if "request_id" in told else None,
        "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(),
    }


def _dropped_event(service: str, count: int) -> dict[str, Any]:
    return {
        "event_id": new_id(),
        "source": service,
        "event_type": "reports_dropped",
        "message": "reports were dropped because too many waited",
        "data": {"level": "WARNING", "dropped": count},
        "timestamp": utc_now().isoformat(),
    }


@contextmanager
def reporting(settings: ServiceSettings, service: str) -> Iterator[None]:
    """Report to MONITORING_URL as long as the context lasts; monitoring does not report itself."""
    if settings.monitoring_url is None or service == "monitoring":
        yield
        return
    with httpx.Client(
        base_url=settings.monitoring_url, headers=_headers(settings), timeout=SEND_SECONDS
    ) as client:
        reporter = Reporter(client, service)
        logging.getLogger().addHandler(reporter)
        reporter.start()
        try:
            yield
        finally:
            logging.getLogger().removeHandler(reporter)
            reporter.close()


def _headers(settings: ServiceSettings) -> dict[str, str]:
    key = settings.monitoring_key.get_secret_value() if settings.monitoring_key else ""
    return {"Authorization": f"Bearer {key}"} if key else {}
