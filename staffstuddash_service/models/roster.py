"""Roster: organisations, terms, courses, classes, people, and their relations to students.

Rows of organisations, classes and relations stay when they end, so that the history is known.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from shared_db.columns import Key, enum_column
from shared_db.personal_data import (
    STAFF,
    STUDENT,
    UNTIL_ERASED,
    UNTIL_REMOVED,
    Ageing,
    personal,
    register,
)
from staffstuddash_service.domain.roster import (
    ClassType,
    OrganisationType,
    StaffRole,
    TermType,
)
from staffstuddash_service.models.base import Base, of_student


class SourcedRow:
    """Row of the roster: its source, and a digest of the record as the source sent it."""

    source: Mapped[str] = mapped_column(String(50), comment="manual, oneroster, csv ...")
    digest: Mapped[bytes] = mapped_column(
        LargeBinary(16),
        sort_order=100,
        info=personal(purpose="to recognise an equal record; computed from its content"),
    )
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class KeptRow(SourcedRow):
    """Row that stays when it has ended."""

    id: Mapped[str] = mapped_column(Key, primary_key=True, sort_order=-2)
    ended_at: Mapped[datetime | None] = mapped_column(comment="When it was ended, if it was")


class Period(KeptRow):
    """Relation that holds for some time."""

    valid_from: Mapped[date | None] = mapped_column(comment="Its first day")
    valid_to: Mapped[date | None] = mapped_column(comment="The first day on which it is over")


def _of(table: str, *, is_parent: bool = False) -> ForeignKey:
    # A batch may hold an organisation before its parent: the key is checked with the commit.
    if is_parent:
        return ForeignKey(f"staffstuddash.{table}.id", deferrable=True, initially="DEFERRED")
    return ForeignKey(f"staffstuddash.{table}.id")


def _in_order() -> CheckConstraint:
    return CheckConstraint("valid_to >= valid_from", name="days_in_order")


@register(
    columns="id name type identifier parent_id ended_at source created_at updated_at",
    purpose="to name the school and its parts",
    keep=UNTIL_REMOVED,
)
class OrganisationRow(KeptRow, Base):
    """School, department or district."""

    __tablename__ = "organisations"
    __table_args__ = (CheckConstraint("parent_id <> id", name="other_parent"),)

    name: Mapped[str] = mapped_column(String(200))
    type: Mapped[OrganisationType] = mapped_column(enum_column(OrganisationType))
    identifier: Mapped[str | None] = mapped_column(String(200), comment="Of the authorities")
    parent_id: Mapped[str | None] = mapped_column(Key, _of("organisations", is_parent=True))


@register(
    columns=(
        "id title type starts_on ends_on parent_id school_year closed_at ended_at source "
        "created_at updated_at"
    ),
    purpose="to know the school calendar",
    keep=UNTIL_REMOVED,
)
class TermRow(KeptRow, Base):
    """Span of the school calendar."""

    __tablename__ = "terms"
    __table_args__ = (
        CheckConstraint("parent_id <> id", name="other_parent"),
        CheckConstraint("ends_on >= starts_on", name="days_in_order"),
    )

    title: Mapped[str] = mapped_column(String(200))
    type: Mapped[TermType] = mapped_column(enum_column(TermType))
    starts_on: Mapped[date]
    ends_on: Mapped[date] = mapped_column(comment="Its last day")
    parent_id: Mapped[str | None] = mapped_column(Key, _of("terms", is_parent=True))
    school_year: Mapped[int | None] = mapped_column(comment="The year in which it ends")
    closed_at: Mapped[datetime | None] = mapped_column(
        comment="When it was closed; read-only since"
    )


@register(
    columns=("id title code organisation_id subjects grades ended_at source created_at updated_at"),
    purpose="to name the courses",
    keep=UNTIL_REMOVED,
)
class CourseRow(KeptRow, Base):
    """Course that the school offers; classes are its sections."""

    __tablename__ = "courses"

    title: Mapped[str] = mapped_column(String(200))
    code: Mapped[str | None] = mapped_column(String(200))
    organisation_id: Mapped[str | None] = mapped_column(Key, _of("organisations"))
    subjects: Mapped[list[Any]]
    grades: Mapped[list[Any]]


@register(
    columns=(
        "id title type code course_id organisation_id term_ids subjects grades location "
        "archived_at ended_at source created_at updated_at"
    ),
    purpose="to name the classes",
    keep=UNTIL_REMOVED,
)
class ClassRow(KeptRow, Base):
    """Group of students that is taught together; a course of dropout."""

    __tablename__ = "classes"
    __table_args__ = (Index(None, "course_id"),)

    title: Mapped[str] = mapped_column(String(200))
    type: Mapped[ClassType] = mapped_column(enum_column(ClassType))
    code: Mapped[str | None] = mapped_column(String(200))
    course_id: Mapped[str | None] = mapped_column(Key, _of("courses"))
    organisation_id: Mapped[str | None] = mapped_column(Key, _of("organisations"))
    term_ids: Mapped[list[Any]]
    subjects: Mapped[list[Any]]
    grades: Mapped[list[Any]]
    location: Mapped[str | None] = mapped_column(String(200))
    archived_at: Mapped[datetime | None] = mapped_column(
        comment="When it was archived with its terms; read-only since"
    )


@register(
    STAFF,
    columns=("id name role email username organisation_ids ended_at source created_at updated_at"),
    purpose="to name members of staff and to assign them",
    keep=UNTIL_REMOVED,
)
class PersonRow(KeptRow, Base):
    """Member of staff."""

    __tablename__ = "people"
    __table_args__ = (
        Index("ix_people_lower_email", text("lower(email)")),
        Index(None, "username"),
    )

    name: Mapped[str] = mapped_column(String(200))
    role: Mapped[StaffRole] = mapped_column(enum_column(StaffRole))
    email: Mapped[str | None] = mapped_column(String(320))
    username: Mapped[str | None] = mapped_column(String(200))
    organisation_ids: Mapped[list[Any]]


@register(
    STAFF,
    columns="person_id role is_revoked updated_at updated_by session_revision",
    purpose="to decide on the access of staff to Veritas",
    keep=UNTIL_REMOVED,
)
class PersonAccess(Base):
    """Access of a member of staff; without a row it follows from the role in the roster."""

    __tablename__ = "person_access"

    person_id: Mapped[str] = mapped_column(Key, _of("people"), primary_key=True)
    role: Mapped[str | None] = mapped_column(
        String(100), comment="Of the access to Veritas; null: that of the roster's role"
    )
    is_revoked: Mapped[bool]
    updated_at: Mapped[datetime]
    updated_by: Mapped[str] = mapped_column(Key, comment="The name of the caller")
    session_revision: Mapped[int] = mapped_column(
        default=0, server_default="0", comment="Sessions of an earlier revision are over"
    )


@register(
    STUDENT,
    columns="id student_id class_id valid_from valid_to ended_at source created_at updated_at",
    purpose="to know the classes of a student over the years",
    keep=UNTIL_ERASED,
    ageing=Ageing("roster", "valid_to"),
)
class EnrolmentRow(Period, Base):
    """Enrolment of a student in a class."""

    __tablename__ = "enrolments"
    __table_args__ = (
        _in_order(),
        Index(None, "class_id", "student_id"),
        Index(None, "student_id", "class_id"),
    )

    student_id: Mapped[str] = of_student()
    class_id: Mapped[str] = mapped_column(Key, _of("classes"))


@register(
    STAFF,
    columns=(
        "id person_id class_id is_primary valid_from valid_to ended_at source created_at updated_at"
    ),
    purpose="to know the staff of a class over the years",
    keep=UNTIL_REMOVED,
    ageing=Ageing("roster", "valid_to"),
)
class TeachingRow(Period, Base):
    """Assignment of a member of staff to a class."""

    __tablename__ = "teaching_assignments"
    __table_args__ = (
        _in_order(),
        Index(None, "class_id", "person_id"),
        Index(None, "person_id", "class_id"),
    )

    person_id: Mapped[str] = mapped_column(Key, _of("people"))
    class_id: Mapped[str] = mapped_column(Key, _of("classes"))
    is_primary: Mapped[bool]


@register(
    STUDENT,
    columns="id student_id valid_from valid_to ended_at source created_at updated_at",
    purpose="to know the advisor of a student over the years",
    keep=UNTIL_ERASED,
    ageing=Ageing("roster", "valid_to"),
)
class AdvisingRow(Period, Base):
    """Assignment of a student to an advisor."""

    __tablename__ = "advising_assignments"
    __table_args__ = (
        _in_order(),
        Index(None, "person_id", "student_id"),
        Index(None, "student_id", "person_id"),
    )

    person_id: Mapped[str] = mapped_column(Key, _of("people"), info=personal(STUDENT, STAFF))
    student_id: Mapped[str] = of_student()
