"""Spool: stored rows, their order, and refusals of a file that cannot be written."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared_db.results import Outcome
from shared_db.spool.file import Entry, SpoolState, SpoolUnavailable
from shared_db.spool.queue import Spool
from shared_db.spool.replay import ordered_groups
from shared_db.spool.replay_queue import ReplayQueue
from tests.support.dumps import bytes_of

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    """Yield an empty spool."""
    spool = Spool.of_service(tmp_path / "made", "school")
    yield spool
    spool.close()


def an_entry(
    id_: str, *, kind: str = "mark", subject: str | None = "ada", sent: str = "x"
) -> Entry:
    return Entry(kind, id_, subject, "{}", sent.encode(), NOON)


def test_an_id_is_stored_once_and_a_conflict_is_detected(spool: Spool) -> None:
    answers = spool.append([an_entry("1"), an_entry("1"), an_entry("1", sent="y")])
    other_kind = spool.append([an_entry("1", kind="draft")])

    assert [o for o, _ in answers] == [Outcome.STORED, Outcome.REPEATED, Outcome.CONFLICT]
    assert other_kind[0][0] is Outcome.STORED
    assert [(e.kind, e.id) for e in spool.pending(10)] == [("mark", "1"), ("draft", "1")]


def test_the_file_serves_other_processes_of_the_user_only(spool: Spool) -> None:
    spool.append([an_entry("1")])
    other = Spool(spool.path)

    assert [entry.id for entry in other.pending(10)] == ["1"]
    assert {file.stat().st_mode & 0o077 for file in spool.path.parent.iterdir()} == {0}
    other.close()


def test_the_state_counts_waiting_and_refused_rows(spool: Spool) -> None:
    assert spool.state() == SpoolState()
    entries = [an_entry("1"), an_entry("2"), an_entry("3")]
    spool.append([entries[0], Entry("mark", "2", None, "{}", b"", NOON - timedelta(hours=1))])
    spool.append([entries[2]])
    first, second, third = spool.pending(10)
    spool.reject([(third, "no")])
    ReplayQueue(spool).remove([first])

    assert spool.state() == SpoolState(1, NOON - timedelta(hours=1), 1)
    assert spool.pending(10) == [second]
    assert [(e.id, e.problem, e.attempts) for e in spool.all_entries(refused_only=True)] == [
        ("3", "no", 1)
    ]
    assert spool.retry() == 1
    assert [entry.id for entry in spool.pending(10)] == ["2", "3"]


@pytest.mark.parametrize("sent", ["x", "mended"])
def test_a_refused_row_waits_again_when_it_is_resubmitted(spool: Spool, sent: str) -> None:
    spool.append([an_entry("1"), an_entry("2")])
    spool.reject([(spool.pending(1)[0], "no")])

    answers = spool.append([an_entry("1", sent=sent), an_entry("1", sent=sent)])

    assert [outcome for outcome, _ in answers] == [Outcome.STORED, Outcome.REPEATED]
    kept = [
        (entry.id, entry.digest, entry.attempts, entry.problem) for entry in spool.all_entries()
    ]
    assert kept == [("2", b"x", 0, None), ("1", sent.encode(), 0, None)]


def test_removed_rows_cannot_be_read_in_the_files(spool: Spool) -> None:
    payload = json.dumps({"name": "Xanthippe" * 1000})  # more than a page of SQLite
    kept = replace(an_entry("3", subject="bob"), payload='{"name": "Bob"}')
    spool.append([replace(an_entry(id_), payload=payload) for id_ in ("1", "2", "x")] + [kept])
    ReplayQueue(spool).remove(spool.pending(1))
    spool.reject((entry, "no") for entry in spool.pending(2) if entry.id == "2")
    before = bytes_of(spool.path.parent)

    assert spool.subjects_refused() == ["ada"]
    assert spool.purge_subjects(["ada", "nobody"]) == 2
    assert b"Xanthippe" in before
    after = bytes_of(spool.path.parent)
    assert (b"Xanthippe" in after, b"ada" in after, b"Bob" in after) == (False, False, True)
    assert [entry.id for entry in spool.all_entries()] == ["3"]


def test_only_refused_rows_can_be_discarded(spool: Spool) -> None:
    spool.append([an_entry("1"), an_entry("2")])
    spool.reject([(spool.pending(1)[0], "no")])

    assert spool.discard(["1", "2"]) == 1
    assert [entry.id for entry in spool.all_entries()] == ["2"]


def test_finds_rows_that_wait_before_an_item(spool: Spool) -> None:
    spool.append([an_entry("1", subject="ada")])

    assert spool.waits_before("mark", "9", "ada")
    assert spool.waits_before("mark", "1", None)
    assert not spool.waits_before("draft", "1", "bob")
    assert spool.holds(["ada"])
    assert spool.holds([None, "1"])
    assert not spool.holds([])
    assert spool.any_waiting(["bob", "ada"])
    assert not spool.any_waiting(["bob"])


def test_parallel_inserts_are_answered_one_by_one(spool: Spool) -> None:
    answers: list[Outcome] = []

    def add(number: int) -> None:
        answers.extend(o for o, _ in spool.append([an_entry(str(number % 25))]))

    threads = [threading.Thread(target=add, args=(number,)) for number in range(50)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (answers.count(Outcome.STORED), answers.count(Outcome.REPEATED)) == (25, 25)
    assert spool.state().waiting == 25


def test_only_one_process_replays_at_a_time(spool: Spool) -> None:
    spool.open()
    queue, other = ReplayQueue(spool), ReplayQueue(Spool(spool.path))
    with queue.replay_lock() as first, other.replay_lock() as second:
        assert (first, second) == (True, False)
    with other.replay_lock() as third:
        assert third


def test_an_unwritable_folder_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    spool = Spool(tmp_path / "file" / "spool.db")
    with pytest.raises(SpoolUnavailable):
        spool.append([an_entry("1")])
    (tmp_path / "file").unlink()
    spool.append([an_entry("2")])

    assert [entry.id for entry in spool.all_entries()] == ["2"]
    spool.close()


def test_a_failed_batch_is_refused_as_a_whole(spool: Spool) -> None:
    spool.open()
    with sqlite3.connect(spool.path) as saboteur:
        saboteur.execute(
            "CREATE TRIGGER full BEFORE INSERT ON spool WHEN NEW.id = 'last'"
            " BEGIN SELECT RAISE(ABORT, 'disk is full'); END"
        )
    saboteur.close()

    with pytest.raises(SpoolUnavailable):
        spool.append([an_entry("1"), an_entry("last")])

    assert spool.all_entries() == []
    assert spool.append([an_entry("1")])[0][0] is Outcome.STORED


KINDS_AND_SUBJECTS = st.tuples(st.sampled_from("sad"), st.sampled_from(["ada", "bob", None]))


@given(st.lists(KINDS_AND_SUBJECTS, max_size=30))
def test_groups_have_one_type_and_keep_the_order_of_each_student(
    rows: list[tuple[str, str]],
) -> None:
    entries = [
        an_entry(str(number), kind=kind, subject=subject)
        for number, (kind, subject) in enumerate(rows)
    ]
    groups = list(ordered_groups(entries))
    flat = [entry for _, group in groups for entry in group]

    assert all(entry.kind == kind for kind, group in groups for entry in group)
    assert sorted(flat, key=lambda e: int(e.id)) == entries
    for student in ("ada", "bob"):
        assert [e for e in flat if e.subject == student] == [
            e for e in entries if e.subject == student
        ]
