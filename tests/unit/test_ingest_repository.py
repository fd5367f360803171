"""Repositories with group commit, and the spool."""

import asyncio
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from shared_db.columns import Row
from shared_db.connection.database import Database
from shared_db.errors import DatabaseUnavailable, ServiceError
from shared_db.ingest_repository import IngestRepository, Received
from shared_db.spool.access import SpoolAccess
from shared_db.spool.queue import Spool
from shared_db.writes.idempotent_insert import insert_idempotent
from tests.support.marks import UNORDERED, Base, Mark, MarkExists, NewMark, row_of


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
def events() -> Iterator[Events]:
    """Yield a repository with group commit, on an empty in-memory database without a spool."""
    database = Database.in_memory(Base.metadata)
    yield Events(database, SpoolAccess())
    database.close()


@pytest.fixture
def spool(tmp_path: Path, events: Events) -> Iterator[Spool]:
    """Yield the spool that is attached to the repository."""
    spool = Spool(tmp_path / "spool.db")
    events.spool.attach(spool)
    yield spool
    spool.close()


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
