"""Which limits are in force for a source: the defaults, the settings', and those stored."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitoring_service.database.event_insert import Rules
from monitoring_service.domain.thresholds import THRESHOLDS, Limits, Threshold, with_limits
from monitoring_service.errors import RulesNotFound
from monitoring_service.models import SourceRules
from shared_db.clock import utc_now
from shared_db.repository import Repository

EVERY_SOURCE = "*"


class Thresholds(Repository):
    """From when on a source's figures are a warning, and from when on critical."""

    limits: Mapping[str, Limits]

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
            _set_rules(session, source, limits, actor=actor, now=utc_now())
            return rules_for(session, [source], self.limits)(source)

    def remove_thresholds(self, source: str) -> None:
        """Forget what was set for a source; the defaults hold again.

        Raises:
            RulesNotFound: nothing was set for it.

        """
        with self.database.unit_of_work() as session:
            row = session.get(SourceRules, source)
            if row is None:
                raise RulesNotFound(source)
            session.delete(row)


def rules_for(session: Session, sources: Iterable[str], configured: Mapping[str, Limits]) -> Rules:
    """Return the thresholds by source; what is said of one source wins over what is said of all.

    configured: by source, `*` for every source; what is stored wins over it.
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
    """Return the limits that are stored for a source."""
    return {
        metric: (limit["warning"], limit["critical"]) for metric, limit in row.thresholds.items()
    }


def _set_rules(session: Session, source: str, limits: Limits, *, actor: str, now: datetime) -> None:
    """Store the limits of a source in place of those that were stored."""
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
