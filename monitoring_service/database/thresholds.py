"""Limits in force for a source: the defaults, those of the settings, and the stored ones."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitoring_service.database.event_insert import Rules
from monitoring_service.domain.thresholds import THRESHOLDS, Limits, Threshold, with_limits
from monitoring_service.errors import RulesNotFound
from monitoring_service.models import SourceRules
from shared_db.clock import utc_now
from shared_db.connection.database import Database
from shared_db.repository import Repository

EVERY_SOURCE = "*"


class ThresholdRepository(Repository):
    """Limits from which a metric of a source is a warning or critical.

    limits: the configured limits by source, read at each call.
    """

    def __init__(self, database: Database, limits: Callable[[], Mapping[str, Limits]]) -> None:
        super().__init__(database)
        self._limits = limits

    def get(self, source: str) -> Sequence[Threshold]:
        """Return the thresholds in force for a source, even if it has sent no event."""
        return self.read(lambda session: rules_for(session, [source], self._limits())(source))

    def upsert(self, source: str, limits: Limits, actor: str) -> Sequence[Threshold]:
        """Set a source's limits, `*` for every source; return its thresholds then in force.

        limits: by metric, the warning limit and the critical limit.

        Raises:
            ValueError: two limits are equal, or those of a default metric are exchanged.

        """

        def change(session: Session) -> Sequence[Threshold]:
            _upsert(session, source, limits, actor=actor, now=utc_now())
            return rules_for(session, [source], self._limits())(source)

        return self.write(change)

    def delete(self, source: str) -> None:
        """Delete the limits of a source; the defaults hold again.

        Raises:
            RulesNotFound: none are stored for it.

        """
        self.write(lambda session: _delete(session, source))


def rules_for(session: Session, sources: Iterable[str], configured: Mapping[str, Limits]) -> Rules:
    """Return the thresholds by source; the limits of one source win over those of all.

    configured: by source, `*` for every source; stored limits win over them.
    """
    wanted = {EVERY_SOURCE, *sources}
    rows = session.scalars(select(SourceRules).where(SourceRules.source.in_(wanted)))
    stored = {row.source: limits_of(row) for row in rows}

    @cache
    def rules(source: str) -> Sequence[Threshold]:
        limits: dict[str, tuple[float, float]] = {}
        for name in (EVERY_SOURCE, source):
            limits |= {**configured.get(name, {}), **stored.get(name, {})}
        return with_limits(limits) if limits else THRESHOLDS

    return rules


def limits_of(row: SourceRules) -> Limits:
    """Return the stored limits of a source."""
    return {
        metric: (limit["warning"], limit["critical"]) for metric, limit in row.thresholds.items()
    }


def _upsert(session: Session, source: str, limits: Limits, *, actor: str, now: datetime) -> None:
    with_limits(limits)
    row = session.get(SourceRules, source, with_for_update=True)
    if row is None:
        row = SourceRules(source=source)
        session.add(row)
    row.thresholds = {
        metric: {"warning": warning, "critical": critical}
        for metric, (warning, critical) in limits.items()
    }
    row.updated_at, row.updated_by = now, actor
    session.flush()


def _delete(session: Session, source: str) -> None:
    row = session.get(SourceRules, source)
    if row is None:
        raise RulesNotFound(source)
    session.delete(row)
