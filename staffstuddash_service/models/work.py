"""Work of students: assessments and drafts."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from shared_db.columns import IdempotentRow, Key, enum_column
from shared_db.personal_data import STUDENT, UNTIL_ERASED, Ageing, register
from staffstuddash_service.domain.drafts import ChangeType, Continuity
from staffstuddash_service.models.base import Base, of_student


@register(
    STUDENT,
    columns=(
        "id student_id type subject topic score max_score extra_credit excused timestamp "
        "created_at corrected_at deleted_at"
    ),
    purpose="to show a student's marks and to compute records and risks",
    keep=UNTIL_ERASED,
    ageing=Ageing("marks", "timestamp"),
)
class AssessmentLog(IdempotentRow, Base):
    """Assessed piece of work of one student. It counts if it has a score."""

    sent_columns = (
        "student_id",
        "type",
        "subject",
        "topic",
        "score",
        "max_score",
        "extra_credit",
        "excused",
        "timestamp",
    )
    # An absent timestamp becomes the present instant.
    changed_column = "corrected_at"

    __tablename__ = "assessment_logs"
    __table_args__ = (
        CheckConstraint(
            "max_score > 0 AND CASE WHEN excused OR deleted_at IS NOT NULL THEN score IS NULL"
            " ELSE score IS NOT NULL AND score >= 0"
            " AND score <= max_score * CASE WHEN extra_credit THEN 2 ELSE 1 END END",
            name="score_range",
        ),
        Index(None, "student_id", "timestamp", "id"),
        # The cohort dashboard reads two weeks of assessments from the index alone.
        Index(
            "ix_assessment_logs_recent",
            "timestamp",
            postgresql_include=["student_id", "subject", "score", "max_score"],
        ),
        # The days on which rows arrived.
        Index(None, "created_at"),
    )

    student_id: Mapped[str] = of_student()
    type: Mapped[str] = mapped_column(String(200), comment="exam, quiz, TMA ...: the school's word")
    subject: Mapped[str] = mapped_column(String(200))
    topic: Mapped[str | None] = mapped_column(
        String(200), comment="The concept of the subject that was assessed"
    )
    score: Mapped[float | None] = mapped_column(comment="Null: does not count")
    max_score: Mapped[float]
    extra_credit: Mapped[bool] = mapped_column(
        default=False, comment="The score may exceed max_score, up to twice of it"
    )
    excused: Mapped[bool] = mapped_column(
        default=False, comment="Counts neither for nor against; has no score"
    )
    timestamp: Mapped[datetime] = mapped_column(comment="When it was handed in")
    created_at: Mapped[datetime]
    corrected_at: Mapped[datetime | None] = mapped_column(comment="Of the last correction, if any")
    deleted_at: Mapped[datetime | None] = mapped_column(
        comment="Of the deletion, if any; the row then has no score and does not count"
    )


@register(
    STUDENT,
    columns=(
        "id student_id assignment_id version content timestamp created_at word_count "
        "new_words lexical_similarity retained_share change_type reasoning_continuity "
        "sudden_jump_flag"
    ),
    purpose="to compare the versions of a text and to talk about them",
    keep=UNTIL_ERASED,
    ageing=Ageing("drafts", "timestamp"),
)
class Draft(IdempotentRow, Base):
    """Version of a student's text for an assignment, compared with the version before."""

    __tablename__ = "drafts"
    __table_args__ = (
        UniqueConstraint("student_id", "assignment_id", "version"),
        CheckConstraint("version >= 1", name="version_counted"),
        CheckConstraint(
            "lexical_similarity BETWEEN 0 AND 1 AND retained_share BETWEEN 0 AND 1", name="shares"
        ),
        Index(None, "student_id", "timestamp", "id"),
        # The days on which rows arrived, and the last one handed in.
        Index(None, "created_at"),
        Index(None, "timestamp"),
    )

    student_id: Mapped[str] = of_student()
    assignment_id: Mapped[str] = mapped_column(Key)
    version: Mapped[int] = mapped_column(comment="By the order of arrival, from 1")
    content: Mapped[str] = mapped_column(Text)
    timestamp: Mapped[datetime] = mapped_column(comment="When it was handed in")
    created_at: Mapped[datetime]
    word_count: Mapped[int]
    new_words: Mapped[int | None]
    lexical_similarity: Mapped[float | None]
    retained_share: Mapped[float | None]
    change_type: Mapped[ChangeType | None] = mapped_column(enum_column(ChangeType))
    reasoning_continuity: Mapped[Continuity | None] = mapped_column(enum_column(Continuity))
    sudden_jump_flag: Mapped[bool | None]
