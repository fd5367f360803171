"""Keys of events: one in all months for each id."""

from collections.abc import Sequence
from datetime import datetime
from hashlib import blake2b
from uuid import UUID

from sqlalchemy import ScalarSelect, Select, delete, select
from sqlalchemy.orm import Session, joinedload

from monitoring_service.models import EventKey, MonitoringLog


def event_key(event_id: str) -> str:
    """Return the key of an event's id: 16 bytes of BLAKE2b, written as a UUID."""
    return str(UUID(bytes=blake2b(event_id.encode(), digest_size=16).digest()))


def instant_of(event_id: str) -> ScalarSelect[datetime]:
    """Return the subquery of an event's instant, by which only one month is read."""
    query = select(EventKey.timestamp).where(EventKey.id == event_key(event_id))
    return query.scalar_subquery()


def instants_of(event_ids: Sequence[str]) -> Select[datetime]:
    """Return the query of the instants of events."""
    return select(EventKey.timestamp).where(EventKey.id.in_(list(map(event_key, event_ids))))


def find_event(session: Session, event_id: str) -> MonitoringLog | None:
    """Return a stored event with its result, or None."""
    query = select(MonitoringLog).where(
        MonitoringLog.id == event_id, MonitoringLog.timestamp == instant_of(event_id)
    )
    return session.scalars(query.options(joinedload(MonitoringLog.result))).first()


def find_events(session: Session, ids: Sequence[str]) -> dict[str, MonitoringLog]:
    """Return stored events with their results, by id."""
    if not ids:
        return {}
    instants = session.scalars(instants_of(ids)).all()
    query = select(MonitoringLog).where(
        MonitoringLog.id.in_(ids), MonitoringLog.timestamp.in_(instants)
    )
    found = session.scalars(query.options(joinedload(MonitoringLog.result)))
    return {log.id: log for log in found}


def delete_keys(session: Session, ids: Sequence[str]) -> None:
    """Delete the keys of events that are deleted in the same transaction."""
    session.execute(delete(EventKey).where(EventKey.id.in_(list(map(event_key, ids)))))
