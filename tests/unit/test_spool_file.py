"""The file of a spool: shared with other processes, damaged, upgraded, full and emptied."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from shared_db.results import Outcome
from shared_db.spool.file import Entry, SpoolFull, SpoolLimits, SpoolUnavailable
from shared_db.spool.queue import Spool
from shared_db.spool.replay_queue import ReplayQueue
from shared_db.spool.salvage import readable_entries
from tests.support.dumps import bytes_of

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    """Yield an empty spool."""
    spool = Spool.of_service(tmp_path / "made", "school")
    yield spool
    spool.close()


def an_entry(id_: str, *, subject: str | None = "ada", sent: str = "x") -> Entry:
    return Entry("mark", id_, subject, "{}", sent.encode(), NOON)


LOOK = "import sys; from pathlib import Path; from shared_db.spool.queue import Spool; "
LOOK += "spool = Spool(Path(sys.argv[1])); print(spool.state().waiting); spool.close()"


def deleted_files(folder: Path) -> list[str]:
    """Return the open files of this process that were in the folder and are deleted."""
    links = [link for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    names = [str(link.readlink()) for link in links]
    return [name for name in names if str(folder) in name and "(deleted)" in name]


def test_a_reading_process_does_not_remove_the_journal_of_writers(spool: Spool) -> None:
    spool.open()
    spool.append([an_entry("1")])
    looked = subprocess.run(
        [sys.executable, "-c", LOOK, spool.path], check=True, capture_output=True, text=True
    )
    spool.append([an_entry("2")])
    kept = copied(spool)

    assert looked.stdout == "1\n"
    assert deleted_files(spool.path.parent) == []
    assert [entry.id for entry in kept.all_entries()] == ["1", "2"]
    kept.close()


def copied(spool: Spool) -> Spool:
    """Return the spool as its files are now, as after the process was killed."""
    folder = spool.path.parent / "copy"
    folder.mkdir()
    for file in spool.path.parent.glob(f"{spool.path.name}*"):
        shutil.copy(file, folder)
    return Spool(folder / spool.path.name)


def test_a_row_in_a_removed_file_is_not_acknowledged(spool: Spool) -> None:
    spool.append([an_entry("1")])
    spool.path.unlink()

    with pytest.raises(SpoolUnavailable, match="restart the service"):
        spool.append([an_entry("2")])


def test_a_file_of_a_newer_release_is_not_changed(spool: Spool) -> None:
    spool.append([an_entry("1")])
    spool.close()
    with closing(sqlite3.connect(spool.path)) as newer:
        newer.execute("PRAGMA user_version = 99")

    with pytest.raises(SpoolUnavailable, match="newer release"):
        spool.open()
    assert spool.damaged_files() == []


def overwrite_header(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"\xff" * 100)


def cut_in_half(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def overwrite_the_middle(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"\xff" * 5000)


@pytest.mark.parametrize(
    ("damage", "share"), [(overwrite_header, 1), (cut_in_half, 0.4), (overwrite_the_middle, 0.8)]
)
def test_a_damaged_file_is_set_aside_and_its_rows_can_be_read(
    spool: Spool, damage: Callable[[Path], None], share: float, caplog: pytest.LogCaptureFixture
) -> None:
    rows = [replace(a_row(number), sequence=number) for number in range(1, 301)]
    spool.append(rows)
    spool.close()
    damage(spool.path)

    spool.open()
    [aside] = spool.damaged_files()
    found = readable_entries(aside)

    assert "damaged" in caplog.text
    assert spool.append([a_row(1)])[0][0] is Outcome.STORED
    assert {entry.id: entry for entry in found}.items() <= {r.id: r for r in rows}.items()
    assert len(found) >= share * len(rows)


def a_row(number: int) -> Entry:
    # Some are too long for a page of SQLite, so that they continue in overflow pages.
    payload = json.dumps({"content": "ü" * (9000 if number % 50 == 0 else number)})
    subject = None if number % 7 == 0 else f"s{number}"
    return Entry("draft", f"d{number}", subject, payload, bytes([number % 256] * 16), NOON)


def test_salvage_reads_rows_of_the_journal_but_no_removed_ones(spool: Spool) -> None:
    spool.append([a_row(number) for number in range(1, 101)])
    ReplayQueue(spool).remove(spool.pending(30))
    journal = Path(f"{spool.path}-wal").stat().st_size

    assert journal > 0
    assert [entry.id for entry in readable_entries(spool.path)] == [
        f"d{number}" for number in range(31, 101)
    ]


def test_a_damaged_file_that_another_process_uses_stays_in_place(spool: Spool) -> None:
    spool.append([a_row(number) for number in range(1, 101)])
    other = Spool(spool.path)
    spool.truncate_wal()
    cut_in_half(spool.path)

    with pytest.raises(SpoolUnavailable, match="in use"):
        other.open()
    assert spool.damaged_files() == []
    other.close()


RELEASED = Path(__file__).parents[1] / "releases" / "spool_1.sql"


def test_a_file_of_the_first_format_is_upgraded_in_place(spool: Spool) -> None:
    spool.path.parent.mkdir()
    with closing(sqlite3.connect(spool.path)) as first:
        first.executescript(RELEASED.read_text())

    spool.open()

    assert [(e.kind, e.id, e.problem, e.attempts) for e in spool.all_entries()] == [
        ("student", "s1", None, 0),
        ("assessment", "m1", None, 0),
        ("assessment", "m2", "There is no such student", 1),
        ("assessment", "m3", None, 0),
    ]
    assert (spool.state().waiting, spool.state().refused) == (3, 1)
    assert spool.append([an_entry("new")])[0][0] is Outcome.STORED


IN_USE = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1])
connection.execute("SELECT count(*) FROM spool").fetchall()
print("ready", flush=True)
sys.stdin.read()
"""


