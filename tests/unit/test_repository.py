"""Repositories and the spool: inserts while the database is there, away, or behind in replay."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from shared_db.connection.database import Database
from shared_db.errors import DatabaseUnavailable
from shared_db.replaying import replaying
from shared_db.repository import Manager, Repository
from shared_db.results import Outcome
from shared_db.spool.access import best_effort
from shared_db.spool.file import SpoolLimits, SpoolUnavailable
from shared_db.spool.queue import Spool
from tests.support.marks import (
    MARK,
    UNORDERED,
    Base,
    MarkExists,
    Marks,
    NewMark,
    StudentMissing,
    no_student,
)


def away(_session: Session, _item: object) -> Any:
    raise DatabaseUnavailable("away")


def never(_session: Session, _item: object) -> Any:
    raise AssertionError("the item must wait")


@pytest.fixture
def manager() -> Iterator[Manager]:
    """Yield a manager on an empty in-memory database, without a spool."""
    database = Database.in_memory(Base.metadata)
    yield Manager(database)
    database.close()


@pytest.fixture
def spool(tmp_path: Path, manager: Manager) -> Iterator[Spool]:
    """Yield the spool that is attached to the manager."""
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
