"""Reads of students' data, and the students that they showed."""

from sqlalchemy import ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from dropout_service.models.base import Base
from shared_db.audit.tables import UNTIL_OLD, ReadColumns, ReadSubjectColumns
from shared_db.columns import Key
from shared_db.personal_data import STAFF, STUDENT, UNTIL_ERASED, register

_PURPOSE = "to show who read data of a student, and that no record of it was changed"


@register(
    STAFF,
    columns="chain number read_at kind roles through route students purpose previous digest",
    purpose=_PURPOSE,
    keep=UNTIL_OLD,
)
class ReadRow(ReadColumns, Base):
    """Answered request that showed data of students; its tokens name none of them."""


@register(
    STUDENT,
    columns="token student_id salt read_at chain number read_as",
    purpose=_PURPOSE,
    keep=UNTIL_ERASED,
)
class ReadSubject(ReadSubjectColumns, Base):
    """Student in a read: leads from the token to the student until an erasure."""

    __table_args__ = (
        Index(None, "student_id", "read_at", "token"),
        Index(None, "chain", "number"),
    )

    student_id: Mapped[str] = mapped_column(Key, ForeignKey("dropout.students.id"))
