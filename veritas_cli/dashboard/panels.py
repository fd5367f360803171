"""Panels of the dashboard, by rows: titles, queries and units."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_REQUESTS = "http_server_request_duration_seconds"
_CHOSEN = 'instance=~"$instance"'
_OF_WORK = "veritas_background_work"


@dataclass(frozen=True)
class Panel:
    """Graph of some queries: by the legend of each, which may name labels.

    unit: one of Grafana's. meaning: one sentence beside the title.
    """

    title: str
    meaning: str
    queries: Mapping[str, str]
    unit: str = "short"


def _rate(metric: str, conditions: str = "") -> str:
    return f"rate({metric}{{{_CHOSEN}{conditions}}}[$__rate_interval])"


def _quantile(share: float, by: str) -> str:
    buckets = f"sum by (le, {by}) ({_rate(f'{_REQUESTS}_bucket')})"
    return f"histogram_quantile({share}, {buckets})"


def _of(metric: str, conditions: str = "") -> str:
    return f"{metric}{{{_CHOSEN}{conditions}}}"


_BY_ROUTE = _quantile(0.95, "http_request_method, http_route")
_LAST_SUCCESS = _of(f"{_OF_WORK}_last_success_timestamp_seconds")
_EVENTS = _of("veritas_course_data_age_seconds", ', kind="events"')
_FAILED = ', http_response_status_code=~"5.."'

ROWS: Mapping[str, Sequence[Panel]] = {
    "Requests": (
        Panel(
            "Requests a second",
            "All requests that were answered.",
            {"{{instance}}": f"sum by (instance) ({_rate(f'{_REQUESTS}_count')})"},
            "reqps",
        ),
        Panel(
            "Share of failed requests",
            "Answers of 500 and above.",
            {
                "{{instance}}": f"sum by (instance) ({_rate(f'{_REQUESTS}_count', _FAILED)})"
                f" / sum by (instance) ({_rate(f'{_REQUESTS}_count')})"
            },
            "percentunit",
        ),
        Panel(
            "Duration",
            "The median, and the duration that one in twenty exceeds.",
            {
                "{{instance}} median": _quantile(0.5, "instance"),
                "{{instance}} 95 %": _quantile(0.95, "instance"),
            },
            "s",
        ),
        Panel(
            "Slowest routes",
            "The ten routes with the longest durations; one in twenty requests exceeds them.",
            {"{{http_request_method}} {{http_route}}": f"topk(10, {_BY_ROUTE})"},
            "s",
        ),
    ),
    "Database and spool": (
        Panel(
            "Database away",
            "1 while the circuit breaker is open, or while the database takes no writes.",
            {
                "{{instance}} away": _of("veritas_database_circuit_open"),
                "{{instance}} takes no writes": _of("veritas_database_writes_refused"),
            },
        ),
        Panel(
            "Connections",
            "Connections of all processes of a service to PostgreSQL.",
            {"{{instance}} {{state}}": _of("veritas_database_connections")},
        ),
        Panel(
            "Rows in the spool",
            "Rows that wait, and rows that the database refused.",
            {
                "{{instance}} wait": _of("veritas_spool_pending_rows"),
                "{{instance}} refused": _of("veritas_spool_rejected_rows"),
            },
        ),
        Panel(
            "Age of the oldest waiting row",
            "Above some seconds only while the database is away.",
            {"{{instance}}": _of("veritas_spool_oldest_pending_age_seconds")},
            "s",
        ),
        Panel(
            "Queue of events",
            "Single events that wait for their commit.",
            {"{{instance}}": _of("veritas_ingest_queue_requests")},
        ),
    ),
    "Background work": (
        Panel(
            "Time since the last success",
            "Of each piece of work; compare it with the period.",
            {"{{work}} ({{instance}})": f"time() - {_LAST_SUCCESS}"},
            "s",
        ),
        Panel(
            "Failed runs",
            "In the last hour.",
            {"{{work}} ({{instance}})": f"increase({_of(f'{_OF_WORK}_failures_total')}[1h])"},
        ),
        Panel(
            "Duration of the last run",
            "Of each piece of work.",
            {"{{work}} ({{instance}})": _of(f"{_OF_WORK}_duration_seconds")},
            "s",
        ),
    ),
    "Predictions and data": (
        Panel(
            "Predictions",
            "Stored in the last hour, by the model, by the rules, or given by another system.",
            {"{{by}}": f"sum by (by) (increase({_of('veritas_predictions_total')}[1h]))"},
        ),
        Panel(
            "Age of the active model",
            "Time since it was learned.",
            {"{{version}}": f"time() - {_of('veritas_active_model_created_timestamp_seconds')}"},
            "s",
        ),
        Panel(
            "Courses with the oldest events",
            "Twenty courses that are not over, by the time since the day of their last event.",
            {"{{course}}": f"topk(20, {_EVENTS})"},
            "s",
        ),
    ),
    "Processes": (
        Panel(
            "Memory",
            "With one worker.",
            {"{{instance}}": _of("process_resident_memory_bytes")},
            "bytes",
        ),
        Panel(
            "Processors",
            "Number of processors in use, with one worker.",
            {"{{instance}}": _rate("process_cpu_seconds_total")},
        ),
        Panel(
            "Requests in progress",
            "Of all workers.",
            {"{{instance}}": f"sum by (instance) ({_of('http_server_active_requests')})"},
        ),
    ),
}
