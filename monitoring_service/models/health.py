"""Health of the systems by minute, and of each source by period."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from monitoring_service.domain.findings import HealthStatus
from monitoring_service.models.base import Base
from shared_db.columns import Key, enum_column
from shared_db.personal_data import Ageing, register


@register(
    columns=(
        "minute timestamp overall_status severity normal_count warning_count "
        "critical_count window_minutes"
    ),
    purpose="to show the health of all systems over time",
    keep="until the clean-up of old events is called",
    ageing=Ageing("monitoring", "minute"),
)
class SystemHealth(Base):
    """Health of all systems in one minute; status and severity are null without any event."""

    __tablename__ = "system_health"
    __table_args__ = (CheckConstraint("severity BETWEEN 0 AND 1", name="severity_share"),)

    minute: Mapped[datetime] = mapped_column(primary_key=True)
    timestamp: Mapped[datetime]
    overall_status: Mapped[HealthStatus | None] = mapped_column(enum_column(HealthStatus))
    severity: Mapped[float | None]
    normal_count: Mapped[int]
    warning_count: Mapped[int]
    critical_count: Mapped[int]
    window_minutes: Mapped[int]


@register(
    columns="source since until status",
    purpose="to show the health of each system over time",
    keep="until the clean-up of old events is called",
    ageing=Ageing("monitoring", "until"),
)
class SourceState(Base):
    """Period in which a source had one status; no period covers the time without its events."""

    __tablename__ = "source_states"
    __table_args__ = (Index(None, "until"),)

    since: Mapped[datetime] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(Key, primary_key=True)
    until: Mapped[datetime] = mapped_column(comment="End of its last minute")
    status: Mapped[HealthStatus] = mapped_column(enum_column(HealthStatus))
