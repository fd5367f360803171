"""Students, the actions that concern them, and tombstones of erased ones."""

from datetime import date, datetime
from typing import Any, cast

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, validates

from shared_db.columns import IdempotentRow, Key, Row, enum_column
from shared_db.personal_data import STAFF, STUDENT, UNTIL_ERASED, Ageing, personal, register
from staffstuddash_service.domain.follow_ups.states import ActionState
from staffstuddash_service.domain.sort_keys import sort_key
from staffstuddash_service.models.base import Base

SORTED_LENGTH = 100
# Sorted by code point in both stores; the keys are computed here, because the stores fold
# differently.
_SortKey = String(SORTED_LENGTH).with_variant(String(SORTED_LENGTH, collation="C"), "postgresql")


def sort_columns(name: str, email: str | None) -> Row:
    """Return the columns by which students are sorted and searched."""
    key = sort_key(name)
    return {"sort_key": key[:SORTED_LENGTH], "search_text": f"{key}\n{sort_key(email or '')}"}


@register(
    STUDENT,
    columns="id name email sort_key search_text created_at updated_at",
    purpose="to name the student and to find them",
    keep=UNTIL_ERASED,
    ageing=Ageing(
        "leavers",
        since="the end of the student's last enrolment; the student is erased with all rows",
    ),
)
class Student(IdempotentRow, Base):
    """Student as the school knows them."""

    sent_columns = ("name", "email")
    unread_columns = ("digest", "sort_key", "search_text")

    __tablename__ = "students"
    __table_args__ = (
        Index(None, "sort_key", "id"),
        Index("ix_students_lower_email", text("lower(email)")),
    )

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


@register(
    STUDENT,
    STAFF,
    columns="id action is_intervention timestamp state done_at",
    purpose="to show the doer or planner of an action, and the values before a correction",
    keep="for good; without the details after the student is erased",
    ageing=Ageing("actions", "timestamp"),
)
class ActionLog(IdempotentRow, Base):
    """Action about a student; kept under a pseudonym when the student is erased."""

    __tablename__ = "action_logs"
    __table_args__ = (
        Index(None, "student_id", "timestamp", "id"),
        Index(None, "timestamp", "id"),
        # Steps that a person has planned or was asked for.
        Index(
            "ix_action_logs_planned",
            "assigned_to",
            "due_on",
            "id",
            postgresql_where=text("state = 'planned'"),
        ),
        Index("ix_action_logs_done_at", "done_at", postgresql_where=text("done_at IS NOT NULL")),
    )
    # Names in the roster, set on returned objects; not stored.
    actor_name = cast("str | None", None)
    assigned_to_name = cast("str | None", None)

    student_id: Mapped[str] = mapped_column(
        Key,
        comment="Or the pseudonym of an erased student",
        info=personal(STUDENT, keep="for good; as a pseudonym after the student is erased"),
    )
    actor: Mapped[str] = mapped_column(
        Key, comment="The name of the key that called", info=personal(STAFF)
    )
    action: Mapped[str] = mapped_column(String(100))
    is_intervention: Mapped[bool]
    data: Mapped[dict[str, Any] | None] = mapped_column(info=personal(keep=UNTIL_ERASED))
    timestamp: Mapped[datetime]
    state: Mapped[ActionState] = mapped_column(
        enum_column(ActionState),
        default=ActionState.DONE,
        server_default=ActionState.DONE.value,
        comment="Only done ones are interventions",
    )
    due_on: Mapped[date | None] = mapped_column(
        comment="The day by which a planned one is to be done", info=personal(keep=UNTIL_ERASED)
    )
    assigned_to: Mapped[str | None] = mapped_column(
        Key, comment="Of the roster: the person to do it", info=personal(STAFF)
    )
    prediction_id: Mapped[str | None] = mapped_column(
        Key, comment="The prediction that led to it", info=personal(keep=UNTIL_ERASED)
    )
    done_at: Mapped[datetime | None] = mapped_column(
        comment="When a planned one was done; null if it was stored as done"
    )
    done_by: Mapped[str | None] = mapped_column(
        Key, comment="The caller that marked it as done", info=personal(STAFF)
    )


@register(
    STUDENT,
    columns="old_id new_id merged_at digest",
    purpose="to accept data that come under a former id",
    keep=UNTIL_ERASED,
)
class Alias(Base):
    """Former id of a student, who was merged into another id. It never leads to a further alias."""

    __tablename__ = "aliases"
    __table_args__ = (Index(None, "new_id"),)

    old_id: Mapped[str] = mapped_column(Key, primary_key=True)
    new_id: Mapped[str] = mapped_column(Key, ForeignKey("staffstuddash.students.id"))
    merged_at: Mapped[datetime]
    merged_by: Mapped[str] = mapped_column(
        Key, comment="The name of the key that called", info=personal(STAFF)
    )
    digest: Mapped[bytes] = mapped_column(
        LargeBinary(16), comment="Of the name and e-mail under the old id, which may be sent again"
    )


@register(
    STUDENT,
    STAFF,
    columns="student_id reason held_at",
    purpose="to keep the data of a student for a legal claim",
    keep="until the hold is lifted, or the student is erased after a restore",
)
class Hold(Base):
    """Legal hold of a student: nothing of the student is deleted by age, or erased."""

    __tablename__ = "holds"

    student_id: Mapped[str] = mapped_column(
        Key, ForeignKey("staffstuddash.students.id"), primary_key=True
    )
    reason: Mapped[str] = mapped_column(
        Text, comment="A line for each student that was merged into this one"
    )
    held_at: Mapped[datetime]
    held_by: Mapped[str] = mapped_column(
        Key, comment="The name of the caller", info=personal(STAFF)
    )


@register(
    STUDENT,
    columns="pseudonym deleted_at",
    purpose="to refuse late data of an erased student",
    keep="for good; a guessed id can be compared with it",
)
class Deletion(Base):
    """Tombstone of an erased student: a pseudonym, no id."""

    __tablename__ = "deletions"

    pseudonym: Mapped[str] = mapped_column(Key, primary_key=True)
    deleted_at: Mapped[datetime]
