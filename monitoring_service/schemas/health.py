"""Health of the systems, their sources and their background work."""

from datetime import date, datetime
from typing import Literal

from pydantic import Field

from monitoring_service.domain.findings import HealthStatus
from shared_web.requests.fields import (
    Out,
)


class StatisticsOut(Out):
    """Numbers of stored events; the instants are null if there is none."""

    total_logs: int
    status_distribution: dict[HealthStatus, int]
    unique_sources: int
    oldest_log: datetime | None
    newest_log: datetime | None


class SourceHealthOut(Out):
    """Health of one source now; severity is 0 to 1."""

    source: str
    status: HealthStatus
    severity: float


class HealthOut(Out):
    """Health of the systems now, which is that of the worst source.

    Status and severity are null, for the reason in `missing_because`, when nothing was heard.
    """

    status: HealthStatus | None
    severity: float | None
    missing_because: str | None
    counts: dict[HealthStatus, int]
    window_minutes: int
    troubled_sources: list[SourceHealthOut] = Field(description="Those not NORMAL, worst first.")


class SystemHealthOut(Out):
    """Health of the systems in one minute."""

    minute: datetime
    timestamp: datetime
    overall_status: HealthStatus | None
    severity: float | None
    normal_count: int
    warning_count: int
    critical_count: int
    window_minutes: int


class HealthDayOut(Out):
    """Health of one day: the worst status, and minutes by status.

    All of them are null without any known minute.
    """

    day: date
    status: HealthStatus | None
    normal_minutes: int | None
    warning_minutes: int | None
    critical_minutes: int | None
    missing_minutes: int = Field(
        description="Minutes that have begun, of which nothing is known: no event came, or "
        "monitoring did not run."
    )


class SourceDaysOut(Out):
    """Days of one source."""

    source: str
    days: list[HealthDayOut]


class HealthDaysOut(Out):
    """Health by day, the present day last, of all systems together and of each source."""

    timezone: str
    days: list[HealthDayOut]
    sources: list[SourceDaysOut] = Field(description="Those with most trouble first, at most 50.")
    source_count: int = Field(description="Number of sources that were heard in these days.")


class SourceOut(Out):
    """Source with its latest event, its health now, and the numbers of its stored events.

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
