"""Tables of staffstuddash; `published` has the view of the dropout service that it reads."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, validates

from shared_db.background_work.table import background_table
from shared_db.columns import Base as ColumnsBase
from shared_db.columns import (
    IdempotentRow,
    Key,
    Row,
    enum_column,
    service_metadata,
)
from staffstuddash_service.domain.drafts import ChangeType, Continuity
from staffstuddash_service.domain.integrity import IntegrityLabel
from staffstuddash_service.domain.learning import LearningState
from staffstuddash_service.domain.performance_status import Status
from staffstuddash_service.domain.sort_keys import sort_key

SORTED_LENGTH = 100
# Sorted by code point in both stores; the keys are computed here, because the stores fold
# differently.
_SortKey = String(SORTED_LENGTH).with_variant(String(SORTED_LENGTH, collation="C"), "postgresql")
IS_TUTOR = text(
    "learning_state IN ('PROGRESSING', 'PLATEAU') AND mean_percentage >= 80"
    " AND assessment_count >= 3"
)
IS_LEARNER = text("learning_state = 'STALLED'")


class Base(ColumnsBase, DeclarativeBase):
    """Base of the mapped classes of schema `staffstuddash`."""

    metadata = service_metadata("staffstuddash")


background_table(Base.metadata)


def of_student() -> Mapped[str]:
    """Return the column with the id of the row's student."""
    return mapped_column(Key, ForeignKey("staffstuddash.students.id"))


def sort_columns(name: str, email: str | None) -> Row:
    """Return the columns by which students are sorted and searched."""
    key = sort_key(name)
    return {"sort_key": key[:SORTED_LENGTH], "search_text": f"{key}\n{sort_key(email or '')}"}


class Student(IdempotentRow, Base):
    """Student as the school knows them."""

    sent_columns = ("name", "email")

    __tablename__ = "students"
    __table_args__ = (Index(None, "sort_key", "id"),)

    name: Mapped[str] = mapped_column(String(200))
    email: Mapped[str | None] = mapped_column(String(320))
    sort_key: Mapped[str] = mapped_column(
        _SortKey, comment="The beginning of the name's key: without case and accents"
    )
    search_text: Mapped[str] = mapped_column(
        Text, comment="Keys of the name and the e-mail, one a line"
    )
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    @validates("name", "email")
    def _keep_searchable(self, field: str, value: str | None) -> str | None:
        present = {"name": self.name, "email": self.email, field: value}
        for column, key in sort_columns(present["name"] or "", present["email"]).items():
            setattr(self, column, key)
        return value


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


class ActionLog(IdempotentRow, Base):
    """Action about a student; kept under a pseudonym when the student is erased."""

    __tablename__ = "action_logs"
    __table_args__ = (
        Index(None, "student_id", "timestamp", "id"),
        Index(None, "timestamp", "id"),
    )

    student_id: Mapped[str] = mapped_column(Key, comment="Or the pseudonym of an erased student")
    actor: Mapped[str] = mapped_column(Key, comment="The name of the key that called")
    action: Mapped[str] = mapped_column(String(100))
    is_intervention: Mapped[bool]
    data: Mapped[dict[str, Any] | None]
    timestamp: Mapped[datetime]


class Deletion(Base):
    """Tombstone of an erased student: a pseudonym, no id."""

    __tablename__ = "deletions"

    pseudonym: Mapped[str] = mapped_column(Key, primary_key=True)
    deleted_at: Mapped[datetime]
