"""Manager of the monitoring service and its repositories: all SQL on its tables, and no HTTP."""

from collections.abc import Mapping

from monitoring_service.database.background import BackgroundReportRepository
from monitoring_service.database.event_insert import EventToStore
from monitoring_service.database.events import EVENT, EventRepository
from monitoring_service.database.health import SystemHealthRepository
from monitoring_service.database.history.days import HealthDayRepository
from monitoring_service.database.incidents.store import IncidentRepository
from monitoring_service.database.incidents.work import IncidentWork
from monitoring_service.database.log_archives import LogArchiveRepository
from monitoring_service.database.logs import LOGS_BY_TIME, LogRepository
from monitoring_service.database.months import MonthRepository
from monitoring_service.database.retention import MOST_CLEARED, RetentionRepository
from monitoring_service.database.rollups.work import RollupRepository
from monitoring_service.database.sources import SourceRepository
from monitoring_service.database.thresholds import ThresholdRepository
from monitoring_service.database.timeseries import TimeseriesRepository
from monitoring_service.domain.thresholds import Limits
from monitoring_service.migrations import HISTORY
from monitoring_service.models import Base
from monitoring_service.settings import Settings
from shared_db.connection.database import Database
from shared_db.provisioning.migrations import require_migrated
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
            database
            or Database.from_settings(
                # Events of systems: no row is of a student, so persons need no limit.
                "monitoring",
                Base.metadata,
                Settings.load,
                person_schemas=(),
            )
        )
        self.limits: Mapping[str, Limits] = limits or {}
        self.events = EventRepository(self.database, self.spool, lambda: self.limits)
        self.logs = LogRepository(self.database, self.spool)
        self.health = SystemHealthRepository(self.database)
        self.health_days = HealthDayRepository(self.database)
        self.incidents = IncidentRepository(self.database)
        self.incident_work = IncidentWork(self.database)
        self.sources = SourceRepository(self.database)
        self.timeseries = TimeseriesRepository(self.database)
        self.thresholds = ThresholdRepository(self.database, lambda: self.limits)
        self.archives = LogArchiveRepository(self.database)
        self.months = MonthRepository(self.database)
        self.rollups = RollupRepository(self.database)
        self.retention = RetentionRepository(self.database, lambda: self.limits)
        self.background = BackgroundReportRepository(self.database)
        # The names of the design document.
        self.add_log = self.events.add_log
        self.get_logs = self.logs.search
        self.get_statistics = self.logs.statistics
        self.get_current_health_status = self.health.current_status

    def initialize_database(self) -> None:
        """Open the store and make sure that its tables are those of this release.

        Raises:
            ConfigurationError: the settings cannot work, or `veritas migrate` was not run.

        """
        require_migrated(self.database, HISTORY)


monitoring_db = MonitoringDatabase()
