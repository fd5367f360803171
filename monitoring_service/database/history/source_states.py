"""SQL that stores the status of each source, minute by minute, as periods."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from sqlalchemy import delete, select, tuple_, update
from sqlalchemy.orm import Session

from monitoring_service.domain.findings import HealthStatus
from monitoring_service.models import SourceState
from shared_db.row_moves import row_count
from shared_db.writes.copy_from import bulk_insert

MINUTE = timedelta(minutes=1)
# Longer periods are several rows: those of a day are then found by a range of the index of ends.
LONGEST = timedelta(hours=6)


def extend_states(session: Session, minute: datetime, statuses: Mapping[str, HealthStatus]) -> None:
    """Store the status of each source in a minute: its period grows, or a new one begins.

    Only one transaction may do this for a minute.
    """
    query = select(SourceState.source, SourceState.status).where(
        SourceState.until == minute, SourceState.since > minute - LONGEST
    )
    before = {row.source: row.status for row in session.execute(query)}
    grown = [source for source, status in statuses.items() if before.get(source) is status]
    for status in HealthStatus:
        of_status = [source for source in grown if statuses[source] is status]
        if of_status:
            _extend(session, minute, of_status, status)
    begun = sorted(statuses.keys() - set(grown))
    bulk_insert(
        session,
        SourceState,
        [
            {
                "source": source,
                "since": minute,
                "until": minute + MINUTE,
                "status": statuses[source],
            }
            for source in begun
        ],
    )


def _extend(
    session: Session, minute: datetime, sources: Iterable[str], status: HealthStatus
) -> None:
    grown = (
        update(SourceState)
        .where(
            SourceState.until == minute,
            SourceState.since > minute - LONGEST,
            SourceState.source.in_(list(sources)),
            SourceState.status == status,
        )
        .values(until=minute + MINUTE)
    )
    session.execute(grown, execution_options={"synchronize_session": False})


def delete_states(session: Session, before: datetime, limit: int | None = None) -> int:
    """Delete periods that ended before an instant, the oldest first; return their number."""
    place = tuple_(SourceState.since, SourceState.source)
    oldest = select(SourceState.since, SourceState.source).where(SourceState.until < before)
    oldest = oldest.order_by(SourceState.until).limit(limit)
    return row_count(session.execute(delete(SourceState).where(place.in_(oldest))))
