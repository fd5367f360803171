"""Reports of warnings, errors and slow requests, sent to monitoring as events.

Requests never wait for it: events go into a bounded queue, and a thread sends them in batches. When
the queue is full, events are dropped and counted.
"""

import logging
import queue
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx

from shared_db.clock import utc_now
from shared_db.ids import new_id
from shared_web.settings import ServiceSettings

BATCH = 200
CAPACITY = 2_000
PAUSE_SECONDS = 1.0
MAX_PAUSE_SECONDS = 60.0
SEND_SECONDS = 5.0
# Time in which a stopping service may send its last events.
CLOSE_SECONDS = 2.0
BATCH_PATH = "/api/v1/monitoring/events/batch"

# Fields of a structured record that are sent: those without personal data.
_REPORTED_FIELDS = ("method", "status", "error", "sqlstate", "constraint", "frames", "work")
# Reports on the reporter itself, or its HTTP client, would never end.
_IGNORED_LOGGERS = ("veritas.reporting", "httpx", "httpcore")

logger = logging.getLogger("veritas.reporting")


class Reporter(logging.Handler):
    """Logging handler that reports records from `start` until `close`.

    send: sends a batch of events and returns the HTTP status.
    """

    def __init__(
        self,
        send: Callable[[list[dict[str, Any]]], int],
        service: str,
        *,
        capacity: int = CAPACITY,
        pause_seconds: float = PAUSE_SECONDS,
    ) -> None:
        super().__init__(logging.WARNING)
        self.dropped = 0
        self._send = send
        self._service = service
        self._pause_seconds = pause_seconds
        self._waiting: queue.Queue[dict[str, Any]] = queue.Queue(capacity)
        self._unsent: list[dict[str, Any]] = []
        self._reported_drops = 0
        self._is_stopping = threading.Event()
        self._thread = threading.Thread(target=self._send_loop, name="reporter", daemon=True)

    def emit(self, record: logging.LogRecord) -> None:
        """Append the event of the record to the queue, or count it as dropped if that is full."""
        if record.name.startswith(_IGNORED_LOGGERS):
            return
        try:
            self._waiting.put_nowait(_event(record, self._service))
        except queue.Full:
            # The lock of logging.Handler is held here.
            self.dropped += 1

    def start(self) -> None:
        """Start to send."""
        self._thread.start()

    def close(self) -> None:
        """Send the remaining events for at most `CLOSE_SECONDS`, and stop."""
        self._is_stopping.set()
        if self._thread.is_alive():
            self._thread.join(CLOSE_SECONDS)
        super().close()

    def _send_loop(self) -> None:
        pause = self._pause_seconds
        while not self._is_stopping.wait(pause):
            was_sent = self._send_all()
            longer = min(2 * pause, MAX_PAUSE_SECONDS)
            pause = self._pause_seconds if was_sent else longer
        self._send_all()

    def _send_all(self) -> bool:
        """Send batches until the queue is empty; return False if monitoring did not accept one."""
        while batch := self._next_batch():
            try:
                status = self._send(batch)
            except (httpx.HTTPError, RuntimeError):
                # Not reachable, or the client is already closed because the service stops.
                return False
            if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
                return False
            self._unsent = []
            if status >= HTTPStatus.BAD_REQUEST:
                self._refused(status, len(batch))
                return False
        return True

    def _next_batch(self) -> list[dict[str, Any]]:
        # An unaccepted batch is sent again; the ids make that idempotent.
        if not self._unsent and (dropped := self.dropped - self._reported_drops):
            self._reported_drops = self.dropped
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
    fields = record.msg if isinstance(record.msg, dict) else {}
    seconds = fields.get("duration_seconds")
    failure = record.exc_info[0] if record.exc_info else None
    data = {
        "level": record.levelname,
        "logger": record.name,
        "where": f"{Path(record.pathname).name}:{record.lineno}",
        "error": failure.__qualname__ if failure else None,
        "response_time": None if seconds is None else round(1000 * seconds, 3),
        **{name: fields.get(name) for name in _REPORTED_FIELDS if fields.get(name) is not None},
    }
    return {
        "event_id": new_id(),
        "source": service,
        "component": fields.get("route"),
        "event_type": "request" if "route" in fields else "log",
        # The text of an unstructured record may be personal, so it is not sent.
        "message": fields.get("event"),
        "data": {name: value for name, value in data.items() if value is not None},
        "metadata": {"request_id": fields["request_id"]} if "request_id" in fields else None,
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
    """Report to MONITORING_URL during the context; monitoring does not report to itself."""
    if settings.monitoring_url is None or service == "monitoring":
        yield
        return
    with httpx.Client(
        base_url=settings.monitoring_url, headers=_headers(settings), timeout=SEND_SECONDS
    ) as client:

        def send(events: list[dict[str, Any]]) -> int:
            return client.post(BATCH_PATH, json=events).status_code

        reporter = Reporter(send, service)
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
