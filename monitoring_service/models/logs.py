"""Events of the systems, the reasons of their status, and their numbers."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    Index,
    SmallInteger,
    Text,
    Uuid,
    and_,
    func,
    text,
)
from sqlalchemy.orm import Mapped, foreign, mapped_column, relationship

from monitoring_service.domain.findings import HealthStatus
from monitoring_service.models.base import Base
from shared_db.columns import IdempotentRow, Key, enum_column
from shared_db.personal_data import Ageing, register
from shared_db.words import SEPARATORS

_IS_TROUBLE = text("status <> 'NORMAL'")
# On PostgreSQL; `migrations` has the functions that add and drop months.
_BY_MONTH = {"postgresql_partition_by": "RANGE (timestamp)"}


@register(
    columns=(
        "id source component event_type message data metadata timestamp created_at status severity"
    ),
    purpose="to judge the health of systems; they must send no personal data",
    keep="until the clean-up of old events is called",
    ageing=Ageing("monitoring", "timestamp"),
)
class MonitoringLog(Base):
    """Event of a system, with its status by the rules. `id` is the event's id.

    Partitioned by month. `EventKey` makes the id unique, so the table needs no key of its own:
    narrow indexes take most of the time of an insert.
    """

    __tablename__ = "monitoring_logs"
    __table_args__ = (
        CheckConstraint("severity BETWEEN 0 AND 1", name="severity_share"),
        Index(None, "timestamp"),
        Index(None, "source", "timestamp"),
        Index(None, "component", "timestamp"),
        Index(None, "event_type", "timestamp"),
        # Troubles are few: without an index of their own a search would read mostly normal events.
        Index(
            "ix_monitoring_logs_trouble_source_timestamp",
            "source",
            "timestamp",
            postgresql_where=_IS_TROUBLE,
            sqlite_where=_IS_TROUBLE,
        ),
        Index(
            "ix_monitoring_logs_trouble_timestamp",
            "timestamp",
            postgresql_where=_IS_TROUBLE,
            sqlite_where=_IS_TROUBLE,
        ),
        _BY_MONTH,
    )

    # Set on the returned object: stored before, or waiting in the spool. Not stored.
    is_replay = False
    is_pending = False
    # Of the content that was sent, on its way to `EventKey`. Not stored.
    digest = b""

    id: Mapped[str] = mapped_column(Key)
    source: Mapped[str] = mapped_column(Key)
    component: Mapped[str | None] = mapped_column(Key)
    event_type: Mapped[str] = mapped_column(Key)
    message: Mapped[str | None] = mapped_column(Text)
    data: Mapped[dict[str, Any] | None]
    context: Mapped[dict[str, Any] | None] = mapped_column("metadata")
    timestamp: Mapped[datetime]
    created_at: Mapped[datetime]
    status: Mapped[HealthStatus] = mapped_column(enum_column(HealthStatus))
    severity: Mapped[float]

    result: Mapped["MonitoringResult | None"] = relationship(
        primaryjoin=lambda: and_(
            foreign(MonitoringResult.event_id) == MonitoringLog.id,
            foreign(MonitoringResult.timestamp) == MonitoringLog.timestamp,
        ),
        lazy="raise",
        viewonly=True,
        uselist=False,
    )

    __mapper_args__ = {"primary_key": ["timestamp", "id"]}  # noqa: RUF012 - SQLAlchemy reads it


@register(
    columns="id timestamp",
    purpose="to recognise a repeated event and to find it by its id",
    keep="as long as the event",
)
class EventKey(IdempotentRow, Base):
    """Key of a stored event, of which there is one in all months, and the event's instant.

    id: the first 16 bytes of the BLAKE2b hash of the event's id; see `database.event_keys`.
    """

    __tablename__ = "event_keys"
    # Deletions read ranges of time; this index takes some pages in all.
    __table_args__ = (Index(None, "timestamp", postgresql_using="brin"),)

    id: Mapped[str] = mapped_column(Uuid(as_uuid=False), primary_key=True, sort_order=-2)
    timestamp: Mapped[datetime]


# Words as they stand: the messages are in no one language, so none is stemmed or left out. Without
# punctuation, because PostgreSQL takes a path or a host with its dots for one word.
MESSAGE_WORDS = func.to_tsvector(
    text("'simple'"),
    func.regexp_replace(MonitoringLog.message, text(f"'{SEPARATORS}'"), text("' '"), text("'g'")),
)

Index(
    "ix_monitoring_logs_words",
    MESSAGE_WORDS,
    postgresql_using="gin",
).ddl_if(dialect="postgresql")


@register(
    columns=(
        "event_id timestamp status severity_score reasoning detected_issues failed_rules"
        " suggestions"
    ),
    purpose="to explain the state of an event",
    keep="until the clean-up of old events is called",
    ageing=Ageing("monitoring", "timestamp"),
)
class MonitoringResult(Base):
    """Reasons why an event is not NORMAL; a NORMAL event has no row."""

    __tablename__ = "monitoring_results"
    __table_args__ = (
        CheckConstraint("severity_score BETWEEN 0 AND 1", name="severity_share"),
        _BY_MONTH,
    )

    timestamp: Mapped[datetime] = mapped_column(primary_key=True)
    event_id: Mapped[str] = mapped_column(Key, primary_key=True)
    status: Mapped[HealthStatus] = mapped_column(enum_column(HealthStatus))
    severity_score: Mapped[float]
    reasoning: Mapped[str] = mapped_column(Text)
    detected_issues: Mapped[list[Any]]
    failed_rules: Mapped[list[Any]]
    suggestions: Mapped[list[Any]]


@register(
    columns="source month status slot count",
    purpose="to count events quickly",
    keep="until the clean-up of old events is called",
)
class LogCount(Base):
    """Number of events of a source, month and status, changed together with the events.

    The slot follows from an event's id: writers of one source then wait less for each other.
    """

    __tablename__ = "log_counts"

    source: Mapped[str] = mapped_column(Key, primary_key=True)
    month: Mapped[date] = mapped_column(Date, primary_key=True, comment="Its first day, in UTC")
    status: Mapped[HealthStatus] = mapped_column(enum_column(HealthStatus), primary_key=True)
    slot: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False)
    count: Mapped[int] = mapped_column(BigInteger)
