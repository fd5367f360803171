"""Metrics of the spool, which all processes of a service share."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from shared_db.clock import utc_now
from shared_db.spool.access import SpoolAccess
from shared_db.spool.file import SpoolState, SpoolUnavailable


def spool_metrics(access: SpoolAccess) -> Iterator[Metric]:
    """Return the metrics of the spool; of one that cannot be used only that, without one nothing.

    A row that is rejected is in conflict with the database: it waits for a person.
    """
    if access.spool is None and access.failure is None:
        return
    state = _state(access)
    yield _gauge("usable", "1 if rows can wait in the spool.", state is not None)
    if state is None:
        return
    age = (utc_now() - state.oldest_at).total_seconds() if state.oldest_at else 0
    yield _gauge("pending_rows", "Rows that wait to be stored.", state.waiting)
    yield _gauge("oldest_pending_age_seconds", "Age of the first of them; 0: there is none.", age)
    yield _gauge("rejected_rows", "Rows that the database refused.", state.refused)
    yield _gauge("full", "1 if no further row is accepted.", state.is_full)


def _state(access: SpoolAccess) -> SpoolState | None:
    try:
        return access.spool.state() if access.spool is not None else None
    except SpoolUnavailable:
        return None


def _gauge(name: str, meaning: str, value: float) -> Metric:
    return GaugeMetricFamily(f"veritas_spool_{name}", meaning, value)
