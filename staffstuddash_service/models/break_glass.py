"""Break-glass: students whom a member of staff opened outside their rights."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from shared_db.columns import Key
from shared_db.personal_data import STAFF, STUDENT, UNTIL_ERASED, personal, register
from staffstuddash_service.models.base import Base, of_student

SHORTEST_REASON, LONGEST_REASON = 10, 500


@register(
    STUDENT,
    STAFF,
    columns="id student_id reason begins_at ends_at",
    purpose="to justify the sight of a student outside of the rights, and to review it",
    keep=UNTIL_ERASED,
)
class BreakGlass(Base):
    """Opening of one student by one person for a stated reason and a limited time."""

    __tablename__ = "break_glass"
    __table_args__ = (
        Index(None, "person_id", "ends_at"),
        Index(None, "begins_at", "id"),
        Index(None, "student_id"),
    )

    id: Mapped[str] = mapped_column(Key, primary_key=True)
    person_id: Mapped[str] = mapped_column(
        Key, ForeignKey("staffstuddash.people.id"), info=personal(STAFF)
    )
    student_id: Mapped[str] = of_student()
    reason: Mapped[str] = mapped_column(String(LONGEST_REASON))
    begins_at: Mapped[datetime]
    ends_at: Mapped[datetime]
    ended_by: Mapped[str | None] = mapped_column(
        Key, comment="The name of the caller, if it ended early", info=personal(STAFF)
    )
    acknowledgements: Mapped[dict[str, Any]] = mapped_column(
        comment="Instants by the names of the reviewers", info=personal(STAFF)
    )
