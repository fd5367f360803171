"""Repositories and the spool: inserts while the database is there, away, or behind in replay."""

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import MetaData, func, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session

from shared_db.clock import utc_now
from shared_db.columns import Base as ColumnsBase
from shared_db.columns import IdempotentRow, Row
from shared_db.connection.database import Database
from shared_db.errors import DatabaseUnavailable, Exists, NotFound, ServiceError
from shared_db.repository import IngestRepository, Manager, Received, Repository
from shared_db.results import InsertResult, Outcome
from shared_db.spool.access import SpoolAccess, best_effort, replaying
from shared_db.spool.file import SpoolLimits, SpoolUnavailable
from shared_db.spool.queue import Spool
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


def away(_session: Session, _item: object) -> Any:
    raise DatabaseUnavailable("away")


def no_student(_session: Session, _item: object = None) -> Any:
    raise StudentMissing("no such student", student_id="ada")


def never(_session: Session, _item: object) -> Any:
    raise AssertionError("the item must wait")


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


@pytest.fixture
def manager() -> Iterator[Manager]:
    """Return a manager on an empty in-memory database, without a spool."""
    database = Database.in_memory(Base.metadata)
    yield Manager(database)
    database.close()


@pytest.fixture
def spool(tmp_path: Path, manager: Manager) -> Iterator[Spool]:
    """Return the spool that is attached to the manager."""
    spool = Spool(tmp_path / "spool.db")
    manager.spool.attach(spool)
    yield spool
    spool.close()


@pytest.fixture
def marks(manager: Manager) -> Marks:
    """Return the repository of the manager."""
    return Marks(manager.database, manager.spool)


def test_a_manager_says_which_store_answers_and_gives_plain_sessions(manager: Manager) -> None:
    assert manager.use_fallback
    with manager.get_session() as session:
        assert session.scalar(select(1)) == 1


def test_repositories_use_the_spool_that_is_attached_later(
    manager: Manager, marks: Marks, spool: Spool
) -> None:
    assert marks.spool is manager.spool
    assert manager.spool.spool is spool


class TestWithoutASpool:
    def test_an_insert_is_stored_and_a_replay_is_marked(self, marks: Marks) -> None:
        first, second = marks.add(NewMark("ada", 5, "m1")), marks.add(NewMark("ada", 5, "m1"))

        assert (first.is_replay, second.is_replay, first.is_pending) == (False, True, False)
        assert marks.count() == 1

    def test_an_outage_is_an_error(self, marks: Marks) -> None:
        with pytest.raises(DatabaseUnavailable, match="away"):
            marks.add(NewMark("ada", 5), away)
        with pytest.raises(DatabaseUnavailable, match="away"):
            marks.add_many([NewMark("ada", 5)], away)

    def test_a_read_that_finds_nothing_raises(self, marks: Marks) -> None:
        with pytest.raises(StudentMissing):
            marks.get("m1")

    def test_nothing_is_held_or_found(self, manager: Manager) -> None:
        assert not manager.spool.holds(["ada"])
        assert not manager.spool.must_wait(MARK, [NewMark("ada", 5)])
        assert manager.spool.find(MARK, "m1") is None
        manager.spool.record_stored(MARK)


