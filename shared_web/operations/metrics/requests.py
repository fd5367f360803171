"""Metrics of requests, by OpenTelemetry's semantic conventions for HTTP servers."""

from prometheus_client import CollectorRegistry, Gauge, Histogram

# Those of the conventions, in seconds.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10)
_METHODS = frozenset(
    ("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY", "TRACE")
)
_OTHER = "_OTHER"


class RequestMetrics:
    """Duration and number of requests by method, template of the route, and status.

    Clients choose none of the labels: another method than those of HTTP is `_OTHER`, and all paths
    without a route have one label.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self._duration = Histogram(
            "http_server_request_duration_seconds",
            "Duration of HTTP server requests.",
            ("http_request_method", "http_route", "http_response_status_code"),
            buckets=BUCKETS,
            registry=registry,
        )
        self._active = Gauge(
            "http_server_active_requests",
            "Number of active HTTP server requests.",
            ("http_request_method",),
            registry=registry,
            multiprocess_mode="livesum",
        )
        # A look-up here takes a tenth of the time of the library's.
        self._durations: dict[tuple[str, str, int], Histogram] = {}
        self._actives: dict[str, Gauge] = {}

    def begin(self, method: str) -> None:
        """Count a request as active."""
        self._active_of(method).inc()

    def end(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count a request as answered; method: as it was given to `begin`."""
        self._active_of(method).dec()
        key = (method, route, status)
        duration = self._durations.get(key)
        if duration is None:
            duration = self._duration.labels(_known(method), route, str(status))
            if _known(method) == method:  # clients may send any number of others
                self._durations[key] = duration
        duration.observe(seconds)

    def _active_of(self, method: str) -> Gauge:
        found = self._actives.get(method)
        if found is None:
            found = self._active.labels(_known(method))
            if _known(method) == method:
                self._actives[method] = found
        return found


def _known(method: str) -> str:
    return method if method in _METHODS else _OTHER