def test_a_file_in_use_by_an_older_release_is_not_changed(spool: Spool) -> None:
    spool.path.parent.mkdir()
    with closing(sqlite3.connect(spool.path)) as first:
        first.executescript(RELEASED.read_text())
    command = [sys.executable, "-c", IN_USE, str(spool.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as older:
        assert older.stdout is not None
        assert older.stdout.readline() == b"ready\n"
        before = bytes_of(spool.path.parent)
        with pytest.raises(SpoolUnavailable, match="older release"):
            spool.open()
        assert bytes_of(spool.path.parent) == before
        older.communicate(b"")

    spool.open()
    assert spool.state().waiting == 3


@pytest.mark.parametrize("limits", [SpoolLimits(rows=3), SpoolLimits(size_bytes=45_000)])
def test_a_full_spool_refuses_until_there_is_room(tmp_path: Path, limits: SpoolLimits) -> None:
    spool = Spool(tmp_path / "spool.db", limits)
    accepted = 0
    with pytest.raises(SpoolFull):
        for number in range(100):
            spool.append([an_entry(str(number), sent="x" * 1000)])
            accepted += 1
    is_full = spool.state().is_full
    ReplayQueue(spool).remove(spool.pending(accepted))
    spool.truncate_wal()

    assert 3 <= accepted < 100
    assert is_full
    assert not spool.state().is_full
    assert spool.append([an_entry("more")])[0][0] is Outcome.STORED
    spool.close()


def test_the_file_shrinks_after_use(spool: Spool) -> None:
    rows = [replace(an_entry(str(number)), payload="x" * 2000) for number in range(3000)]
    spool.append(rows)
    ReplayQueue(spool).remove(spool.pending(2999))
    large = sum(file.stat().st_size for file in spool.path.parent.iterdir())
    spool.truncate_wal()

    assert large > 6_000_000
    assert sum(file.stat().st_size for file in spool.path.parent.iterdir()) < 200_000
    assert [entry.id for entry in spool.all_entries()] == ["2999"]


def test_the_retry_state_of_a_row_outlives_the_process(spool: Spool) -> None:
    spool.append([an_entry("1"), an_entry("2"), an_entry("3", subject="bob")])
    queue = ReplayQueue(spool)
    for now in (0, 100):
        assert not queue.defer(spool.pending(1)[0], "P0001", now)
    spool.close()
    later = ReplayQueue(Spool(spool.path))

    assert [e.id for e in later.pending(10, now=100.5)] == ["3"]
    assert [(e.id, e.failures) for e in later.pending(10, now=101)] == [
        ("1", 2),
        ("2", 0),
        ("3", 0),
    ]
    assert [e.id for e in later.pending(10, now=100.5, unordered=["mark"])] == ["2", "3"]
    assert later.has_deferred("P0001")
    # The clock was set back by a day: no row waits for longer than the longest pause.
    assert len(later.pending(10, now=-86_400)) == 3
