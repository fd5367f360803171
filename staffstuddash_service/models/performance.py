"""Performance of students: the record of each, concepts, and the standing at each concept."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from shared_db.columns import IdempotentRow, Key, enum_column
from shared_db.personal_data import STUDENT, UNTIL_ERASED, UNTIL_REMOVED, register
from staffstuddash_service.domain.drafts import Continuity
from staffstuddash_service.domain.integrity import IntegrityLabel
from staffstuddash_service.domain.learning import LearningState
from staffstuddash_service.domain.performance_status import Status
from staffstuddash_service.models.base import Base

IS_TUTOR = text(
    "learning_state IN ('PROGRESSING', 'PLATEAU') AND mean_percentage >= 80"
    " AND assessment_count >= 3"
)
IS_LEARNER = text("learning_state = 'STALLED'")


@register(
    STUDENT,
    columns=(
        "student_id mean_percentage trend_per_30_days assessment_count last_submitted_at "
        "subjects strengths weaknesses status status_reasons learning_state grit_level "
        "setback_count draft_count last_draft_at reasoning_continuity integrity_score "
        "integrity_label sudden_jump_flag assignments last_activity_at due_at updated_at"
    ),
    purpose="to show staff a student's state; computed from marks and drafts",
    keep=UNTIL_ERASED,
)
class PerformanceRecord(Base):
    """Summary of a student's assessments and drafts; recomputed with each new one."""

    __tablename__ = "performance_records"
    __table_args__ = (
        CheckConstraint("grit_level BETWEEN 0 AND 1", name="grit_share"),
        CheckConstraint("integrity_score BETWEEN 0 AND 1", name="integrity_share"),
        # Orders of the teacher's dashboard; students without a value come last in each.
        *(
            Index(f"ix_performance_records_{name}", text(place), "student_id").ddl_if("postgresql")
            for name, place in {
                "lowest_mean": "coalesce(mean_percentage, 1000)",
                "highest_mean": "coalesce(mean_percentage, -1)",
                "longest_silent": (
                    "coalesce(last_activity_at, '9000-01-01 00:00:00+00'::timestamptz)"
                ),
                "latest_active": (
                    "coalesce(last_activity_at, '1800-01-01 00:00:00+00'::timestamptz)"
                ),
            }.items()
        ),
        Index(None, "status", "student_id"),
        Index(
            "ix_performance_records_due",
            "due_at",
            postgresql_where=text("due_at IS NOT NULL"),
            sqlite_where=text("due_at IS NOT NULL"),
        ),
    )

    student_id: Mapped[str] = mapped_column(
        Key, ForeignKey("staffstuddash.students.id"), primary_key=True
    )
    mean_percentage: Mapped[float | None]
    trend_per_30_days: Mapped[float | None]
    assessment_count: Mapped[int]
    last_submitted_at: Mapped[datetime | None]
    subjects: Mapped[list[Any]]
    strengths: Mapped[list[Any]]
    weaknesses: Mapped[list[Any]]
    status: Mapped[Status | None] = mapped_column(enum_column(Status))
    status_reasons: Mapped[list[Any]]
    learning_state: Mapped[LearningState | None] = mapped_column(enum_column(LearningState))
    grit_level: Mapped[float | None]
    setback_count: Mapped[int]
    draft_count: Mapped[int]
    last_draft_at: Mapped[datetime | None]
    reasoning_continuity: Mapped[Continuity | None] = mapped_column(
        enum_column(Continuity), comment="That of the latest revision"
    )
    integrity_score: Mapped[float | None]
    integrity_label: Mapped[IntegrityLabel | None] = mapped_column(enum_column(IntegrityLabel))
    sudden_jump_flag: Mapped[bool | None] = mapped_column(
        comment="Null while no revision can be judged"
    )
    assignments: Mapped[list[Any]]
    last_activity_at: Mapped[datetime | None]
    due_at: Mapped[datetime | None] = mapped_column(
        comment="When it has to be computed again although nothing came in"
    )
    updated_at: Mapped[datetime]


@register(
    STUDENT,
    columns=(
        "student_id subject concept assessment_count mean_percentage change_points "
        "learning_state last_submitted_at"
    ),
    purpose="to group students by their needs; computed from marks",
    keep=UNTIL_ERASED,
)
class ConceptStanding(Base):
    """Standing of one student at one concept; recomputed with each assessment of it."""

    __tablename__ = "concept_standings"
    __table_args__ = (
        Index(None, "subject", "concept", "learning_state"),
        *(
            Index(
                f"ix_concept_standings_{name}",
                "subject",
                "concept",
                "mean_percentage",
                "student_id",
                postgresql_where=condition,
                sqlite_where=condition,
            )
            for name, condition in {"tutors": IS_TUTOR, "learners": IS_LEARNER}.items()
        ),
    )

    student_id: Mapped[str] = mapped_column(
        Key, ForeignKey("staffstuddash.students.id"), primary_key=True
    )
    subject: Mapped[str] = mapped_column(String(200), primary_key=True)
    concept: Mapped[str] = mapped_column(String(200), primary_key=True)
    assessment_count: Mapped[int]
    mean_percentage: Mapped[float]
    change_points: Mapped[float | None]
    learning_state: Mapped[LearningState | None] = mapped_column(enum_column(LearningState))
    last_submitted_at: Mapped[datetime]


@register(
    columns="id concept subject difficulty created_at",
    purpose="to name the concepts that are taught",
    keep=UNTIL_REMOVED,
)
class ConceptModule(IdempotentRow, Base):
    """Concept that is taught, and its difficulty."""

    sent_columns = ("concept", "subject", "difficulty")

    __tablename__ = "concept_modules"
    __table_args__ = (
        UniqueConstraint("subject", "concept"),
        CheckConstraint("difficulty BETWEEN 1 AND 5", name="difficulty_range"),
    )

    concept: Mapped[str] = mapped_column(String(200))
    subject: Mapped[str] = mapped_column(String(200))
    difficulty: Mapped[int] = mapped_column(comment="1 (easy) to 5 (hard)")
    created_at: Mapped[datetime]
