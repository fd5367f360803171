"""Giving back: in smaller batches when there is no time, later when the database is in the way."""

import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from shared_db.connection.database import Database
from shared_db.connection.memory_engine import build_memory_engine
from shared_db.connection.store import Store
from shared_db.errors import Conflict, DatabaseBusy
from shared_db.spool.queue import Spool
from shared_db.spool.replay import BATCH, SpoolReplayer
from shared_db.spool.writes import Returned, SpoolableType
from shared_db.writes.idempotent_insert import Outcome
from staffstuddash_service.models import Base, ConceptModule
from tests.e2e.processes import wait_until
from tests.support.dumps import bytes_of
from tests.support.factories import NOON


@dataclass(frozen=True)
class Mark:
    """Something to add."""

    id: str
    accepted_at: datetime | None = NOON


def row_of_mark(mark: Mark, _now: datetime) -> ConceptModule:
    return ConceptModule(id=mark.id, digest=b"")


class Slow:
    """A manager that has time for ten at once."""

    def __init__(self) -> None:
        self.taken: list[str] = []

    def add(self, marks: Sequence[Mark]) -> list[Returned]:
        if len(marks) > 10:
            raise DatabaseBusy("too many")
        self.taken += [mark.id for mark in marks]
        return [Outcome.STORED] * len(marks)


class Dividing:
    """A manager that lets PostgreSQL divide by a mark, with a table that is not there at first."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def add(self, marks: Sequence[Mark]) -> list[Returned]:
        query = text("INSERT INTO quotients SELECT 1 / CAST(:id AS int)")
        with self.database.unit_of_work() as session:
            session.execute(query, [{"id": mark.id} for mark in marks])
        return [Outcome.STORED] * len(marks)


def give(manager: Any, marks: Sequence[Mark]) -> Sequence[Returned]:
    taken: list[Returned] = manager.add(marks)
    return taken


KIND = SpoolableType("mark", Mark, row_of_mark, Conflict, give)


def test_batches_shrink_until_the_database_has_time_for_them(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.db")
    marks = [Mark(f"{number:03}") for number in range(100)]
    spool.accept([KIND.entry(mark) for mark in marks])
    manager, database = Slow(), Database.in_memory(Base.metadata)
    giver = SpoolReplayer(database, spool, manager, [KIND])
    turns = [giver.give() for _ in range(BATCH.bit_length() * 4) if spool.state().waiting]
    spool.close()
    database.close()

    assert manager.taken == [mark.id for mark in marks]
    assert sum(turns) == 100


class Far:
    """A manager whose every transaction takes long, as on a server far away."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def add(self, marks: Sequence[Mark]) -> list[Returned]:
        self.sizes.append(len(marks))
        time.sleep(0.03)
        return [Outcome.STORED] * len(marks)


def test_batches_stay_large_where_every_transaction_takes_long(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.db")
    spool.accept([KIND.entry(Mark(f"{number:04}")) for number in range(2500)])
    manager, database = Far(), impatient()
    SpoolReplayer(database, spool, manager, [KIND]).give()
    spool.close()
    database.close()

    assert sum(manager.sizes) == 2500
    assert max(manager.sizes[3:]) <= 250  # they hold up live writes no longer than they must
    assert len(manager.sizes) <= 3 + 2500 // 100


def impatient() -> Database:
    """Return a database whose live writes wait for no longer than 0.2 s."""
    engine, anchor = build_memory_engine(Base.metadata)
    return Database(
        lambda: Store(engine, adding_seconds=0.2, memory_reason="asked for", anchor=anchor)
    )


def test_only_a_row_that_is_at_fault_itself_is_refused(
    postgres: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spool = Spool(tmp_path / "spool.db")
    spool.accept([KIND.entry(Mark(id_)) for id_ in ("1", "0", "2")])
    seconds = count(0, 30)
    giver = SpoolReplayer(postgres, spool, Dividing(postgres), [KIND], now=lambda: next(seconds))
    without_table = [giver.give(), giver.give()]
    waiting = spool.state().waiting
    with postgres.unit_of_work() as session:
        session.execute(text("CREATE TABLE quotients (quotient int)"))
    turns = [giver.give() for _ in range(3)]
    kept = [(entry.id, entry.problem) for entry in spool.every()]
    spool.close()

    assert (without_table, waiting, sum(turns)) == ([0, 0], 3, 2)
    assert kept == [("0", "Unexpected error: DataError")]
    assert caplog.text.count("what waits cannot be stored now: SQLSTATE 42P01") == 1
    assert "gave back 3" not in caplog.text


def test_what_cannot_be_wiped_now_is_wiped_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared_db.spool.file._BUSY_SECONDS", 0.01)
    spool, database = Spool(tmp_path / "spool.db"), Database.in_memory(Base.metadata)
    spool.accept([KIND.entry(Mark("marked-1"))])
    reader = sqlite3.connect(spool.path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM spool").fetchall()
    giver = SpoolReplayer(database, spool, Slow(), [KIND])
    given = giver.give()
    left = bytes_of(tmp_path)
    reader.close()
    giver.start()
    is_wiped = wait_until(lambda: b"marked-1" not in bytes_of(tmp_path))
    giver.stop()
    spool.close()
    database.close()

    assert (given, b"marked-1" in left, is_wiped) == (1, True, True)
