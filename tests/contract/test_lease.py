"""Migration lease: one process migrates at a time; a dead one does not block others for ever."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from shared_db.provisioning.migration_lease import (
    Lease,
    LockTimeout,
    MigrationInProgress,
    held_lease,
)
from tests.e2e.processes import wait_until
from tests.support.databases import engine_on, waits_for_a_lock
from tests.support.grades import HISTORY

FIRST, SECOND, THIRD = "20260101_grades", "20260102_weights", "20260103_unique"


@pytest.fixture
def engine(private_url: str) -> Engine:
    """Return an engine on a database with the lease's table."""
    return engine_on(private_url)


def short_wait(engine: Engine) -> None:
    with held_lease(engine, wait_seconds=0.1):
        pass


def is_taken(engine: Engine) -> bool:
    with engine.connect() as connection:
        return bool(connection.scalar(text("SELECT count(*) FROM migrations.lease")))


def expire_leases(engine: Engine) -> None:
    """Make all leases expire, as time would."""
    with engine.begin() as connection:
        query = "UPDATE migrations.lease SET expires_at = expires_at - interval '1 day'"
        connection.execute(text(query))


def test_the_lease_is_released_after_an_error(engine: Engine) -> None:
    with pytest.raises(RuntimeError), held_lease(engine):
        assert is_taken(engine)
        raise RuntimeError

    assert not is_taken(engine)


def test_a_second_process_waits_for_the_lease(engine: Engine) -> None:
    order = []

    def second() -> None:
        with held_lease(engine):
            order.append("second")

    with held_lease(engine):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.5)
        order.append("first")
    thread.join()

    assert order == ["first", "second"]


def test_the_refusal_names_the_holder(engine: Engine) -> None:
    with held_lease(engine) as lease, pytest.raises(MigrationInProgress) as refusal:
        short_wait(engine)

    assert lease.holder in str(refusal.value)


def test_the_lease_of_a_dead_holder_expires(engine: Engine) -> None:
    assert Lease(engine, "dead").take()
    assert not Lease(engine, "next").take()
    expire_leases(engine)

    with held_lease(engine, wait_seconds=0.1) as lease:
        assert is_taken(engine)
        assert lease.holder != "dead"


def test_a_live_holder_renews_the_lease(engine: Engine) -> None:
    with held_lease(engine, seconds=0.9):
        for _ in range(4):
            expire_leases(engine)
            renewed = threading.Event()
            renewed.wait(0.5)
        with pytest.raises(MigrationInProgress):
            short_wait(engine)


def test_a_slow_holder_is_not_overtaken_within_a_migration(engine: Engine) -> None:
    slow, other = Lease(engine, "slow"), Lease(engine, "other")
    assert slow.take()
    with slow.transaction():
        expire_leases(engine)
        overtaken_within = other.take()
    overtaken_after = other.take()

    assert (overtaken_within, overtaken_after) == (False, True)


def test_an_overtaken_holder_cannot_migrate(engine: Engine) -> None:
    slow = Lease(engine, "slow")
    assert slow.take()
    expire_leases(engine)
    with held_lease(engine), pytest.raises(MigrationInProgress, match="lost"):
        HISTORY.upgrade_under(slow)


def test_a_lease_that_cannot_be_released_expires(
    engine: Engine, caplog: pytest.LogCaptureFixture
) -> None:
    with held_lease(engine) as lease:
        with engine.begin() as connection:
            connection.execute(text("ALTER TABLE migrations.lease RENAME TO gone"))
        lease.renew()

    assert "could not be renewed" in caplog.text
    assert "will run out" in caplog.text


def test_two_processes_in_a_new_database_do_not_collide(empty_url: str) -> None:
    engine, held = engine_on(empty_url), []

    def hold() -> None:
        with held_lease(engine):
            held.append(1)

    threads = [threading.Thread(target=hold) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(held) == 6


class TestLocks:
    """Lock time-out of a migration: every request would wait behind a waiting migration."""

    @pytest.fixture
    def engine(self, empty_url: str) -> Engine:
        engine = engine_on(empty_url)
        HISTORY.upgrade(engine, FIRST)
        return engine

    def test_a_migration_of_a_table_in_use_gives_up_and_changes_nothing(
        self, engine: Engine
    ) -> None:
        with engine.connect() as reader:
            reader.execute(text("SELECT * FROM grades.grades"))
            refused = pytest.raises(LockTimeout, match=r"not given within 0\.1 seconds")
            with held_lease(engine, lock_timeout_seconds=0.1) as lease, refused:
                HISTORY.upgrade_under(lease)
        with engine.connect() as connection:
            revision_then = HISTORY.current(connection)
        HISTORY.upgrade(engine)
        with engine.connect() as connection:
            revision_now = HISTORY.current(connection)

        assert (revision_then, revision_now) == (FIRST, THIRD)

    def test_the_limit_ends_with_the_migration(self, engine: Engine) -> None:
        HISTORY.upgrade(engine)
        with engine.connect() as connection:
            assert connection.scalar(text("SHOW lock_timeout")) == "0"


class TestOutsideTransactions:
    """Migrations with steps outside a transaction, such as CREATE INDEX CONCURRENTLY."""

    @pytest.fixture
    def engine(self, empty_url: str) -> Engine:
        engine = engine_on(empty_url)
        HISTORY.upgrade(engine, SECOND)
        return engine

    def test_an_index_is_created_concurrently(self, engine: Engine) -> None:
        HISTORY.upgrade(engine)

        assert state(engine) == (THIRD, True)
        assert not is_taken(engine)

    def test_the_next_run_continues_after_a_crash(self, engine: Engine) -> None:
        with engine.begin() as connection:
            connection.execute(text("INSERT INTO grades.grades VALUES (1), (1)"))
        with pytest.raises(IntegrityError):
            HISTORY.upgrade(engine)
        after_crash = state(engine)
        with engine.begin() as connection:
            connection.execute(text("DELETE FROM grades.grades"))
        HISTORY.upgrade(engine)

        assert after_crash == (SECOND, False)
        assert state(engine) == (THIRD, True)

    def test_an_overtaken_holder_does_not_continue(self, engine: Engine) -> None:
        slow = Lease(engine, "slow")
        assert slow.take()
        with ThreadPoolExecutor(1) as pool, engine.connect() as writer:
            writer.execute(text("INSERT INTO grades.grades VALUES (1)"))
            migrating = pool.submit(HISTORY.upgrade_under, slow)
            # It waits for the writer: CONCURRENTLY waits for all transactions on the table.
            assert wait_until(lambda: waits_for_a_lock(engine))
            expire_leases(engine)
            overtaken = Lease(engine, "other").take()
            writer.commit()
            with pytest.raises(MigrationInProgress, match="lost"):
                migrating.result()

        assert overtaken
        assert state(engine) == (SECOND, True)


def state(engine: Engine) -> tuple[str | None, bool | None]:
    """Return the revision, and True if the index is valid; None if it does not exist."""
    query = (
        "SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('grades.ix_grades_mark')"
    )
    with engine.connect() as connection:
        return HISTORY.current(connection), connection.scalar(text(query))
