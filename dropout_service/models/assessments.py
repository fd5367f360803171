"""Marks: those sent to this service, and all that count."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from dropout_service.models.base import Base, Views
from shared_db.columns import IdempotentRow, Key


class Assessment(IdempotentRow, Base):
    """Mark that was sent to this service; staffstuddash has its own. Never updated."""

    __tablename__ = "assessments"
    __table_args__ = (
        CheckConstraint(
            "max_score > 0 AND CASE WHEN excused THEN score IS NULL"
            " ELSE score IS NOT NULL AND score >= 0"
            " AND score <= max_score * CASE WHEN extra_credit THEN 2 ELSE 1 END END",
            name="score_range",
        ),
        Index(None, "student_id", "submitted_at", "id"),
    )

    student_id: Mapped[str] = mapped_column(Key, ForeignKey("dropout.students.id"))
    type: Mapped[str] = mapped_column(String(200), comment="exam, quiz, TMA ...: the school's word")
    subject: Mapped[str] = mapped_column(String(200))
    course: Mapped[str | None] = mapped_column(Key)
    score: Mapped[float | None] = mapped_column(comment="Null: does not count")
    max_score: Mapped[float]
    extra_credit: Mapped[bool] = mapped_column(
        default=False, comment="The score may exceed max_score, up to twice of it"
    )
    excused: Mapped[bool] = mapped_column(
        default=False, comment="Counts neither for nor against; has no score"
    )
    submitted_at: Mapped[datetime]
    recorded_at: Mapped[datetime]


class KnownAssessment(Views):
    """View of the marks that count: those of staffstuddash, and own ones that it does not have.

    A mark that staffstuddash has excused or deleted does not count, here neither.
    """

    __tablename__ = "known_assessments"

    id: Mapped[str] = mapped_column(Key, primary_key=True)
    student_id: Mapped[str] = mapped_column(Key)
    subject: Mapped[str] = mapped_column(String(200))
    score: Mapped[float]
    max_score: Mapped[float]
    submitted_at: Mapped[datetime]


class KnownStudent(Views):
    """View of the students with data in this service or in staffstuddash."""

    __tablename__ = "known_students"

    id: Mapped[str] = mapped_column(Key, primary_key=True)
