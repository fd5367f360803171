"""Marks: those sent to this service, and all that count."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from dropout_service.models.base import Base, Views
from shared_db.columns import IdempotentRow, Key
from shared_db.personal_data import STAFF, STUDENT, UNTIL_ERASED, Ageing, personal, register

HAS_COURSE = text("course IS NOT NULL")


@register(
    STUDENT,
    columns=(
        "id student_id type subject course score max_score extra_credit excused "
        "submitted_at recorded_at corrected_at deleted_at"
    ),
    purpose="to compute the risk from marks",
    keep=UNTIL_ERASED,
    ageing=Ageing("marks", "submitted_at"),
)
class Assessment(IdempotentRow, Base):
    """Mark that was sent to this service; staffstuddash has its own. It counts with a score."""

    sent_columns = (
        "student_id",
        "type",
        "subject",
        "course",
        "score",
        "max_score",
        "extra_credit",
        "excused",
        "submitted_at",
    )
    # An absent `submitted_at` becomes the present instant.
    changed_column = "corrected_at"

    __tablename__ = "assessments"
    __table_args__ = (
        CheckConstraint(
            "max_score > 0 AND CASE WHEN excused OR deleted_at IS NOT NULL THEN score IS NULL"
            " ELSE score IS NOT NULL AND score >= 0"
            " AND score <= max_score * CASE WHEN extra_credit THEN 2 ELSE 1 END END",
            name="score_range",
        ),
        Index(None, "student_id", "submitted_at", "id"),
        # For the last marks of a course.
        Index(
            "ix_assessments_course_marks",
            "course",
            "submitted_at",
            postgresql_where=HAS_COURSE,
            sqlite_where=HAS_COURSE,
        ),
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
    corrected_at: Mapped[datetime | None] = mapped_column(comment="Of the last correction, if any")
    deleted_at: Mapped[datetime | None] = mapped_column(
        comment="Of the deletion, if any; the row then has no score and does not count"
    )


@register(
    STUDENT,
    columns="id student_id assessment_id reason before after corrected_at",
    purpose="to know the marks before a correction, and its reason",
    keep=UNTIL_ERASED,
    ageing=Ageing("corrections", "corrected_at"),
)
class MarkCorrection(Base):
    """Correction or deletion of a mark that is stored here, with its reason."""

    __tablename__ = "mark_corrections"
    __table_args__ = (Index(None, "student_id", "corrected_at", "id"),)

    id: Mapped[str] = mapped_column(Key, primary_key=True)
    student_id: Mapped[str] = mapped_column(Key, ForeignKey("dropout.students.id"))
    assessment_id: Mapped[str] = mapped_column(Key)
    actor: Mapped[str] = mapped_column(
        Key, comment="The name of the key that called", info=personal(STAFF)
    )
    reason: Mapped[str] = mapped_column(String(1000))
    before: Mapped[dict[str, Any]] = mapped_column(comment="The changed fields")
    after: Mapped[dict[str, Any] | None] = mapped_column(comment="The same; null: deleted")
    corrected_at: Mapped[datetime]


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
