"""Marks: a small spoolable type and its repository, on a table of its own."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import MetaData, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session

from shared_db.clock import utc_now
from shared_db.columns import Base as ColumnsBase
from shared_db.columns import IdempotentRow, Row
from shared_db.errors import Exists, NotFound
from shared_db.repository import Repository
from shared_db.results import InsertResult
from shared_db.spool.spoolable import SpoolableType
from shared_db.writes.idempotent_insert import (
    content_digest,
    insert_idempotent,
    insert_many_idempotent,
)


class Base(ColumnsBase, DeclarativeBase):
    metadata = MetaData()


class Mark(IdempotentRow, Base):
    __tablename__ = "marks"
    student: Mapped[str]
    points: Mapped[int]


class MarkExists(Exists):
    slug = "mark-exists"
    noun = "mark"


class StudentMissing(NotFound):
    slug = "student-missing"


@dataclass(frozen=True)
class NewMark:
    """Item of the spoolable type."""

    student: str
    points: int
    id: str | None = None
    accepted_at: datetime | None = None

    def values(self, _now: datetime) -> Row:
        sent = {"student": self.student, "points": self.points}
        return {**sent, "id": self.id, "digest": content_digest(sent)}


def add_many(manager: Any, marks: Sequence[NewMark]) -> list[InsertResult]:
    return Marks(manager.database, manager.spool).add_many(marks)


MARK: SpoolableType[NewMark, Mark] = SpoolableType(
    "mark", NewMark, Mark, NewMark.values, MarkExists, add_many, lambda mark: mark.student
)
UNORDERED: SpoolableType[NewMark, Mark] = SpoolableType(
    "mark", NewMark, Mark, NewMark.values, MarkExists, add_many, is_ordered=False
)


def row_of(mark: NewMark) -> Row:
    return {**MARK.values(mark, utc_now()), "id": mark.id or "chosen here"}


def insert(session: Session, mark: NewMark) -> Mark:
    return insert_idempotent(session, Mark, row_of(mark), MarkExists)


def insert_many(session: Session, marks: Sequence[NewMark]) -> list[InsertResult]:
    return insert_many_idempotent(session, Mark, [row_of(mark) for mark in marks])


def no_student(_session: Session, _item: object = None) -> Any:
    raise StudentMissing("no such student", student_id="ada")


class Marks(Repository):
    """Marks of students."""

    def add(self, mark: NewMark, how: Callable[[Session, NewMark], Mark] = insert) -> Mark:
        return self.insert(MARK, mark, how)

    def add_many(
        self,
        marks: Sequence[NewMark],
        how: Callable[[Session, Sequence[NewMark]], list[InsertResult]] = insert_many,
    ) -> list[InsertResult]:
        return self.insert_many(MARK, marks, how)

    def get(self, id_: str) -> Mark:
        def query(session: Session) -> Mark:
            found = session.get(Mark, id_)
            return found if found is not None else no_student(session)

        return self.get_or_spooled(MARK, id_, query)

    def count(self) -> int:
        return self.read(lambda session: session.scalar(select(func.count(Mark.id))) or 0)
