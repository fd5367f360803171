"""Keys that services keep in the spool file for an outage of the database."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from shared_db.errors import DatabaseUnavailable
from shared_db.spool.queue import Spool
from shared_web.auth.offline_keys import OfflineKeyCache, remove_key_file
from shared_web.principals import NO_LIMITS

Opened = Callable[[], Spool]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opened]:
    """Give a function that opens the spool as one more worker of the service."""
    spools: list[Spool] = []

    def open_spool() -> Spool:
        spool = Spool.of_service(tmp_path, "school")
        spools.append(spool)
        spool.open()
        return spool

    yield open_spool
    for spool in spools:
        spool.close()


@contextmanager
def file_of(spool: Spool) -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(spool.path)) as file:
        yield file


def test_a_key_is_found_by_every_worker_until_it_expires(opened: Opened) -> None:
    OfflineKeyCache(opened(), 3600).remember("hash", "lms", "ingest read")

    assert OfflineKeyCache(opened(), 3600).find("hash") == ("lms", "ingest read", NO_LIMITS)
    assert OfflineKeyCache(opened(), 0).find("hash") is None
    assert OfflineKeyCache(opened(), 3600).find("other") is None


def test_an_expired_key_is_deleted_when_another_one_is_stored(opened: Opened) -> None:
    spool = opened()
    OfflineKeyCache(spool, 3600).remember("old", "lms", "read")
    OfflineKeyCache(spool, 0).remember("new", "app", "read")

    with file_of(spool) as file:
        assert file.execute("SELECT secret_hash FROM verified_keys").fetchall() == [("new",)]


def test_a_revoked_key_is_forgotten(opened: Opened) -> None:
    known = OfflineKeyCache(opened(), 3600)
    for secret_hash in ("one", "two", "three"):
        known.remember(secret_hash, "lms", "read")

    known.forget("one")
    known.forget_others(frozenset({"three"}), since=time.time())

    assert [known.find(each) is None for each in ("one", "two", "three")] == [True, True, False]


def test_a_key_verified_after_the_others_were_read_is_kept(opened: Opened) -> None:
    known = OfflineKeyCache(opened(), 3600)
    before = time.time() - 1
    known.remember("new", "lms", "read")

    known.forget_others(frozenset(), since=before)

    assert known.find("new") is not None


def test_the_table_does_not_change_the_format_of_the_spool(opened: Opened) -> None:
    """A process of an older release refuses a file of another format."""
    spool = opened()
    with file_of(spool) as file:
        written = file.execute("PRAGMA user_version").fetchone()
    OfflineKeyCache(spool, 3600).remember("hash", "lms", "read")

    with file_of(spool) as file:
        assert file.execute("PRAGMA user_version").fetchone() == written
    assert opened().state().waiting == 0


def test_an_unusable_file_is_reported_as_an_outage(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    known = OfflineKeyCache(Spool.of_service(tmp_path / "file", "school"), 3600)

    with pytest.raises(DatabaseUnavailable):
        known.find("hash")
    with pytest.raises(DatabaseUnavailable):
        known.remember("hash", "lms", "read")


def test_the_key_file_of_an_earlier_release_is_removed(tmp_path: Path) -> None:
    names = ["school-keys.db", "school-keys.db.damaged-1", "other-keys.db", "school-spool.db"]
    for name in names:
        (tmp_path / name).touch()

    remove_key_file(tmp_path, "school")

    assert {file.name for file in tmp_path.iterdir()} == {"other-keys.db", "school-spool.db"}
