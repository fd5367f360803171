"""Columns of the tables of the audit, which are the same in each service with rows of students."""

from datetime import datetime
from typing import Any

from sqlalchemy import Integer, String
from sqlalchemy.orm import Mapped, declared_attr, mapped_column

from shared_db.columns import ID_LENGTH, Key
from shared_db.personal_data import STAFF, STUDENT, personal

TEXT = 200
_CHAIN = Key
_HEX = String(64)
_TOKEN = String(32)
UNTIL_OLD = "until `veritas retention` deletes its day (`RETENTION_AUDIT_DAYS`)"
_KEPT = f"{UNTIL_OLD}; it leads to no student who is erased"


class ReadColumns:
    """Columns of a read: who read what, and its place in a chain."""

    __tablename__ = "reads"

    chain: Mapped[str] = mapped_column(_CHAIN, primary_key=True, sort_order=-2)
    number: Mapped[int] = mapped_column(
        Integer, primary_key=True, autoincrement=False, sort_order=-1
    )
    read_at: Mapped[datetime]
    caller: Mapped[str] = mapped_column(
        String(ID_LENGTH),
        comment="Key or person; of a student the token or pseudonym",
        info=personal(STAFF, STUDENT, keep=_KEPT),
    )
    kind: Mapped[str] = mapped_column(String(10), comment="system, person or student")
    roles: Mapped[list[Any]]
    through: Mapped[str | None] = mapped_column(String(ID_LENGTH))
    route: Mapped[str] = mapped_column(String(TEXT))
    students: Mapped[int]
    tokens: Mapped[list[Any]] = mapped_column(
        comment="Of read_subjects, 200 at most", info=personal(STUDENT, keep=_KEPT)
    )
    purpose: Mapped[str | None] = mapped_column(String(TEXT))
    openings: Mapped[dict[str, Any] | None] = mapped_column(
        comment="Of break-glass: their ids by the tokens of the students seen by them",
        info=personal(STAFF, STUDENT, keep=_KEPT),
    )
    previous: Mapped[str] = mapped_column(_HEX, comment="Digest of the row before in the chain")
    digest: Mapped[str] = mapped_column(_HEX)


class ReadSubjectColumns:
    """Columns of a student in a read: without this row nothing leads from the token to the student.

    A service adds `student_id`, which refers to its students.
    """

    __tablename__ = "read_subjects"

    token: Mapped[str] = mapped_column(_TOKEN, primary_key=True, sort_order=-1)
    salt: Mapped[str] = mapped_column(_TOKEN)
    read_at: Mapped[datetime]
    chain: Mapped[str] = mapped_column(_CHAIN)
    number: Mapped[int]

    @declared_attr
    @classmethod
    def read_as(cls) -> Mapped[str]:
        """Id in the read; another one than `student_id` after a merge."""
        return mapped_column(Key, comment="The id in the read; `student_id` follows merges")
