"""Descriptions of students in the roster: guardians, identifiers and demographics.

They are deleted when they end: personal data without further use.
"""

from datetime import date
from typing import Any

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from shared_db.columns import Key, enum_column
from shared_db.personal_data import GUARDIAN, STUDENT, register
from staffstuddash_service.domain.roster import IdentifierKind
from staffstuddash_service.models.base import Base, of_student
from staffstuddash_service.models.roster import SourcedRow


@register(
    GUARDIAN,
    STUDENT,
    columns="id student_id name relation email phone source created_at updated_at",
    purpose="to reach the guardians of a student",
    keep="until the relation ends or the student is erased",
)
class GuardianRow(SourcedRow, Base):
    """Guardian of a student."""

    __tablename__ = "guardians"
    __table_args__ = (Index(None, "student_id"),)

    id: Mapped[str] = mapped_column(Key, primary_key=True, sort_order=-2)
    student_id: Mapped[str] = of_student()
    name: Mapped[str] = mapped_column(String(200))
    relation: Mapped[str | None] = mapped_column(String(200), comment="mother, uncle ...")
    email: Mapped[str | None] = mapped_column(String(320))
    phone: Mapped[str | None] = mapped_column(String(200))


@register(
    STUDENT,
    columns="id student_id system kind value source created_at updated_at",
    purpose="to find a student by accounts in other systems",
    keep="until it ends or the student is erased",
)
class IdentifierRow(SourcedRow, Base):
    """Identifier of a student in another system."""

    __tablename__ = "student_identifiers"
    __table_args__ = (
        UniqueConstraint("system", "kind", "value"),
        Index(None, "student_id"),
        Index("ix_student_identifiers_lower_value", text("lower(value)")),
        Index(None, "value"),
    )

    id: Mapped[str] = mapped_column(
        Key, primary_key=True, sort_order=-2, comment="Digest of system, kind and value"
    )
    student_id: Mapped[str] = of_student()
    system: Mapped[str] = mapped_column(String(200), comment="The school's name of it")
    kind: Mapped[IdentifierKind] = mapped_column(enum_column(IdentifierKind))
    value: Mapped[str] = mapped_column(String(320))


@register(
    STUDENT,
    columns="student_id birth_date sex attributes source created_at updated_at",
    purpose="to audit fairness; no feature uses it",
    keep="until it ends or the student is erased",
)
class DemographicsRow(SourcedRow, Base):
    """Personal attributes of a student, only for the audit of fairness; no feature uses them."""

    __tablename__ = "student_demographics"

    student_id: Mapped[str] = mapped_column(
        Key, ForeignKey("staffstuddash.students.id"), primary_key=True
    )
    birth_date: Mapped[date | None]
    sex: Mapped[str | None] = mapped_column(String(200))
    attributes: Mapped[dict[str, Any]]
