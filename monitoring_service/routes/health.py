"""Health of the systems, now and by minute, their sources and background work."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Annotated
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query

from monitoring_service.database.background import ServiceWork
from monitoring_service.dependencies import Monitoring
from monitoring_service.domain.findings import HealthStatus
from monitoring_service.domain.health import WINDOW_MINUTES, Health, health_status
from monitoring_service.domain.health_days import HealthDay
from monitoring_service.routes.filters import HealthFilters, SourceFilters
from monitoring_service.schemas.health import (
    BackgroundReportOut,
    BackgroundWorkOut,
    HealthDayOut,
    HealthDaysOut,
    HealthOut,
    SourceDaysOut,
    SourceHealthOut,
    SourceOut,
    StatisticsOut,
    SystemHealthOut,
)
from shared_db.errors import QueryTooExpensive
from shared_db.queries.pagination import MalformedCursor
from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import needs
from shared_web.principals import Permission
from shared_web.problems import InvalidRequest, documented
from shared_web.query.filters import Count
from shared_web.query.pagination import After, CountedPageOut, Limit, PageOut
from shared_web.query.time_zones import ZoneName
from shared_web.requests.expensive_reads import EXPENSIVE_IF_SEARCHED
from shared_web.whole_school.routes import WHOLE_SCHOOL

READ = needs(Permission.SYSTEM_READ)

router = APIRouter(
    prefix="/monitoring", tags=["systems"], dependencies=[READ], route_class=AdmittedRoute
)

LISTING = documented(InvalidRequest, MalformedCursor, QueryTooExpensive)

Days = Annotated[int, Query(ge=1, le=92, description="Number of days, the present one included.")]
Timezone = Annotated[
    ZoneName, Query(description="Time zone of the days.", examples=["Europe/Berlin"])
]


@router.get("/stats", dependencies=[WHOLE_SCHOOL])
def get_statistics(monitoring: Monitoring) -> StatisticsOut:
    """Return the number of events, per status, of their sources, and the oldest and newest."""
    return StatisticsOut.model_validate(monitoring.get_statistics())


@router.get("/health", dependencies=[WHOLE_SCHOOL])
def get_system_health(monitoring: Monitoring) -> HealthOut:
    """Return the health of the systems now."""
    return _out(monitoring.health.assess())


@router.get("/health/history", dependencies=[EXPENSIVE_IF_SEARCHED], responses=LISTING)
def list_system_health(
    monitoring: Monitoring,
    filters: HealthFilters,
    after: After = None,
    limit: Limit = 100,
    count: Count = None,
) -> CountedPageOut[SystemHealthOut]:
    """Return the health of the systems by minute, the latest first."""
    page, total = monitoring.health.history(
        filters=filters, after=after, limit=limit, count=count is not None
    )
    return CountedPageOut[SystemHealthOut].counted(page, total)


@router.get("/health/days")
def list_health_days(
    monitoring: Monitoring, days: Days = 30, timezone: Timezone = "UTC"
) -> HealthDaysOut:
    """Return the health by day: the worst status, and the minutes of each."""
    found = monitoring.health_days.get(days, ZoneInfo(timezone))
    return HealthDaysOut(
        timezone=timezone,
        days=_days_out(found.days),
        sources=[SourceDaysOut(source=s.source, days=_days_out(s.days)) for s in found.sources],
        source_count=found.source_count,
    )


@router.get("/sources", dependencies=[EXPENSIVE_IF_SEARCHED, WHOLE_SCHOOL], responses=LISTING)
def list_sources(
    monitoring: Monitoring, filters: SourceFilters, after: After = None, limit: Limit = 100
) -> PageOut[SourceOut]:
    """Return the sources by name: latest event, health now, numbers of events."""
    return PageOut[SourceOut].of(
        monitoring.sources.search(filters=filters, after=after, limit=limit)
    )


@router.get("/background-work")
def list_background_work(monitoring: Monitoring) -> BackgroundReportOut:
    """Return the background work of all services: last success, duration, next run, last error."""
    report = monitoring.background.report()
    items = [_work_out(work) for work in report.items]
    return BackgroundReportOut(items=items, missing_because=dict(report.missing_because))


def _days_out(days: Iterable[HealthDay]) -> list[HealthDayOut]:
    return [
        HealthDayOut(
            day=one.day,
            status=one.status,
            normal_minutes=one.minutes.get(HealthStatus.NORMAL),
            warning_minutes=one.minutes.get(HealthStatus.WARNING),
            critical_minutes=one.minutes.get(HealthStatus.CRITICAL),
            missing_minutes=one.missing_minutes,
        )
        for one in days
    ]


def _work_out(work: ServiceWork) -> BackgroundWorkOut:
    return BackgroundWorkOut(
        **asdict(work.state),
        service=work.service,
        status="warn" if work.warning else "pass",
        warning=work.warning,
        age_seconds=work.age_seconds,
    )


def _out(health: Health) -> HealthOut:
    troubled = [
        SourceHealthOut(source=source, status=status, severity=severity)
        for source, severity in sorted(health.sources.items(), key=lambda pair: (-pair[1], pair[0]))
        if (status := health_status(severity)) is not HealthStatus.NORMAL
    ]
    return HealthOut(
        status=health.status,
        severity=health.severity,
        missing_because=health.missing_because,
        counts=dict(health.counts),
        window_minutes=WINDOW_MINUTES,
        troubled_sources=troubled,
    )
