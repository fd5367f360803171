"""Courses with their enrolments, coursework and submissions.

Days count from the first day of the course, which is day 0; earlier days are negative.
"""

from datetime import date

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from dropout_service.domain.enrolments.course_calendar import CourseDates
from dropout_service.domain.enums import CourseOutcome
from dropout_service.models.base import Base
from shared_db.columns import IdempotentRow, Key, enum_column
from shared_db.personal_data import STUDENT, UNTIL_ERASED, UNTIL_REMOVED, Ageing, register

_LABEL = String(200)


@register(
    columns="id module presentation starts_on length_days activity_from activity_until",
    purpose="to know the days of a course",
    keep=UNTIL_REMOVED,
)
class Course(IdempotentRow, Base):
    """Presentation of a module. Only the columns of its activity stream are ever updated."""

    __tablename__ = "courses"
    __table_args__ = (
        CheckConstraint("length_days > 0", name="length_positive"),
        # A stream with an end has a start; a stream without an end continues.
        CheckConstraint(
            "activity_until IS NULL OR activity_from <= activity_until", name="activity_in_order"
        ),
        CheckConstraint(
            "activity_until IS NULL OR activity_from IS NOT NULL", name="activity_begins"
        ),
    )

    module: Mapped[str] = mapped_column(Key)
    presentation: Mapped[str] = mapped_column(Key)
    starts_on: Mapped[date] = mapped_column(comment="The date of day 0")
    length_days: Mapped[int]
    activity_from: Mapped[int | None] = mapped_column(
        comment="The first day of the stream of activity; none: there is no stream, not no activity"
    )
    activity_until: Mapped[int | None] = mapped_column(
        comment="Its last day; none: it goes on, where it has begun"
    )

    @property
    def dates(self) -> CourseDates:
        """Date of day 0, and the length in days."""
        return CourseDates(self.starts_on, self.length_days)


@register(
    STUDENT,
    columns=(
        "id student_id course_id registered_day unregistered_day outcome credits previous_attempts"
    ),
    purpose="to compute the risk in a course, and to train on its outcome",
    keep=UNTIL_ERASED,
    ageing=Ageing("roster", since="the last day of the course"),
)
class Enrolment(IdempotentRow, Base):
    """Enrolment of one student in one course."""

    __tablename__ = "enrolments"
    __table_args__ = (
        UniqueConstraint("course_id", "student_id"),
        Index(None, "student_id"),
        CheckConstraint("credits >= 0", name="credits_counted"),
        CheckConstraint("previous_attempts >= 0", name="attempts_counted"),
    )

    student_id: Mapped[str] = mapped_column(Key, ForeignKey("dropout.students.id"))
    course_id: Mapped[str] = mapped_column(Key, ForeignKey("dropout.courses.id"))
    registered_day: Mapped[int | None] = mapped_column(comment="None: not known")
    unregistered_day: Mapped[int | None] = mapped_column(comment="None: still there, or not known")
    outcome: Mapped[CourseOutcome | None] = mapped_column(enum_column(CourseOutcome))
    credits: Mapped[int | None]
    previous_attempts: Mapped[int | None]


@register(
    STUDENT,
    columns=(
        "enrolment_id gender region highest_education deprivation_band age_band has_disability"
    ),
    purpose="to audit fairness; no feature uses it",
    keep=UNTIL_ERASED,
)
class EnrolmentBackground(Base):
    """Personal attributes of a student at the time, only for the audit of fairness, no features."""

    __tablename__ = "enrolment_backgrounds"

    enrolment_id: Mapped[str] = mapped_column(
        Key, ForeignKey("dropout.enrolments.id"), primary_key=True
    )
    gender: Mapped[str | None] = mapped_column(_LABEL)
    region: Mapped[str | None] = mapped_column(_LABEL)
    highest_education: Mapped[str | None] = mapped_column(_LABEL)
    deprivation_band: Mapped[str | None] = mapped_column(
        _LABEL, comment="0-10% are the most deprived"
    )
    age_band: Mapped[str | None] = mapped_column(_LABEL)
    has_disability: Mapped[bool | None]


@register(
    columns="id course_id type due_day weight is_exam",
    purpose="to know the work that a course sets",
    keep=UNTIL_REMOVED,
)
class Coursework(IdempotentRow, Base):
    """Piece of work that a course sets."""

    __tablename__ = "coursework"
    __table_args__ = (
        CheckConstraint("weight >= 0", name="weight_counted"),
        Index(None, "course_id"),
    )

    course_id: Mapped[str] = mapped_column(Key, ForeignKey("dropout.courses.id"))
    type: Mapped[str] = mapped_column(_LABEL, comment="TMA, CMA, Exam: the school's word")
    due_day: Mapped[int | None] = mapped_column(comment="None: not known")
    weight: Mapped[float] = mapped_column(comment="In percent of the course's mark")
    is_exam: Mapped[bool] = mapped_column(comment="Its weight is counted apart from coursework's")


@register(
    STUDENT,
    columns="id coursework_id enrolment_id submitted_day score is_banked",
    purpose="to compute the risk from handed-in work",
    keep=UNTIL_ERASED,
)
class Submission(IdempotentRow, Base):
    """Submission of one piece of work by one enrolment, or work carried over (banked)."""

    __tablename__ = "submissions"
    __table_args__ = (
        UniqueConstraint("enrolment_id", "coursework_id"),
        CheckConstraint("score BETWEEN 0 AND 100", name="score_percent"),
    )

    coursework_id: Mapped[str] = mapped_column(Key, ForeignKey("dropout.coursework.id"))
    enrolment_id: Mapped[str] = mapped_column(Key, ForeignKey("dropout.enrolments.id"))
    submitted_day: Mapped[int]
    score: Mapped[float | None] = mapped_column(comment="None: handed in, not marked")
    is_banked: Mapped[bool] = mapped_column(comment="Carried over from an earlier attempt")
