"""Replay: smaller batches on a slow database, and retries while the database cannot insert."""

import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import text

from shared_db.connection.database import Database
from shared_db.connection.memory_engine import build_memory_engine
from shared_db.connection.store import Store
from shared_db.errors import Conflict, DatabaseBusy
from shared_db.results import InsertResult, Outcome
from shared_db.spool.queue import Spool
from shared_db.spool.replay import BATCH, SpoolReplayer
from shared_db.spool.spoolable import SpoolableType
from staffstuddash_service.models import Base, ConceptModule
from tests.e2e.processes import wait_until
from tests.support.dumps import bytes_of
from tests.support.factories import NOON


@dataclass(frozen=True)
class Mark:
    """Item to insert."""

    id: str
    accepted_at: datetime | None = NOON


def stored(marks: Sequence[Mark]) -> list[InsertResult]:
    return [InsertResult(mark.id, Outcome.STORED) for mark in marks]


MARK = SpoolableType(
    "mark",
    Mark,
    ConceptModule,
    lambda mark, _now: {"id": mark.id, "digest": b""},
    Conflict,
    replay=lambda manager, marks: manager.add(marks),
)


class Slow:
    """Manager that refuses batches of more than ten."""

    def __init__(self) -> None:
        self.taken: list[str] = []

    def add(self, marks: Sequence[Mark]) -> list[InsertResult]:
        if len(marks) > 10:
            raise DatabaseBusy("too many")
        self.taken += [mark.id for mark in marks]
        return stored(marks)


class Dividing:
    """Manager that divides by the ids on PostgreSQL, into a table that is missing at first."""

    def __init__(self, database: Database) -> None:
        self.database = database

    def add(self, marks: Sequence[Mark]) -> list[InsertResult]:
        query = text("INSERT INTO quotients SELECT 1 / CAST(:id AS int)")
        with self.database.unit_of_work() as session:
            session.execute(query, [{"id": mark.id} for mark in marks])
        return stored(marks)


def test_batches_shrink_until_the_database_accepts_them(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.db")
    marks = [Mark(f"{number:03}") for number in range(100)]
    spool.append([MARK.entry(mark) for mark in marks])
    manager, database = Slow(), Database.in_memory(Base.metadata)
    replayer = SpoolReplayer(database, spool, manager, [MARK])
    passes = [replayer.replay_all() for _ in range(BATCH.bit_length() * 4) if spool.state().waiting]
    spool.close()
    database.close()

    assert manager.taken == [mark.id for mark in marks]
    assert sum(passes) == 100


class Far:
    """Manager whose transactions each take 30 ms, as on a distant server."""

    def __init__(self) -> None:
        self.sizes: list[int] = []

    def add(self, marks: Sequence[Mark]) -> list[InsertResult]:
        self.sizes.append(len(marks))
        time.sleep(0.03)
        return stored(marks)


def test_batches_stay_large_where_every_transaction_takes_long(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.db")
    spool.append([MARK.entry(Mark(f"{number:04}")) for number in range(2500)])
    manager, database = Far(), impatient()
    SpoolReplayer(database, spool, manager, [MARK]).replay_all()
    spool.close()
    database.close()

    assert sum(manager.sizes) == 2500
    assert max(manager.sizes[3:]) <= 250  # live writes wait for a batch
    assert len(manager.sizes) <= 3 + 2500 // 100


def impatient() -> Database:
    """Return a database whose live writes wait for at most 0.2 s."""
    engine, anchor = build_memory_engine(Base.metadata)
    return Database(
        lambda: Store(engine, adding_seconds=0.2, memory_reason="asked for", anchor=anchor)
    )


def test_only_the_row_that_causes_an_error_is_rejected(
    postgres: Database, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    spool = Spool(tmp_path / "spool.db")
    spool.append([MARK.entry(Mark(id_)) for id_ in ("1", "0", "2")])
    seconds = count(0, 30)
    replayer = SpoolReplayer(postgres, spool, Dividing(postgres), [MARK], now=lambda: next(seconds))
    without_table = [replayer.replay_all(), replayer.replay_all()]
    waiting = spool.state().waiting
    with postgres.unit_of_work() as session:
        session.execute(text("CREATE TABLE quotients (quotient int)"))
    passes = [replayer.replay_all() for _ in range(3)]
    kept = [(entry.id, entry.problem) for entry in spool.all_entries()]
    spool.close()

    assert (without_table, waiting, sum(passes)) == ([0, 0], 3, 2)
    assert kept == [("0", "Unexpected error: DataError")]
    assert caplog.text.count("what waits cannot be stored now: SQLSTATE 42P01") == 1
    assert "replayed 3 rows" not in caplog.text


def test_contents_of_replayed_rows_are_wiped_once_no_reader_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared_db.spool.file._BUSY_SECONDS", 0.01)
    spool, database = Spool(tmp_path / "spool.db"), Database.in_memory(Base.metadata)
    spool.append([MARK.entry(Mark("marked-1"))])
    reader = sqlite3.connect(spool.path, isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM spool").fetchall()
    replayer = SpoolReplayer(database, spool, Slow(), [MARK])
    replayed = replayer.replay_all()
    left = bytes_of(tmp_path)
    reader.close()
    replayer.start()
    is_wiped = wait_until(lambda: b"marked-1" not in bytes_of(tmp_path))
    replayer.stop()
    spool.close()
    database.close()

    assert (replayed, b"marked-1" in left, is_wiped) == (1, True, True)
