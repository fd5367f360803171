"""Giving back in smaller batches when the database has no time for a large one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from shared_db.additions import Kind, Returned
from shared_db.database import Database
from shared_db.errors import Conflict, DatabaseBusy
from shared_db.giving import BATCH, Giver
from shared_db.naming import Outcome
from shared_db.spool import Spool
from staffstuddash_service.models import Base, ConceptModule
from tests.factories import NOON


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


def give(manager: Any, marks: Sequence[Mark]) -> Sequence[Returned]:
    taken: list[Returned] = manager.add(marks)
    return taken


KIND = Kind("mark", Mark, row_of_mark, Conflict, give)


def test_batches_shrink_until_the_database_has_time_for_them(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "spool.db")
    marks = [Mark(f"{number:03}") for number in range(100)]
    spool.accept([KIND.entry(mark) for mark in marks])
    manager, database = Slow(), Database.in_memory(Base.metadata)
    giver = Giver(database, spool, manager, [KIND])
    turns = [giver.give() for _ in range(BATCH.bit_length() * 4) if spool.state().waiting]
    spool.close()
    database.close()

    assert manager.taken == [mark.id for mark in marks]
    assert sum(turns) == 100
