"""Metrics of dropout alone: predictions, the active model, and the age of the data of courses."""

from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from datetime import datetime
from threading import Lock
from time import monotonic

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from dropout_service.database import DropoutDatabaseManager
from dropout_service.database.measures import Measures
from dropout_service.database.predictions.made import MADE
from shared_db.errors import ServiceError
from shared_web.operations.metrics.process import Count
from shared_web.operations.metrics.service import OwnMetrics

# Reading them again at each scrape would tell nothing new.
KEPT_SECONDS = 60
PATIENCE_SECONDS = 2
# Label of all courses beyond those that are listed; no id has this form by accident.
OTHERS = "(others)"


def own_metrics(manager: DropoutDatabaseManager) -> OwnMetrics:
    """Return the metrics of the service."""
    made = Count("veritas_predictions_total", "Predictions that were stored.", "by", MADE.totals)
    return OwnMetrics([made], [DataMetrics(manager).measure])


class DataMetrics:
    """Metrics from the database, read at most once in `KEPT_SECONDS`.

    While the database does not answer there are none: an old value would look like a new one. A
    scrape waits for a slow database no longer than `PATIENCE_SECONDS`, so that it has the others.
    """

    def __init__(self, manager: DropoutDatabaseManager) -> None:
        self._manager = manager
        self._lock = Lock()
        self._metrics: list[Metric] = []
        self._read_at = float("-inf")
        self._reader = ThreadPoolExecutor(1, "measures")
        self._reading: Future[Measures] | None = None

    def measure(self) -> Iterable[Metric]:
        """Return the metrics."""
        with self._lock:
            if monotonic() - self._read_at >= KEPT_SECONDS:
                self._metrics = list(self._read())
            return self._metrics

    def _read(self) -> Iterator[Metric]:
        if self._reading is None:
            self._reading = self._reader.submit(self._manager.measures.read_measures)
        wait([self._reading], PATIENCE_SECONDS)
        if not self._reading.done():
            return  # the next scrape takes its result
        reading, self._reading = self._reading, None
        try:
            measures = reading.result()
        except ServiceError:
            return
        self._read_at = monotonic()
        yield from _metrics(measures)


def _metrics(measures: Measures) -> Iterator[Metric]:
    age = GaugeMetricFamily(
        "veritas_course_data_age_seconds",
        "Seconds since the last row of a course that is not over; of events, since the end of its"
        " day (UTC).",
        labels=("course", "kind"),
    )
    for course, ages in [*measures.ages.items(), (OTHERS, measures.others)]:
        for kind, seconds in ages.items():
            age.add_metric((course, kind.value), seconds)
    yield age
    yield GaugeMetricFamily(
        "veritas_courses_summed",
        f"Courses of which the youngest rows are those of the label {OTHERS}.",
        measures.further_courses,
    )
    if (model := measures.model) is not None:
        learned = "Instant at which the active model was learned."
        yield _of_model("created", learned, model.version, model.created_at)
        if model.activated_at is not None:
            since = "Instant since which the model is active."
            yield _of_model("activated", since, model.version, model.activated_at)


def _of_model(name: str, meaning: str, version: str, at: datetime) -> Metric:
    metric = GaugeMetricFamily(
        f"veritas_active_model_{name}_timestamp_seconds", meaning, labels=("version",)
    )
    metric.add_metric((version,), at.timestamp())
    return metric
