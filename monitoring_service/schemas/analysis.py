"""Time series, and events judged again."""

from datetime import datetime

from pydantic import Field

from monitoring_service.domain.findings import HealthStatus
from monitoring_service.domain.transforms import Transform
from shared_web.requests.fields import (
    Out,
)


class PointOut(Out):
    """One bucket of a series; `measured` events have the metric, mean and max are theirs."""

    start: datetime
    group: str | None
    count: int
    measured: int
    mean: float | None
    max: float | None
    p50: float | None
    p95: float | None
    p99: float | None
    transformed: float | None = None
    trend: float | None = None
    seasonal: float | None = None
    residual: float | None = None


class SeriesOut(Out):
    """A series by time and group; buckets without events are left out, unless it is transformed.

    missing_because: the reason why a transform has no values. from_rollups: True if parts of it
    were read from rollups; percentiles are then within 1 %, otherwise exact.
    """

    start: datetime
    end: datetime
    bucket_seconds: int
    transform: Transform | None
    missing_because: str | None
    from_rollups: bool
    points: list[PointOut]


class ChangeOut(Out):
    """Event that the present rules judge differently."""

    event_id: str
    source: str
    status_before: HealthStatus
    status: HealthStatus
    severity_before: float
    severity: float


class ReevaluationOut(Out):
    """Changes by the present rules; `next` is the cursor to continue with, null at the end."""

    examined: int
    changed: int
    transitions: dict[str, int] = Field(examples=[{"WARNING to NORMAL": 12}])
    changes: list[ChangeOut] = Field(description="The first hundred.")
    next: str | None
