"""Which limits are in force for a source: the defaults, the settings', and those stored."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache

from sqlalchemy import select
from sqlalchemy.orm import Session

from monitoring_service.database.writing import Rules
from monitoring_service.domain.thresholds import THRESHOLDS, Limits, Threshold, with_limits
from monitoring_service.errors import RulesNotFound
from monitoring_service.models import SourceRules

EVERY_SOURCE = "*"


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


def remove_rules(session: Session, source: str) -> None:
    """Forget what was stored for a source.

    Raises:
        RulesNotFound: nothing was.

    """
    row = session.get(SourceRules, source)
    if row is None:
        raise RulesNotFound(source)
    session.delete(row)


def set_rules(
    session: Session, source: str, limits: Limits, *, actor: str, now: datetime
) -> SourceRules:
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
    return row
