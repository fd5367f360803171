"""Learning events of students, and their daily rollup."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from dropout_service.domain.enums import EventType
from dropout_service.models.base import Base, Views
from shared_db.columns import IdempotentRow, Key, enum_column
from shared_db.personal_data import STUDENT, UNTIL_ERASED, Ageing, register

IS_ANSWER = text("event_type = 'QUESTION_SUBMIT' AND question_id IS NOT NULL")
IS_CORRECT_ANSWER = text(f"{IS_ANSWER} AND is_correct IS TRUE")
IS_MARK = text("event_type IN ('SESSION_START', 'SESSION_END')")
# As in the daily rollup: events without a course have an empty course.
COURSE = text("coalesce(course, '')")


@register(
    STUDENT,
    columns=(
        "id student_id event_type question_id course is_correct answer_digest "
        "resource_type clicks data occurred_at day recorded_at"
    ),
    purpose="to compute engagement and the risk",
    keep=UNTIL_ERASED,
    ageing=Ageing("events", "occurred_at"),
)
class LearningEvent(IdempotentRow, Base):
    """Learning event of one student. Never updated."""

    __tablename__ = "learning_events"
    __table_args__ = (
        Index(None, "student_id", "occurred_at", "id"),
        # For the events of a day, and the neighbours of an event that is out of order.
        Index("ix_learning_events_days", "day", "student_id", COURSE, "occurred_at", "id"),
        # For the earlier answers to a question: a new answer may be new, solved, or kept.
        Index(
            "ix_learning_events_answers",
            "student_id",
            "question_id",
            "occurred_at",
            "id",
            postgresql_where=IS_ANSWER,
            sqlite_where=IS_ANSWER,
        ),
        # For the first correct answer to a question, without reading the wrong ones.
        Index(
            "ix_learning_events_correct_answers",
            "student_id",
            "question_id",
            "occurred_at",
            "id",
            postgresql_where=IS_CORRECT_ANSWER,
            sqlite_where=IS_CORRECT_ANSWER,
        ),
        # For the session events of a day, which delimit its sessions.
        Index(
            "ix_learning_events_session_marks",
            "student_id",
            "day",
            COURSE,
            postgresql_where=IS_MARK,
            sqlite_where=IS_MARK,
        ),
    )

    student_id: Mapped[str] = mapped_column(Key, ForeignKey("dropout.students.id"))
    event_type: Mapped[EventType] = mapped_column(enum_column(EventType))
    question_id: Mapped[str | None] = mapped_column(Key)
    course: Mapped[str | None] = mapped_column(Key)
    is_correct: Mapped[bool | None] = mapped_column(comment="data.correct of a QUESTION_SUBMIT")
    answer_digest: Mapped[bytes | None] = mapped_column(
        LargeBinary(16), comment="Of data.answer of a QUESTION_SUBMIT, to tell a kept answer"
    )
    resource_type: Mapped[str | None] = mapped_column(
        Key, comment="data.activity of a RESOURCE_VIEW: forum, quiz ..."
    )
    clicks: Mapped[int | None] = mapped_column(comment="data.clicks of a RESOURCE_VIEW")
    data: Mapped[dict[str, Any] | None]
    occurred_at: Mapped[datetime]
    day: Mapped[int] = mapped_column(comment="Of occurred_at in UTC, in days since 1970-01-01")
    recorded_at: Mapped[datetime]


@register(
    STUDENT,
    columns=(
        "student_id day course first_at last_at events submissions graded correct answers "
        "questions_new questions_solved compared kept hints sessions session_seconds "
        "clicks"
    ),
    purpose="to compute features quickly; summed up from events",
    keep=UNTIL_ERASED,
    ageing=Ageing("events", "day"),
)
class DailyActivity(Base):
    """Rollup of one student's events of one day in one course.

    It is updated in the transaction that inserts the events.
    """

    __tablename__ = "daily_activity"
    __table_args__ = (
        Index(None, "course", "student_id"),
        Index(None, "course", "day"),
        # A row is updated with each event of its day; free space on the page allows HOT updates.
        {"postgresql_with": {"fillfactor": 70}},
    )

    student_id: Mapped[str] = mapped_column(
        Key, ForeignKey("dropout.students.id"), primary_key=True
    )
    day: Mapped[int] = mapped_column(
        primary_key=True, autoincrement=False, comment="UTC, in days since 1970-01-01"
    )
    course: Mapped[str] = mapped_column(Key, primary_key=True, comment="Empty: no course was named")
    first_at: Mapped[datetime]
    last_at: Mapped[datetime]
    events: Mapped[int]
    submissions: Mapped[int] = mapped_column(comment="QUESTION_SUBMIT")
    graded: Mapped[int] = mapped_column(comment="Submissions that say whether they are correct")
    correct: Mapped[int]
    answers: Mapped[int] = mapped_column(comment="Submissions that name their question")
    questions_new: Mapped[int] = mapped_column(comment="Questions answered for the first time ever")
    questions_solved: Mapped[int] = mapped_column(comment="Questions correct for the first time")
    compared: Mapped[int] = mapped_column(comment="Resubmissions with an answer to compare with")
    kept: Mapped[int] = mapped_column(comment="Of the compared, those that keep the answer")
    hints: Mapped[int] = mapped_column(comment="HINT_REQUEST")
    sessions: Mapped[int]
    session_seconds: Mapped[float]
    clicks: Mapped[int] = mapped_column(comment="Of RESOURCE_VIEW; 1 where an event does not say")


@register(
    STUDENT,
    columns="student_id course resource_type first_day",
    purpose="to compute features quickly; summed up from events",
    keep=UNTIL_ERASED,
    ageing=Ageing("events", "first_day", since="the last stored use"),
)
class ResourceUse(Base):
    """Type of resources that a student used in a course, with the day of the first use.

    It is updated in the transaction that inserts the events.
    """

    __tablename__ = "resource_uses"
    __table_args__ = (Index(None, "course", "student_id"),)

    student_id: Mapped[str] = mapped_column(
        Key, ForeignKey("dropout.students.id"), primary_key=True
    )
    course: Mapped[str] = mapped_column(Key, primary_key=True, comment="Empty: no course was named")
    resource_type: Mapped[str] = mapped_column(Key, primary_key=True)
    first_day: Mapped[int] = mapped_column(comment="UTC, in days since 1970-01-01")


class AttemptHistory(Views):
    """View of the answers to questions with their number, 1 for the first."""

    __tablename__ = "attempt_history"

    id: Mapped[str] = mapped_column(Key, primary_key=True)
    student_id: Mapped[str] = mapped_column(Key)
    question_id: Mapped[str] = mapped_column(Key)
    course: Mapped[str | None] = mapped_column(Key)
    attempt: Mapped[int]
    is_correct: Mapped[bool | None]
    data: Mapped[dict[str, Any] | None]
    occurred_at: Mapped[datetime]
