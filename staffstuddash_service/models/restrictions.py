"""Restrictions: students who objected to being assessed."""

from datetime import datetime

from sqlalchemy import ColumnElement, ForeignKey, String, exists
from sqlalchemy.orm import Mapped, mapped_column

from shared_db.columns import Key
from shared_db.personal_data import STAFF, STUDENT, personal, register
from staffstuddash_service.models.base import Base

REASON_LENGTH = 1000


@register(
    STUDENT,
    columns="student_id restricted_at",
    purpose="to assess nobody who objected",
    keep="until the restriction is lifted or the student is erased",
)
class StudentRestriction(Base):
    """Restriction of one student: nothing is assessed, and rows are stored as before."""

    __tablename__ = "student_restrictions"

    student_id: Mapped[str] = mapped_column(
        Key, ForeignKey("staffstuddash.students.id"), primary_key=True
    )
    reason: Mapped[str | None] = mapped_column(
        String(REASON_LENGTH), info=personal(purpose="to know the ground of the restriction")
    )
    restricted_at: Mapped[datetime]
    restricted_by: Mapped[str] = mapped_column(
        Key, comment="The name of the caller", info=personal(STAFF)
    )


def is_restricted(student_id: ColumnElement[str] | Mapped[str]) -> ColumnElement[bool]:
    """Return the condition that the student of a column is not to be assessed."""
    found = exists().where(StudentRestriction.student_id == student_id)
    return found.correlate_except(StudentRestriction)
