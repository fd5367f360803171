"""What clients send and get."""

from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import AliasChoices, Field, PlainValidator, WithJsonSchema, model_validator

from monitoring_service.domain.findings import HealthStatus
from monitoring_service.filters import LOGS
from shared_db.queries.filters import Filter
from shared_web.query.pagination import LONGEST_CURSOR
from shared_web.requests.fields import (
    FEW_NAMES,
    AdditionOut,
    Body,
    Id,
    JsonObject,
    Label,
    Number,
    Out,
    PastInstant,
    Term,
    Text,
)

Metric = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,100}$")]


class NewEvent(Body):
    """One event of a system; without an id one is made, without a time it is now."""

    event_id: Id | None = Field(None, examples=["evt-1"])
    source: Label = Field(examples=["library-catalogue"])
    component: Label | None = Field(None, examples=["search"])
    event_type: Label = Field(examples=["request"])
    message: Text | None = None
    data: JsonObject | None = Field(None, examples=[{"response_time": 1800, "error_rate": 0.01}])
    metadata: JsonObject | None = None
    timestamp: PastInstant | None = None


class ResultOut(Out):
    """Why an event is not NORMAL; `severity_score` is 0 to 1."""

    status: HealthStatus
    severity_score: float
    reasoning: str
    detected_issues: list[str]
    failed_rules: list[str]
    suggestions: list[str]


class EventOut(AdditionOut):
    """An event as stored, with what the rules said of it; `result` is null when NORMAL.

    Of a pending one `status` and `severity` are null too: it is judged when it is stored.
    """

    event_id: str = Field(validation_alias=AliasChoices("event_id", "id"))
    source: str
    component: str | None
    event_type: str
    message: str | None
    data: dict[str, Any] | None
    metadata: dict[str, Any] | None = Field(validation_alias="context")
    timestamp: datetime
    created_at: datetime
    status: HealthStatus | None
    severity: float | None
    result: ResultOut | None


class LogQuery(Body):
    """What `GET /logs` takes in its query, where that would become too long."""

    filter: Annotated[
        tuple[Filter, ...], PlainValidator(LOGS.from_body), WithJsonSchema(LOGS.json_schema)
    ] = Field((), description="The same names as the query's parameters; for `__in` a list.")
    q: Term | None = None
    after: Annotated[str, Field(max_length=LONGEST_CURSOR)] | None = None
    limit: int = Field(100, ge=1, le=1000)
    count: Literal["exact"] | None = None


class StatisticsOut(Out):
    """What is stored; the instants are null when nothing is."""

    total_logs: int
    status_distribution: dict[HealthStatus, int]
    unique_sources: int
    oldest_log: datetime | None
    newest_log: datetime | None


class SourceHealthOut(Out):
    """How one source is now; severity is 0 to 1."""

    source: str
    status: HealthStatus
    severity: float


class HealthOut(Out):
    """How the systems are now: as bad as the worst source.

    Status and severity are null, for the reason in `missing_because`, when nothing was heard.
    """

    status: HealthStatus | None
    severity: float | None
    missing_because: str | None
    counts: dict[HealthStatus, int]
    window_minutes: int
    troubled_sources: list[SourceHealthOut] = Field(description="Those not NORMAL, worst first.")


class SystemHealthOut(Out):
    """How the systems were in one minute."""

    minute: datetime
    timestamp: datetime
    overall_status: HealthStatus | None
    severity: float | None
    normal_count: int
    warning_count: int
    critical_count: int
    window_minutes: int


class SourceOut(Out):
    """A source: when last heard, how it is now, and how many events of it are stored.

    Status and severity are null, for the reason in `missing_because`, when nothing was heard
    lately.
    """

    source: str
    last_seen: datetime
    status: HealthStatus | None
    severity: float | None
    missing_because: str | None
    total: int
    normal: int
    warning: int
    critical: int


class BackgroundWorkOut(Out):
    """The state of one piece of background work, as its service reported it last.

    `warn`: the last run failed, or the last success is older than three periods.
    """

    service: str
    name: str = Field(examples=["erasing"])
    status: Literal["pass", "warn"]
    warning: str | None
    age_seconds: float | None = Field(description="Since the last success; null before the first.")
    period_seconds: float | None = Field(description="Null where there is no fixed period.")
    last_started_at: datetime | None
    last_success_at: datetime | None
    duration_seconds: float | None
    next_run_at: datetime | None
    failures: int = Field(description="Consecutive ones.")
    last_error: str | None = Field(description="The exception's class.")
    last_error_at: datetime | None


class BackgroundReportOut(Out):
    """Background work by service and name, and the reason for each service without any."""

    items: list[BackgroundWorkOut]
    missing_because: dict[str, str]


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


class SeriesOut(Out):
    """A series by time and group; buckets without events are left out."""

    start: datetime
    end: datetime
    bucket_seconds: int
    points: list[PointOut]


class MetricLimit(Body):
    """From which value on a metric is a warning, and from which it is critical."""

    warning: Number
    critical: Number

    @model_validator(mode="after")
    def _critical_is_above(self) -> Self:
        if not self.warning < self.critical:
            raise ValueError("critical must be above warning")
        return self


class NewRules(Body):
    """The limits of one source in place of those set before; others keep their default."""

    thresholds: Annotated[dict[Metric, MetricLimit], FEW_NAMES] = Field(
        min_length=1,
        max_length=100,
        examples=[{"response_time": {"warning": 300, "critical": 2000}}],
    )


class ThresholdOut(Out):
    """A metric that is too high from `warning` on, and far too high from `critical` on."""

    metric: str
    warning: float
    critical: float
    unit: str
    suggestion: str


class RulesOut(Out):
    """The thresholds in force for a source."""

    source: str
    thresholds: list[ThresholdOut]


class ChangeOut(Out):
    """An event that the present rules judge otherwise than before."""

    event_id: str
    source: str
    status_before: HealthStatus
    status: HealthStatus
    severity_before: float
    severity: float


class ReevaluationOut(Out):
    """What the present rules changed; `next` is where to go on, null at the end."""

    examined: int
    changed: int
    transitions: dict[str, int] = Field(examples=[{"WARNING to NORMAL": 12}])
    changes: list[ChangeOut] = Field(description="The first hundred.")
    next: str | None


class CleanupOut(Out):
    """How many events were deleted; repeat the request while `is_complete` is false."""

    deleted: int
    is_complete: bool
