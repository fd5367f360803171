"""Numbers of rows that wait in a spool, by student."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared_db.spool.file import Entry
from shared_db.spool.queue import Spool


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    """Yield an empty spool."""
    spool = Spool(tmp_path / "spool.db")
    yield spool
    spool.close()


def test_counts_waiting_rows_by_student(spool: Spool) -> None:
    noon = datetime(2026, 3, 2, 12, tzinfo=UTC)
    names = ["ada", "ada", 'o"bob, [1]', None, "cy"]
    spool.append(
        [Entry("mark", str(n), subject, "{}", b"x", noon) for n, subject in enumerate(names)]
    )
    spool.reject([(spool.pending(10)[-1], "not taken")])

    assert spool.waiting_of() == {"ada": 2, 'o"bob, [1]': 1}
    assert spool.waiting_of(["ada", "cy", "nobody"]) == {"ada": 2}
    assert spool.waiting_of(['o"bob, [1]']) == {'o"bob, [1]': 1}
    assert spool.waiting_of([]) == {}
