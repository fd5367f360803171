"""The tables that this service owns, and the views of others that it reads."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    Float,
    ForeignKey,
    Index,
    MetaData,
    String,
    Table,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from dropout_service.domain.kinds import DropoutType, EventType, RiskLevel
from shared_db.columns import Base as ColumnsBase
from shared_db.columns import Key, Named, UtcDateTime, enum_column, service_metadata


class Base(ColumnsBase, DeclarativeBase):
    """The mapped classes of schema `dropout`."""

    metadata = service_metadata("dropout")


class Student(Base):
    """A student of whom something was heard; who they are, staffstuddash knows."""

    __tablename__ = "students"

    id: Mapped[str] = mapped_column(Key, primary_key=True)
    created_at: Mapped[datetime]


class LearningEvent(Named, Base):
    """One thing one student did, once. Never changed once stored."""

    __tablename__ = "learning_events"
    __table_args__ = (Index(None, "student_id", "occurred_at", "id"),)

    student_id: Mapped[str] = mapped_column(Key, ForeignKey("dropout.students.id"))
    event_type: Mapped[EventType] = mapped_column(enum_column(EventType))
    question_id: Mapped[str | None] = mapped_column(Key)
    course: Mapped[str | None] = mapped_column(Key)
    is_correct: Mapped[bool | None] = mapped_column(comment="data.correct of a QUESTION_SUBMIT")
    data: Mapped[dict[str, Any] | None]
    occurred_at: Mapped[datetime]
    recorded_at: Mapped[datetime]


class DropoutPrediction(Named, Base):
    """What was predicted as of an instant, and why; only `is_latest` ever changes."""

    __tablename__ = "dropout_predictions"
    __table_args__ = (
        CheckConstraint("risk_score BETWEEN 0 AND 1", name="risk_score_share"),
        CheckConstraint("confidence BETWEEN 0 AND 1", name="confidence_share"),
        Index(None, "student_id", "as_of", "id"),
        Index(
            "uq_dropout_predictions_latest",
            "student_id",
            unique=True,
            postgresql_where=text("is_latest"),
            sqlite_where=text("is_latest"),
        ),
        Index(
            "ix_dropout_predictions_latest_by_risk",
            "risk_score",
            "id",
            postgresql_where=text("is_latest"),
            sqlite_where=text("is_latest"),
        ),
    )

    student_id: Mapped[str] = mapped_column(Key, ForeignKey("dropout.students.id"))
    dropout_type: Mapped[DropoutType] = mapped_column(enum_column(DropoutType))
    risk_score: Mapped[float]
    risk_level: Mapped[RiskLevel] = mapped_column(enum_column(RiskLevel))
    confidence: Mapped[float]
    primary_indicators: Mapped[list[Any]]
    secondary_indicators: Mapped[list[Any]]
    recommendations: Mapped[list[Any]]
    rules_version: Mapped[str] = mapped_column(String(50))
    as_of: Mapped[datetime]
    created_at: Mapped[datetime]
    is_latest: Mapped[bool] = mapped_column(
        comment="The student's prediction with the latest as_of"
    )


# Published by staffstuddash; a table of its own metadata, so that no migration of ours makes it.
# It is not there on the in-memory store.
published_assessments = Table(
    "published_assessments",
    MetaData(schema="staffstuddash"),
    Column("id", Key, primary_key=True),
    Column("student_id", Key),
    Column("subject", String),
    Column("score", Float),
    Column("max_score", Float),
    Column("submitted_at", UtcDateTime),
)