class TestWithASpool:
    def test_an_insert_goes_to_the_database_while_it_is_there(
        self, marks: Marks, spool: Spool
    ) -> None:
        marks.add(NewMark("ada", 5, "m1"))

        assert (marks.count(), spool.all_entries(), spool.types_stored) == (1, [], {"mark"})

    def test_a_replay_does_not_count_as_stored(self, marks: Marks, spool: Spool) -> None:
        marks.add(NewMark("ada", 5, "m1"))
        spool.types_stored.clear()
        marks.add(NewMark("ada", 5, "m1"))

        assert spool.types_stored == set()

    def test_an_item_of_an_outage_waits_and_is_found(self, marks: Marks, spool: Spool) -> None:
        used: list[bool] = []
        marks.spool.on_use = lambda: used.append(True)
        accepted = marks.add(NewMark("ada", 5, "m1"), away)
        found = marks.get("m1")

        assert (accepted.is_pending, accepted.is_replay) == (True, False)
        assert (found.points, found.is_pending) == (5, True)
        assert used == [True, True]
        assert [entry.subject for entry in spool.pending(2)] == ["ada"]

    def test_a_waiting_id_is_a_replay_or_a_conflict(self, marks: Marks, spool: Spool) -> None:
        marks.add(NewMark("ada", 5, "m1"), away)

        assert marks.add(NewMark("ada", 5, "m1"), never).is_replay
        with pytest.raises(MarkExists):
            marks.add(NewMark("ada", 6, "m1"), never)
        assert spool.state().waiting == 1

    def test_later_items_of_a_student_wait_and_others_do_not(
        self, marks: Marks, spool: Spool
    ) -> None:
        marks.add(NewMark("ada", 5, "m1"), away)

        assert marks.add(NewMark("ada", 6, "m2"), never).is_pending
        assert not marks.add(NewMark("grace", 7, "m3")).is_pending
        assert [entry.id for entry in spool.pending(3)] == ["m1", "m2"]

    def test_a_batch_of_an_outage_waits_as_a_whole(self, marks: Marks, spool: Spool) -> None:
        batch = [NewMark("ada", 5, "m1"), NewMark("ada", 5, "m1"), NewMark("ada", 6, "m1")]
        results = marks.add_many(batch, away)

        assert [result.outcome for result in results] == [
            Outcome.STORED,
            Outcome.REPEATED,
            Outcome.CONFLICT,
        ]
        assert spool.state().waiting == 1
        waiting = marks.add_many([NewMark("grace", 1, "m2"), NewMark("ada", 1, "m3")], never)
        assert all(result.is_stored for result in waiting)

    def test_an_item_of_a_waiting_student_waits_for_the_student(
        self, marks: Marks, spool: Spool
    ) -> None:
        unordered = Repository(marks.database, marks.spool)
        marks.add(NewMark("ada", 5, "m1"), away)

        assert unordered.insert(UNORDERED, NewMark("ada", 6, "m2"), no_student).is_pending
        assert spool.state().waiting == 2

    def test_an_item_of_an_unknown_student_is_refused(self, marks: Marks, spool: Spool) -> None:
        with pytest.raises(StudentMissing):
            marks.add(NewMark("ada", 5, "m1"), no_student)
        with pytest.raises(StudentMissing):
            marks.add_many([NewMark("ada", 5, "m1")], no_student)
        assert spool.all_entries() == []

    @pytest.mark.usefixtures("spool")
    def test_a_read_that_finds_no_waiting_row_raises(self, marks: Marks) -> None:
        with pytest.raises(StudentMissing):
            marks.get("m1")

    def test_a_full_spool_refuses_and_names_the_reason(self, marks: Marks, spool: Spool) -> None:
        spool.limits = SpoolLimits(rows=0)

        with pytest.raises(DatabaseUnavailable, match="the spool is full"):
            marks.add(NewMark("ada", 5, "m1"), away)

    def test_rows_that_are_replayed_are_not_spooled_again(self, marks: Marks, spool: Spool) -> None:
        marks.add(NewMark("ada", 5, "m1"), away)

        with replaying():
            assert marks.spool.spool is None
            with pytest.raises(DatabaseUnavailable, match="away"):
                marks.add(NewMark("ada", 5, "m1"), away)
            assert not marks.add(NewMark("ada", 5, "m1")).is_pending
        assert marks.spool.spool is spool


class Events(IngestRepository[NewMark, Mark]):
    """Marks whose single inserts share transactions."""

    def __init__(self, database: Database, spool: SpoolAccess) -> None:
        super().__init__(database, spool, UNORDERED, self._received, self._each)
        self.is_away = False

    @staticmethod
    def _received(mark: NewMark) -> Received:
        return Received(row_of(mark), len(str(asdict(mark))))

    def _each(self, session: Session, rows: list[Row]) -> list[Mark | ServiceError]:
        if self.is_away:
            raise DatabaseUnavailable("away")
        return [insert_idempotent(session, Mark, row, MarkExists) for row in rows]


@pytest.fixture
def events(manager: Manager) -> Events:
    """Return a repository with group commit."""
    return Events(manager.database, manager.spool)


@pytest.mark.parametrize("is_async", [False, True])
class TestGroupCommit:
    def add(self, events: Events, mark: NewMark, *, is_async: bool) -> Mark:
        if is_async:
            return asyncio.run(events.insert_grouped_async(mark))
        return events.insert_grouped(mark)

    def test_an_insert_is_stored(self, events: Events, spool: Spool, *, is_async: bool) -> None:
        stored = self.add(events, NewMark("ada", 5, "m1"), is_async=is_async)

        assert not stored.is_pending
        assert spool.types_stored == {"mark"}

    def test_an_item_of_an_outage_waits(
        self, events: Events, spool: Spool, *, is_async: bool
    ) -> None:
        events.is_away = True

        assert self.add(events, NewMark("ada", 5, "m1"), is_async=is_async).is_pending
        assert spool.state().waiting == 1

    def test_an_outage_without_a_spool_is_an_error(self, events: Events, *, is_async: bool) -> None:
        events.is_away = True

        with pytest.raises(DatabaseUnavailable, match="away"):
            self.add(events, NewMark("ada", 5, "m1"), is_async=is_async)


def test_a_spool_that_cannot_be_read_is_unknown_and_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fails() -> bool:
        raise SpoolUnavailable("no file")

    with caplog.at_level(logging.WARNING):
        found = [best_effort(fails, unknown=False), best_effort(fails, unknown=False)]
        assert best_effort(lambda: True, unknown=False)

    assert found == [False, False]
    assert caplog.text.count("the spool cannot be read: no file") == 1
    assert caplog.text.count("the spool can be read again") == 1
