"""Metrics of the state of one process: its queue, circuit breaker, connections and work.

They are set when they are read. With several workers each sets its own again and again, because
only one of them answers the request for all.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge

from shared_db.background_work.state import BackgroundWork
from shared_db.connection.database import Database
from shared_db.writes.group_commit import GroupCommit

# Sets some metrics to the present state.
Read = Callable[[], None]


@dataclass(frozen=True)
class Count:
    """Numbers that only rise while a process runs, by the value of one label."""

    name: str
    meaning: str
    label: str
    totals: Callable[[], Mapping[str, int]]


class ProcessState:
    """All metrics of the state of this process.

    database, queue: None if the process has none.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        database: Database | None,
        background: BackgroundWork,
        queue: GroupCommit[Any, Any] | None,
        counts: Sequence[Count],
    ) -> None:
        self._reads = [
            _reading_work(registry, background),
            *(_reading_count(registry, count) for count in counts),
        ]
        if database is not None:
            self._reads.append(_reading_database(registry, database))
        if queue is not None:
            self._reads.append(_reading_queue(registry, queue))

    def read(self) -> None:
        """Set all metrics to the present state."""
        for read in self._reads:
            read()


def _reading_database(registry: CollectorRegistry, database: Database) -> Read:
    is_open = Gauge(
        "veritas_database_circuit_open",
        "1 while the circuit breaker is open: the database does not answer.",
        registry=registry,
        multiprocess_mode="livemax",
    )
    is_read_only = Gauge(
        "veritas_database_writes_refused",
        "1 while the database answers but takes no writes.",
        registry=registry,
        multiprocess_mode="livemax",
    )
    connections = Gauge(
        "veritas_database_connections",
        "Connections to the database, in use or idle in the pool.",
        ("state",),
        registry=registry,
        multiprocess_mode="livesum",
    )

    def read() -> None:
        store = database.store
        if store.breaker is not None:
            is_open.set(not store.breaker.is_up)
            is_read_only.set(store.breaker.is_up and store.breaker.reason is not None)
        if store.connections is not None:
            in_use, opened = store.connections.numbers()
            connections.labels("in_use").set(in_use)
            connections.labels("idle").set(opened - in_use)

    return read


def _reading_queue(registry: CollectorRegistry, queue: GroupCommit[Any, Any]) -> Read:
    def gauge(name: str, meaning: str) -> Gauge:
        return Gauge(name, meaning, registry=registry, multiprocess_mode="livesum")

    requests = gauge("veritas_ingest_queue_requests", "Single events that wait to be written.")
    size = gauge("veritas_ingest_queue_bytes", "Bytes of the single events that wait.")
    limit = gauge("veritas_ingest_queue_limit_requests", "Number at which events are refused.")

    def read() -> None:
        requests.set(queue.waiting)
        size.set(queue.waiting_bytes)
        limit.set(queue.limits.requests)

    return read


def _reading_work(registry: CollectorRegistry, background: BackgroundWork) -> Read:
    def gauge(name: str, meaning: str) -> Gauge:
        # Each process works: the one that succeeded last is as good as all.
        name = f"veritas_background_work_{name}"
        return Gauge(name, meaning, ("work",), registry=registry, multiprocess_mode="livemax")

    last_success = gauge("last_success_timestamp_seconds", "Instant of the last success.")
    duration = gauge("duration_seconds", "Duration of the last run.")
    period = gauge("period_seconds", "Time between two runs, if it is fixed.")
    failures = gauge("consecutive_failures", "Failures since the last success.")
    read_failures = _reading_count(
        registry,
        Count(
            "veritas_background_work_failures_total",
            "Failed runs.",
            "work",
            lambda: {state.name: state.failed_runs for state in background.states()},
        ),
    )

    def read() -> None:
        for state in background.states():
            failures.labels(state.name).set(state.failures)
            if state.last_success_at is not None:
                last_success.labels(state.name).set(state.last_success_at.timestamp())
            if state.duration_seconds is not None:
                duration.labels(state.name).set(state.duration_seconds)
            if state.period_seconds is not None:
                period.labels(state.name).set(state.period_seconds)
        read_failures()

    return read


def _reading_count(registry: CollectorRegistry, count: Count) -> Read:
    counter = Counter(count.name, count.meaning, (count.label,), registry=registry)
    counted: dict[str, int] = {}

    def read() -> None:
        for label, total in count.totals().items():
            counter.labels(label).inc(max(0, total - counted.get(label, 0)))
            counted[label] = total

    return read
