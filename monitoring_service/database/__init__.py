"""The manager of this service; each query stands in the module of what it is about."""

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.orm import joinedload

from monitoring_service.database.adding import EVENT, Adding
from monitoring_service.database.assessing import assess, page_of_health, store_snapshot
from monitoring_service.database.counts import Statistics, statistics
from monitoring_service.database.rules import remove_rules, rules_for, set_rules
from monitoring_service.database.searching import (
    LOGS_BY_TIME,
    LogSearch,
    count_logs,
    page_of_logs,
)
from monitoring_service.database.series import Point, Series, points
from monitoring_service.database.sources import Source, page_of_sources
from monitoring_service.database.upkeep import (
    AT_ONCE,
    MOST_SHOWN,
    Change,
    Reevaluation,
    delete_oldest,
    judge_again,
)
from monitoring_service.database.writing import EventToStore
from monitoring_service.domain.findings import HealthStatus
from monitoring_service.domain.health import Health
from monitoring_service.domain.thresholds import Limits, Threshold
from monitoring_service.errors import LogNotFound
from monitoring_service.migrations import HISTORY
from monitoring_service.models import Base, MonitoringLog, SystemHealth
from monitoring_service.settings import Settings
from shared_db.additions import find_one
from shared_db.clock import utc_now
from shared_db.database import Database
from shared_db.filtering import Filter
from shared_db.ingest import GroupCommit
from shared_db.migrations import require_migrated
from shared_db.paging import Page

KINDS = (EVENT,)

__all__ = ["KINDS", "LOGS_BY_TIME", "EventToStore", "MonitoringDatabase", "monitoring_db"]

MOST_CLEARED = 100_000
MOST_JUDGED = 10_000


