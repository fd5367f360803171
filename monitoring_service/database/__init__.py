"""The manager of this service: every query on its tables, a part for each noun."""

from collections.abc import Mapping

from monitoring_service.database.background import BackgroundReports
from monitoring_service.database.event_insert import EventToStore
from monitoring_service.database.events import EVENT, Events
from monitoring_service.database.health import SystemHealthRepository
from monitoring_service.database.logs import LOGS_BY_TIME, Logs
from monitoring_service.database.retention import MOST_CLEARED, Retention
from monitoring_service.database.sources import Sources
from monitoring_service.database.thresholds import Thresholds
from monitoring_service.database.timeseries import TimeSeries
from monitoring_service.domain.thresholds import Limits
from monitoring_service.migrations import HISTORY
from monitoring_service.models import Base
from monitoring_service.settings import Settings
from shared_db.connection.database import Database
from shared_db.provisioning.migrations import require_migrated
from shared_db.writes.group_commit import GroupCommit

SPOOLABLE_TYPES = (EVENT,)

__all__ = [
    "SPOOLABLE_TYPES",
    "LOGS_BY_TIME",
    "MOST_CLEARED",
    "EventToStore",
    "MonitoringDatabase",
    "monitoring_db",
]


class MonitoringDatabase(
    Events,
    Logs,
    SystemHealthRepository,
    Sources,
    TimeSeries,
    Thresholds,
    Retention,
    BackgroundReports,
):
    """Events of the systems, judged as they come. Each method is one unit of work.

    limits: by source, `*` for every source, in place of the default thresholds.
    """

    def __init__(
        self, database: Database | None = None, limits: Mapping[str, Limits] | None = None
    ) -> None:
        self.database = database or Database.from_settings(
            "monitoring", Base.metadata, Settings.load
        )
        self.limits: Mapping[str, Limits] = limits or {}
        self.commits = GroupCommit(self._store_waiting)
        self.get_session = self.database.get_session

    def initialize_database(self) -> None:
        """Open the store and make sure that its tables are those of this release.

        Raises:
            ConfigurationError: the settings cannot work, or `veritas migrate` was not run.

        """
        require_migrated(self.database, HISTORY)


monitoring_db = MonitoringDatabase()
