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
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared_db.columns import Base as ColumnsBase
from shared_db.columns import Key, Named, UtcDateTime, service_metadata


class Base(ColumnsBase, DeclarativeBase):
    """The mapped classes of schema `staffstuddash`."""

    metadata = service_metadata("staffstuddash")


class Student(Named, Base):
    """A student as the school knows them."""

    __tablename__ = "students"

    name: Mapped[str] = mapped_column(String(200))
    email: Mapped[str | None] = mapped_column(String(320))
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class AssessmentLog(Named, Base):
    """One assessed piece of work of one student. Never changed once stored."""

    __tablename__ = "assessment_logs"
    __table_args__ = (
        CheckConstraint("max_score > 0 AND score >= 0 AND score <= max_score", name="score_range"),
        Index(None, "student_id", "timestamp", "id"),
    )

    student_id: Mapped[str] = mapped_column(Key, ForeignKey("staffstuddash.students.id"))
    type: Mapped[str] = mapped_column(String(200), comment="exam, quiz, TMA ...: the school's word")
    subject: Mapped[str] = mapped_column(String(200))
    topic: Mapped[str | None] = mapped_column(String(200))
    score: Mapped[float]
    max_score: Mapped[float]
    timestamp: Mapped[datetime] = mapped_column(comment="When it was handed in")
    created_at: Mapped[datetime]


class PerformanceRecord(Base):
    """What a student's marks add up to; recomputed from them whenever one is added."""

    __tablename__ = "performance_records"

    student_id: Mapped[str] = mapped_column(
        Key, ForeignKey("staffstuddash.students.id"), primary_key=True
    )
    mean_percentage: Mapped[float | None]
    assessment_count: Mapped[int]
    last_submitted_at: Mapped[datetime | None]
    subjects: Mapped[list[Any]]
    updated_at: Mapped[datetime]


# Published by the dropout service; a table of its own metadata, so that no migration of ours
# makes it. It is not there on the in-memory store.
published_risk = Table(
    "published_risk",
    MetaData(schema="dropout"),
    Column("student_id", Key, primary_key=True),
    Column("risk_score", Float),
    Column("risk_level", String),
    Column("dropout_type", String),
    Column("as_of", UtcDateTime),
)
