"""Structured logs: JSON unless the output is a terminal, one line per request, no personal data."""

import logging
import re
import sys
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar

import structlog
from pydantic_core import to_json
from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared_db.clock import utc_now
from shared_db.ids import new_id
from shared_db.row_limits import limit_rows
from shared_web.failures import describe_failure
from shared_web.problems import problem_response
from shared_web.routing import route_template
from shared_web.settings import ServiceSettings

if TYPE_CHECKING:  # prometheus_client must not be imported before `metrics_folder`
    from shared_web.operations.metrics.requests import RequestMetrics

_REQUESTS = "veritas.requests"
logger = structlog.stdlib.get_logger(_REQUESTS)

_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,100}")


def configure_logging(settings: ServiceSettings, service: str) -> None:
    """Send all logs of this process to standard output in one format."""
    is_json = settings.log_format == "json" or (
        settings.log_format == "auto" and not sys.stdout.isatty()
    )
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        lambda _logger, _method, event: {"service": service, **event},
    ]
    renderer = structlog.processors.JSONRenderer() if is_json else structlog.dev.ConsoleRenderer()
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.processors.format_exc_info],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    logging.basicConfig(handlers=[handler], level=settings.log_level, force=True)
    is_wanted = logger.isEnabledFor(logging.INFO)
    RequestLog.lines = _Lines(service) if is_json and is_wanted else None
    # Access lines have paths, and so students' ids; RequestLog writes the route's template.
    logging.getLogger("uvicorn.access").disabled = True
    logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs each batch of reports
    logging.getLogger("alembic").setLevel(logging.WARNING)  # it logs all of its plug-ins


class _Lines:
    """Writer of the same JSON without structlog and the standard library.

    For the lines of requests, since there is one for each event.
    """

    def __init__(self, service: str) -> None:
        self._same = {"level": "info", "logger": _REQUESTS, "service": service}

    def info(self, event: str, **line: Any) -> None:
        fields = {**line, "event": event, **self._same, "timestamp": utc_now()}
        sys.stdout.buffer.write(to_json(fields) + b"\n")
        sys.stdout.buffer.flush()


class RequestLog:
    """Middleware that gives each request an id, logs it, counts it, and answers exceptions.

    The line has the route's template, but no path, query or exception text, which may be personal.
    A request of `slow_seconds` or longer is a warning. mark: called with the id of each request.
    """

    lines: ClassVar[Any] = None
    """Writer of lines that are no warnings; None: the logger."""

    def __init__(
        self,
        app: ASGIApp,
        slow_seconds: float,
        metrics: "RequestMetrics",
        mark: Callable[[str], None] | None = None,
    ) -> None:
        self.app = app
        self.slow_seconds = slow_seconds
        self.metrics = metrics
        self.mark = mark

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        # A pipelined request is started by the answer to the one before it, with its context.
        limit_rows(None)
        request_id = _offered_id(scope) or new_id()
        scope.setdefault("state", {})["request_id"] = request_id
        if self.mark is not None:
            self.mark(request_id)
        status = 500
        has_started = False
        method = scope["method"]
        self.metrics.begin(method)
        started = time.perf_counter()

        async def send_with_id(message: Message) -> None:
            nonlocal status, has_started
            if message["type"] == "http.response.start":
                status, has_started = message["status"], True
                MutableHeaders(scope=message)["X-Request-ID"] = request_id
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self.app(scope, receive, send_with_id)
            except Exception as failure:  # noqa: BLE001 - the last handler; it logs and answers
                logger.error("unexpected error", **describe_failure(failure))  # noqa: TRY400 - its text may be personal
                if has_started:
                    return
                response = _unexpected(Request(scope))
                await response(scope, receive, send_with_id)
            finally:
                seconds = time.perf_counter() - started
                route = route_template(scope)
                self.metrics.end(method, route, status, seconds)
                self._log(scope, route, request_id, status, seconds)

    def _log(self, scope: Scope, route: str, request_id: str, status: int, seconds: float) -> None:
        line = {
            "request_id": request_id,
            "method": scope["method"],
            "route": route,
            "status": status,
            "duration_seconds": round(seconds, 6),
            "principal": getattr(scope["state"].get("principal"), "log_name", None),
        }
        if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
            logger.error("request", **line)
        elif seconds >= self.slow_seconds:
            logger.warning("request", **line)
        else:
            (self.lines or logger).info("request", **line)


def _offered_id(scope: Scope) -> str | None:
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            offered: str = value.decode("latin-1")
            return offered if _REQUEST_ID.fullmatch(offered) else None
    return None


def _unexpected(request: Request) -> ASGIApp:
    return problem_response(
        request,
        status=500,
        slug="unexpected-error",
        title="Something unexpected went wrong",
        detail="It is in the log under this request id. If something was to be stored, it is not "
        "known whether it was: send it again under the same id.",
    )
