"""Manager of the monitoring service and its repositories: all SQL on its tables, and no HTTP."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from monitoring_service.database.background import BackgroundReportRepository
from monitoring_service.database.counts import Statistics
from monitoring_service.database.event_insert import EventToStore
from monitoring_service.database.events import EVENT, EventRepository
from monitoring_service.database.health import SystemHealthRepository
from monitoring_service.database.logs import LOGS_BY_TIME, LogRepository
from monitoring_service.database.retention import MOST_CLEARED, RetentionRepository
from monitoring_service.database.sources import SourceRepository
from monitoring_service.database.thresholds import ThresholdRepository
from monitoring_service.database.timeseries import TimeseriesRepository
from monitoring_service.domain.findings import HealthStatus
from monitoring_service.domain.thresholds import Limits
from monitoring_service.migrations import HISTORY
from monitoring_service.models import Base, MonitoringLog
from monitoring_service.settings import Settings
from shared_db.connection.database import Database
from shared_db.provisioning.migrations import require_migrated
from shared_db.queries.filters import Filter
from shared_db.queries.pagination import Page
from shared_db.repository import Manager

SPOOLABLE_TYPES = (EVENT,)

__all__ = [
    "LOGS_BY_TIME",
    "MOST_CLEARED",
    "SPOOLABLE_TYPES",
    "EventToStore",
    "MonitoringDatabase",
    "monitoring_db",
]


class MonitoringDatabase(Manager):
    """All queries of monitoring, one repository per resource.

    limits: by source, `*` for every source, in place of the default thresholds.
    """

    def __init__(
        self, database: Database | None = None, limits: Mapping[str, Limits] | None = None
    ) -> None:
        super().__init__(
            database or Database.from_settings("monitoring", Base.metadata, Settings.load)
        )
        self.limits: Mapping[str, Limits] = limits or {}
        self.events = EventRepository(self.database, self.spool, lambda: self.limits)
        self.logs = LogRepository(self.database, self.spool)
        self.health = SystemHealthRepository(self.database)
        self.sources = SourceRepository(self.database)
        self.timeseries = TimeseriesRepository(self.database)
        self.thresholds = ThresholdRepository(self.database, lambda: self.limits)
        self.retention = RetentionRepository(self.database, lambda: self.limits)
        self.background = BackgroundReportRepository(self.database)

    def initialize_database(self) -> None:
        """Open the store and make sure that its tables are those of this release.

        Raises:
            ConfigurationError: the settings cannot work, or `veritas migrate` was not run.

        """
        require_migrated(self.database, HISTORY)

    # The names of the design document.

    def add_log(
        self,
        source: str,
        event_type: str,
        component: str | None = None,
        message: str | None = None,
        data: dict[str, Any] | None = None,
        metadata: dict[str, Any] | None = None,
        timestamp: datetime | None = None,
        event_id: str | None = None,
    ) -> MonitoringLog:
        """Judge and insert one event; see `EventRepository.add`."""
        event = EventToStore(
            source, event_type, component, message, data, metadata, timestamp, event_id
        )
        return self.events.add(event)

    def get_logs(
        self,
        *,
        source: str | None = None,
        component: str | None = None,
        event_type: str | None = None,
        status: HealthStatus | None = None,
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        text: str | None = None,
        filters: Sequence[Filter] = (),
        after: str | None = None,
        offset: int = 0,
        limit: int = 100,
        count: bool = True,
    ) -> tuple[Page[MonitoringLog], int | None]:
        """Return a page of events, the latest first, and their number; see `LogRepository`."""
        return self.logs.search(
            source=source,
            component=component,
            event_type=event_type,
            status=status,
            start_time=start_time,
            end_time=end_time,
            text=text,
            filters=filters,
            after=after,
            offset=offset,
            limit=limit,
            count=count,
        )

    def get_statistics(self) -> Statistics:
        """Return the number of events, per status, of their sources, and from when they are."""
        return self.logs.statistics()

    def get_current_health_status(self) -> tuple[HealthStatus | None, float | None]:
        """Return the status now and its severity, 0 to 1; None if no event came lately."""
        health = self.health.assess()
        return health.status, health.severity


monitoring_db = MonitoringDatabase()
