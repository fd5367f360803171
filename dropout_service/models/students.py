"""Students, and the tombstones of erased students."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, LargeBinary, String
from sqlalchemy.engine.default import DefaultExecutionContext
from sqlalchemy.orm import Mapped, mapped_column

from dropout_service.models.base import Base
from shared_db.columns import Key
from shared_db.personal_data import STUDENT, UNTIL_ERASED, register
from shared_db.pseudonyms import pseudonym_of

PSEUDONYM = String(50)


def _pseudonym(context: DefaultExecutionContext) -> str:
    return pseudonym_of(context.get_current_parameters()["id"])  # type: ignore[no-untyped-call] # SQLAlchemy's


@register(
    STUDENT,
    columns="id name email pseudonym created_at digest",
    purpose="to relate events, marks and predictions to a student",
    keep=UNTIL_ERASED,
)
class Student(Base):
    """Student with data in this service; name and e-mail only if they were sent here."""

    __tablename__ = "students"
    __table_args__ = (Index(None, "pseudonym"),)

    id: Mapped[str] = mapped_column(Key, primary_key=True)
    name: Mapped[str | None] = mapped_column(String(200))
    email: Mapped[str | None] = mapped_column(String(320))
    pseudonym: Mapped[str] = mapped_column(
        PSEUDONYM,
        default=_pseudonym,
        comment="shared_db.pseudonyms.pseudonym_of(id): how an erasure finds the student",
    )
    created_at: Mapped[datetime]
    digest: Mapped[bytes | None] = mapped_column(
        LargeBinary(16), comment="Of name and e-mail; none while only an event told of the student"
    )
    # Set on the returned object if the row already existed; not a column.
    is_replay = False
    # Set on the returned object if the row is pending in the spool; not a column.
    is_pending = False


@register(
    STUDENT,
    columns="old_id new_id merged_at digest",
    purpose="to accept data that come under a former id",
    keep=UNTIL_ERASED,
)
class Alias(Base):
    """Former id of a student, who was merged into another id. It never leads to a further alias.

    It is inserted in the transaction that moves the rows of the old id.
    """

    __tablename__ = "aliases"
    __table_args__ = (Index(None, "new_id"),)

    old_id: Mapped[str] = mapped_column(Key, primary_key=True)
    new_id: Mapped[str] = mapped_column(Key, ForeignKey("dropout.students.id"))
    merged_at: Mapped[datetime]
    digest: Mapped[bytes | None] = mapped_column(
        LargeBinary(16), comment="Of the name and e-mail under the old id, which may be sent again"
    )


@register(
    STUDENT,
    columns="pseudonym deleted_at",
    purpose="to refuse late data of an erased student",
    keep="for good; a guessed id can be compared with it",
)
class Deletion(Base):
    """Tombstone of an erased student; new rows of the student are rejected."""

    __tablename__ = "deletions"

    pseudonym: Mapped[str] = mapped_column(PSEUDONYM, primary_key=True)
    deleted_at: Mapped[datetime]
