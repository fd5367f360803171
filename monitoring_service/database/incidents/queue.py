"""Queue of events that wait to be counted in incidents."""

from collections.abc import Sequence

from sqlalchemy import delete, select, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.orm import Session

from monitoring_service.models import WaitingEvent
from shared_db.columns import Row

# One statement however many events there are. An event that was deleted and sent again may wait
# from before.
_ADD = text(
    "INSERT INTO monitoring.waiting_events (event_id, timestamp)"
    " SELECT * FROM unnest(CAST(:ids AS varchar[]), CAST(:instants AS timestamptz[]))"
    " ON CONFLICT DO NOTHING"
)


def queue_events(session: Session, results: Sequence[Row]) -> None:
    """Let events wait, by the rows of their results, in the transaction that stores these."""
    if not results:
        return
    if session.get_bind().dialect.name == "postgresql":
        ids, instants = ([row[name] for row in results] for name in ("event_id", "timestamp"))
        session.execute(_ADD, {"ids": ids, "instants": instants})
        return
    rows = [{name: row[name] for name in ("event_id", "timestamp")} for row in results]
    session.execute(sqlite.insert(WaitingEvent).on_conflict_do_nothing(), rows)


def take_events(session: Session, limit: int) -> Sequence[WaitingEvent]:
    """Delete waiting events from the queue, and return them.

    Those that another transaction takes are left out.
    """
    waiting = (
        select(WaitingEvent.event_id)
        .order_by(WaitingEvent.event_id)
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    ids = session.scalars(waiting).all()
    if not ids:
        return []
    taken = delete(WaitingEvent).where(WaitingEvent.event_id.in_(ids)).returning(WaitingEvent)
    return session.scalars(taken, execution_options={"synchronize_session": False}).all()
