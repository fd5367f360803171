"""Incidents of the systems, and notes about them."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from monitoring_service.domain.incidents import IncidentState, Resolution
from monitoring_service.models.base import Base
from shared_db.columns import IdempotentRow, Key, enum_column
from shared_db.personal_data import STAFF, Ageing, personal, register

CODE_LENGTH = 100
_IS_OPEN = text("state <> 'resolved'")


@register(
    columns=(
        "id source cause cause_values state opened_at first_seen_at last_seen_at event_count"
        " severity worst_severity acknowledged_at resolved_at resolution"
    ),
    purpose="to handle troubles of systems, each once",
    keep="until RETENTION_MONITORING_DAYS after its end",
    ageing=Ageing("monitoring", "resolved_at"),
)
class MonitoringIncident(Base):
    """Trouble of one source with one cause; only one of them is not resolved."""

    __tablename__ = "monitoring_incidents"
    __table_args__ = (
        CheckConstraint("severity BETWEEN 0 AND 1", name="severity_share"),
        CheckConstraint("worst_severity BETWEEN 0 AND 1", name="worst_severity_share"),
        CheckConstraint("(state = 'resolved') = (resolved_at IS NOT NULL)", name="resolved_at"),
        Index(
            "uq_monitoring_incidents_open",
            "source",
            "cause",
            unique=True,
            postgresql_where=_IS_OPEN,
            sqlite_where=_IS_OPEN,
        ),
        Index(None, "source", "cause", "first_seen_at"),
        Index(None, "opened_at", "id"),
    )

    id: Mapped[str] = mapped_column(Key, primary_key=True)
    source: Mapped[str] = mapped_column(Key)
    cause: Mapped[str] = mapped_column(String(CODE_LENGTH), comment="Code, for instance of events")
    cause_values: Mapped[dict[str, Any]] = mapped_column(comment="Values of the code's sentence")
    state: Mapped[IncidentState] = mapped_column(enum_column(IncidentState))
    opened_at: Mapped[datetime] = mapped_column(comment="Instant at which it was noticed")
    first_seen_at: Mapped[datetime]
    last_seen_at: Mapped[datetime]
    event_count: Mapped[int] = mapped_column(BigInteger)
    severity: Mapped[float | None] = mapped_column(comment="Of the source now; null: not known")
    worst_severity: Mapped[float]
    acknowledged_at: Mapped[datetime | None]
    acknowledged_by: Mapped[str | None] = mapped_column(
        Key, info=personal(STAFF, purpose="to know who takes care of it")
    )
    resolved_at: Mapped[datetime | None]
    resolved_by: Mapped[str | None] = mapped_column(
        Key, info=personal(STAFF, purpose="to know who declared it to be over")
    )
    resolution: Mapped[Resolution | None] = mapped_column(enum_column(Resolution))
    # Set on the returned object if the change had been made before; not stored.
    is_replay = False


@register(
    columns="id incident_id text created_at",
    purpose="to know what was found and done about an incident; they must name no student",
    keep="as long as the incident",
)
class IncidentNote(IdempotentRow, Base):
    """Note of a person or a system about an incident."""

    __tablename__ = "incident_notes"
    __table_args__ = (Index(None, "incident_id", "created_at", "id"),)

    incident_id: Mapped[str] = mapped_column(
        Key, ForeignKey("monitoring.monitoring_incidents.id", ondelete="CASCADE")
    )
    text: Mapped[str] = mapped_column(Text)
    author: Mapped[str] = mapped_column(Key, info=personal(STAFF, purpose="to ask who wrote it"))
    created_at: Mapped[datetime]


@register(
    columns="event_id timestamp",
    purpose="to count each event in incidents once",
    keep="until the next run of the work on incidents",
)
class WaitingEvent(Base):
    """Event that is not NORMAL and waits to be counted in incidents.

    A queue and no high-water mark: neither ids nor instants follow the order of commits.
    """

    __tablename__ = "waiting_events"

    event_id: Mapped[str] = mapped_column(Key, primary_key=True)
    timestamp: Mapped[datetime]