class MonitoringDatabase(Adding):
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

    @property
    def use_fallback(self) -> bool:
        """Tell whether the in-memory store answers."""
        return self.database.use_fallback

    def initialize_database(self) -> None:
        """Open the store and make sure that its tables are those of this release.

        Raises:
            ConfigurationError: the settings cannot work, or `veritas migrate` was not run.

        """
        require_migrated(self.database, HISTORY)

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
        """Return a page of events, the latest first, and how many there are in all.

        start_time, end_time: from, and before. text: words of the message; in memory a part of it.
        offset: events left out first, each of which is read; `after` a cursor goes at no cost.
        count: counting reads every event that fits; without it the second value is None.

        Raises:
            MalformedCursor: the cursor is not one of this list.
            QueryTooExpensive: it takes longer than one statement may.

        """
        search = LogSearch(
            source, component, event_type, status, start_time, end_time, text, filters
        )
        with self.database.searching() as session:
            total = count_logs(session, search) if count else None
            page = page_of_logs(session, search, after=after, offset=offset, limit=limit)
            return page, total

    def get_log_by_id(self, event_id: str) -> MonitoringLog:
        """Return one event with its result.

        Raises:
            LogNotFound: no event has that id.

        """
        return find_one(self.database, EVENT, event_id, partial(self._log, event_id))

    def _log(self, event_id: str) -> MonitoringLog:
        with self.database.reading() as session:
            result = joinedload(MonitoringLog.result)
            log = session.get(MonitoringLog, event_id, options=[result])
            if log is None:
                raise LogNotFound(event_id)
            return log

    def get_recent_logs(
        self, lookback_minutes: float = 60, limit: int = 1000
    ) -> Page[MonitoringLog]:
        """Return the events of the last minutes, the latest first, at most `limit`."""
        since = utc_now() - timedelta(minutes=lookback_minutes)
        return self.get_logs(start_time=since, limit=limit, count=False)[0]

    def get_statistics(self) -> Statistics:
        """Return how many events there are, per status, of how many sources, and from when."""
        with self.database.reading() as session:
            return statistics(session)

    def get_sources(
        self, *, filters: Sequence[Filter] = (), after: str | None = None, limit: int = 100
    ) -> Page[Source]:
        """Return the sources by name: last heard, status now, counts.

        Raises:
            MalformedCursor: the cursor is not one of this list.

        """
        with self.database.searching() as session:
            return page_of_sources(session, filters, utc_now(), after=after, limit=limit)

    def get_timeseries(self, series: Series) -> Sequence[Point]:
        """Return events, and a metric of theirs, in buckets of time; empty buckets are left out.

        Raises:
            SeriesTooLong: more buckets or points than one answer holds.
            NeedsPostgresql: percentiles are asked of the in-memory store.
            QueryTooExpensive: it takes longer than one statement may.

        """
        with self.database.searching() as session:
            return points(session, series)

    def assess_health(self) -> Health:
        """Return how the systems are now, by source; see `domain.health.health_of`."""
        with self.database.reading() as session:
            return assess(session, utc_now())

    def get_current_health_status(self) -> tuple[HealthStatus | None, float | None]:
        """Return the status now and its severity, 0 to 1; None when nothing was heard lately."""
        health = self.assess_health()
        return health.status, health.severity

    def record_system_health(self, now: datetime | None = None) -> SystemHealth:
        """Store this minute's health once, whichever process comes first, and return it."""
        with self.database.unit_of_work() as session:
            return store_snapshot(session, now or utc_now())

    def get_system_health_history(
        self,
        *,
        filters: Sequence[Filter] = (),
        after: str | None = None,
        limit: int = 100,
        count: bool = True,
    ) -> tuple[Page[SystemHealth], int | None]:
        """Return the minutes' health, the latest first, and how many there are in all.

        Raises:
            MalformedCursor: the cursor is not one of this list.

        """
        with self.database.searching() as session:
            return page_of_health(session, filters, after=after, limit=limit, count=count)

    def get_thresholds(self, source: str) -> Sequence[Threshold]:
        """Return the thresholds in force for a source, whether it has sent events or not."""
        with self.database.reading() as session:
            return rules_for(session, [source], self.limits)(source)

    def set_thresholds(self, source: str, limits: Limits, actor: str) -> Sequence[Threshold]:
        """Set a source's limits, `*` for every source; return its thresholds then in force.

        limits: by metric, from when on it is a warning and from when on critical.

        Raises:
            ValueError: a critical limit is not above its warning.

        """
        with self.database.unit_of_work() as session:
            set_rules(session, source, limits, actor=actor, now=utc_now())
            return rules_for(session, [source], self.limits)(source)

    def remove_thresholds(self, source: str) -> None:
        """Forget what was set for a source; the defaults hold again.

        Raises:
            RulesNotFound: nothing was set for it.

        """
        with self.database.unit_of_work() as session:
            remove_rules(session, source)

    def clear_old_logs(self, older_than_minutes: float, most: int = MOST_CLEARED) -> int:
        """Delete the events older than that, the oldest first; return how many.

        Each batch is a unit of work of its own, so that nobody waits long. `most` were deleted
        when more may be left.
        """
        before = utc_now() - timedelta(minutes=older_than_minutes)
        deleted = 0
        while deleted < most:
            limit = min(AT_ONCE, most - deleted)
            with self.database.unit_of_work() as session:
                gone = delete_oldest(session, before, limit)
            deleted += gone
            if gone < limit:
                break
        return deleted

    def reevaluate(
        self, lookback_minutes: float, after: str | None = None, most: int = MOST_JUDGED
    ) -> Reevaluation:
        """Judge the events of the last minutes by the present rules; say what changed.

        Batches as in `clear_old_logs`; at most `most` events, then `next` says where to go on.

        Raises:
            MalformedCursor: `after` is not a cursor of this work.

        """
        since = utc_now() - timedelta(minutes=lookback_minutes)
        examined, changes = 0, list[Change]()
        while examined < most:
            limit = min(AT_ONCE, most - examined)
            with self.database.unit_of_work() as session:
                looked_at, found, after = judge_again(
                    session, since, after=after, limit=limit, configured=self.limits
                )
            examined += looked_at
            changes += found
            if after is None:
                break
        transitions = Counter(f"{c.status_before} to {c.status}" for c in changes)
        return Reevaluation(examined, len(changes), transitions, changes[:MOST_SHOWN], after)


monitoring_db = MonitoringDatabase()
