"""The tables that this service owns."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

from monitoring_service.domain.rules import HealthStatus
from shared_db.columns import Base as ColumnsBase
from shared_db.columns import Key, Named, enum_column, service_metadata


class Base(ColumnsBase, DeclarativeBase):
    """The mapped classes of schema `monitoring`."""

    metadata = service_metadata("monitoring")


class MonitoringLog(Named, Base):
    """One event of one system, with what the rules said of it. `id` is the event's id."""

    __tablename__ = "monitoring_logs"
    __table_args__ = (
        CheckConstraint("severity BETWEEN 0 AND 1", name="severity_share"),
        Index(None, "timestamp", "id"),
        Index(None, "source", "timestamp", "id"),
    )

    source: Mapped[str] = mapped_column(String(200))
    component: Mapped[str | None] = mapped_column(String(200))
    event_type: Mapped[str] = mapped_column(String(200))
    message: Mapped[str | None] = mapped_column(Text)
    data: Mapped[dict[str, Any] | None]
    context: Mapped[dict[str, Any] | None] = mapped_column("metadata")
    timestamp: Mapped[datetime]
    created_at: Mapped[datetime]
    status: Mapped[HealthStatus] = mapped_column(enum_column(HealthStatus))
    severity: Mapped[float]

    result: Mapped["MonitoringResult | None"] = relationship(lazy="raise", viewonly=True)


class MonitoringResult(Base):
    """Why an event is not NORMAL; a NORMAL one has no row."""

    __tablename__ = "monitoring_results"
    __table_args__ = (CheckConstraint("severity_score BETWEEN 0 AND 1", name="severity_share"),)

    event_id: Mapped[str] = mapped_column(
        Key, ForeignKey("monitoring.monitoring_logs.id", ondelete="CASCADE"), primary_key=True
    )
    status: Mapped[HealthStatus] = mapped_column(enum_column(HealthStatus))
    severity_score: Mapped[float]
    reasoning: Mapped[str] = mapped_column(Text)
    detected_issues: Mapped[list[Any]]
    failed_rules: Mapped[list[Any]]
    suggestions: Mapped[list[Any]]
