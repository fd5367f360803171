"""Chains of reads on PostgreSQL: their check finds tampering, and each row is stored once."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from shared_db.audit.file import AuditFile
from shared_db.audit.rows import Chain, ChainedRead, Read
from shared_db.audit.storing import ReadStore
from shared_db.audit.verification import AuditReport, verify_reads
from shared_db.clock import utc_now
from shared_db.connection.database import Database
from shared_db.connection.roles import role_name
from shared_db.spool.file import SpoolUnavailable
from staffstuddash_service.datastore import DatastoreManager
from tests.support.databases import service_database
from tests.support.server import role_prefix
from tests.support.services import PARTS

METADATA = PARTS["staffstuddash"].metadata
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def a_read(*student_ids: str, caller: str = "t1", at: datetime = NOON) -> Read:
    """Return a read of these students by a teacher."""
    return Read(at, caller, True, "/api/v1/students", student_ids, roles=("teacher",))


def chained(reads: Sequence[Read]) -> list[ChainedRead]:
    """Return the reads as a chain of a new process."""
    return Chain("staffstuddash").extend(reads)


@pytest.fixture
def connection(migrated_engine: Any) -> Iterator[Connection]:
    """Give a connection; its changes are rolled back."""
    with migrated_engine.connect() as connection, connection.begin() as transaction:
        yield connection
        transaction.rollback()


@pytest.fixture
def datastore(connection: Connection) -> DatastoreManager:
    """Give a manager with three students."""
    manager = DatastoreManager(service_database(connection, METADATA))
    for number in range(1, 4):
        manager.add_student(f"s00{number}", "Name")
    return manager


@pytest.fixture
def store(datastore: DatastoreManager) -> ReadStore:
    """Give the store, with two chains of the first day and one of the next."""
    store = ReadStore(datastore.database, METADATA)
    store.add(chained([a_read(f"s00{number}") for number in (1, 2, 3)]))
    store.add(chained([a_read("s001", "s002"), a_read("s003")]))
    store.add(chained([a_read("s001", at=NOON + timedelta(days=1))]))
    return store


def check(connection: Connection, **options: Any) -> AuditReport:
    """Return the outcome of the check by the owner of the tables."""
    connection.execute(text("SET LOCAL ROLE none"))
    return verify_reads(connection, "staffstuddash", **options)


@pytest.mark.usefixtures("store")
def test_untouched_chains_hold(connection: Connection) -> None:
    report = check(connection)

    assert report.faults == []
    assert sorted(chain.rows for chain in report.chains) == [1, 2, 3]
    assert report.rows == 6


@pytest.mark.usefixtures("store")
def test_the_chains_of_one_day_are_checked(connection: Connection) -> None:
    tamper(connection, "UPDATE staffstuddash.reads SET caller = 'x' WHERE chain LIKE '2026-03-03%'")

    assert check(connection, day=NOON.date()).faults == []
    assert len(check(connection, day=NOON.date()).chains) == 2
    assert len(check(connection, day=NOON.date() + timedelta(days=1)).faults) == 1


OF_THREE = "chain = (SELECT chain FROM staffstuddash.reads WHERE number = 3)"
TAMPERINGS = {
    "a changed caller": (
        f"UPDATE staffstuddash.reads SET caller = 'x' WHERE number = 2 AND {OF_THREE}",
        "row 2: it was changed.",
    ),
    "a changed instant": (
        (
            "UPDATE staffstuddash.reads SET read_at = read_at + interval '1 microsecond'"
            f" WHERE number = 1 AND {OF_THREE}"
        ),
        "row 1: it was changed.",
    ),
    "a removed token": (
        f"UPDATE staffstuddash.reads SET tokens = '[]' WHERE number = 3 AND {OF_THREE}",
        "row 3: it was changed.",
    ),
    "a changed row with a digest that was computed again": (
        f"UPDATE staffstuddash.reads SET digest = repeat('0', 64) WHERE number = 1 AND {OF_THREE}",
        "row 2: it does not follow the row before it.",
    ),
    "a missing row": (
        f"DELETE FROM staffstuddash.reads WHERE number = 2 AND {OF_THREE}",
        "row 3: missing before it: 2.",
    ),
    "a missing first row": (
        f"DELETE FROM staffstuddash.reads WHERE number = 1 AND {OF_THREE}",
        "row 2: missing before it: 1.",
    ),
    "rows out of order": (
        f"UPDATE staffstuddash.reads SET number = 9 - number WHERE number > 1 AND {OF_THREE}",
        "row 6: missing before it: 2 to 5.",
    ),
    "a removed end whose students stay": (
        f"DELETE FROM staffstuddash.reads WHERE number = 3 AND {OF_THREE}",
        "row 3: it is missing, but one of its students is stored.",
    ),
    "an exchanged student": (
        (
            "UPDATE staffstuddash.read_subjects SET student_id = 's002', read_as = 's002'"
            " WHERE number = 3"
        ),
        "row 3: a student was exchanged.",
    ),
    "a student of another id": (
        "UPDATE staffstuddash.read_subjects SET student_id = 's002' WHERE number = 3",
        "row 3: a student was moved to another id without a merge.",
    ),
    "an invented student": (
        (
            "INSERT INTO staffstuddash.read_subjects (token, salt, read_at, chain, number, read_as,"
            " student_id) SELECT repeat('a', 32), salt, read_at, chain, number, read_as, student_id"
            " FROM staffstuddash.read_subjects WHERE number = 3"
        ),
        "row 3: a student is stored who is not among those read.",
    ),
}


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize(("change", "fault"), TAMPERINGS.values(), ids=TAMPERINGS)
def test_tampering_is_found(connection: Connection, change: str, fault: str) -> None:
    tamper(connection, change)
    faults = check(connection).faults

    assert [one for one in faults if one.endswith(fault)] != [], faults


def tamper(connection: Connection, statement: str) -> None:
    """Change rows as the owner of the tables."""
    connection.execute(text("SET LOCAL ROLE none"))
    assert connection.execute(text(statement)).rowcount > 0


@pytest.mark.parametrize("change", ["UPDATE {} SET route = 'x'", "DELETE FROM {}"])
@pytest.mark.usefixtures("store")
def test_a_service_cannot_change_reads(connection: Connection, change: str) -> None:
    connection.execute(text(f"SET LOCAL ROLE {role_name(role_prefix(), 'staffstuddash')}"))

    with pytest.raises(DBAPIError, match="permission denied"), connection.begin_nested():
        connection.execute(text(change.format("staffstuddash.reads")))


def test_erasures_and_merges_keep_the_chains(
    connection: Connection, datastore: DatastoreManager, store: ReadStore
) -> None:
    del store
    datastore.students.delete("s001", actor="office")
    datastore.merging.merge("s002", "s003")
    report = check(connection)
    left = connection.execute(text("SELECT DISTINCT student_id FROM staffstuddash.read_subjects"))

    assert (report.faults, report.rows) == ([], 6)
    assert left.scalars().all() == ["s003"]


@pytest.mark.usefixtures("store")
def test_old_chains_are_deleted_as_a_whole_unless_a_student_is_held(
    connection: Connection, datastore: DatastoreManager
) -> None:
    owner = DatastoreManager(Database.for_bind(connection, role="none"))
    days = (utc_now().date() - NOON.date()).days - 1  # the first day is over, the next one not
    datastore.holds.put("s002", "a claim", actor="office")

    accounts = owner.read_retention.account(days)
    assert [(one.due, one.held) for one in accounts] == [(0, 5), (0, 6)]
    assert owner.read_retention.run(days) == {"reads": 0, "read_subjects": 0}

    datastore.holds.lift("s002", actor="office")
    [reads, subjects] = owner.read_retention.account(days)
    assert (reads.due, reads.held, subjects.due, subjects.held) == (5, 0, 6, 0)
    with pytest.raises(DBAPIError, match="permission denied"):
        datastore.read_retention.run(days)
    assert owner.read_retention.run(days) == {"reads": 5, "read_subjects": 6}

    report = check(connection)
    assert (report.faults, [chain.rows for chain in report.chains]) == ([], [1])
    assert [one.due for one in owner.read_retention.account(None)] == [0, 0]


def test_reads_that_are_moved_twice_are_stored_once(
    connection: Connection, store: ReadStore
) -> None:
    reads = chained([a_read("s001"), a_read("s001", "s003")])
    store.add(reads)
    store.add(reads)

    assert check(connection).rows == 8
    assert check(connection).faults == []


def test_waiting_reads_survive_the_end_of_the_process(
    connection: Connection, store: ReadStore, tmp_path: Path
) -> None:
    file = AuditFile.of_service(tmp_path, "staffstuddash", 2**20)
    reads = chained([a_read("s001") for _ in range(300)])
    file.append(reads)
    file.close()
    store.add(reads[:200])  # a process died between the commit and the removal
    again = AuditFile.of_service(tmp_path, "staffstuddash", 2**20)

    assert again.waiting() == 300
    assert (store.move(again), again.waiting()) == (300, 0)
    assert check(connection).rows == 306
    assert check(connection).faults == []
    again.close()
    contents = b"".join(file.read_bytes() for file in tmp_path.glob("*.db*"))
    assert b"s001" not in contents


def test_a_read_of_an_erased_student_is_stored_without_them(
    connection: Connection, datastore: DatastoreManager, store: ReadStore
) -> None:
    reads = chained([a_read("s001", "s002")])
    datastore.students.delete("s001", actor="office")
    store.add(reads)
    query = "SELECT student_id FROM staffstuddash.read_subjects WHERE chain = :chain"
    left = connection.execute(text(query), {"chain": reads[0].row["chain"]}).scalars().all()

    assert left == ["s002"]
    assert check(connection).faults == []


def test_a_failed_write_ends_the_chain() -> None:
    chain = Chain("staffstuddash")
    [first, _lost] = chain.extend([a_read("s001"), a_read("s002")])
    chain.end()
    [after] = chain.extend([a_read("s003")])

    assert after.row["number"] == 1
    assert after.row["chain"] != first.row["chain"]


def test_a_damaged_file_is_set_aside_and_a_new_one_begins(tmp_path: Path) -> None:
    path = tmp_path / "staffstuddash-audit.db"
    path.write_bytes(b"no database" * 100)
    file = AuditFile(path, 2**20)
    file.open()
    file.append(chained([a_read("s001")]))

    assert file.waiting() == 1
    assert [each.name for each in file.damaged_files()] == ["staffstuddash-audit.db.damaged-1"]
    file.close()


def test_a_full_file_takes_all_reads_of_a_commit_or_none(tmp_path: Path) -> None:
    file = AuditFile.of_service(tmp_path, "staffstuddash", 2**20)
    file.append(chained([a_read("s001")]))

    with pytest.raises(SpoolUnavailable, match="cannot be written"):
        file.append(chained([a_read("s001") for _ in range(5000)]))
    assert file.waiting() == 1
    file.append(chained([a_read("s002")]))
    assert file.waiting() == 2
    file.close()
