"""Units of work on both stores: atomic, and isolated from one another."""

import threading
from collections.abc import Callable

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError

from shared_db.clock import utc_now
from shared_db.columns import Row
from shared_db.connection.database import Database
from shared_db.errors import DatabaseBusy
from shared_db.queries.pagination import Keyset, MalformedCursor
from shared_db.resilience.error_classification import is_unique_violation
from shared_db.results import Outcome
from shared_db.writes.idempotent_insert import content_digest, insert_many_idempotent
from staffstuddash_service.models import (
    AssessmentLog,
    Base,
    PerformanceRecord,
    Student,
    sort_columns,
)
from tests.support.databases import OpenDatabase, engine_on
from tests.support.factories import NOON, days

ById = Keyset("by-id", (Student.id,))


def a_row(id_: str = "s001", name: str = "Ada") -> Row:
    now = utc_now()
    digest = content_digest({"name": name})
    instants = {"created_at": now, "updated_at": now}
    return {"id": id_, "name": name, "digest": digest, **instants, **sort_columns(name, None)}


def a_student(id_: str = "s001", name: str = "Ada") -> Student:
    return Student(**a_row(id_, name))


@pytest.fixture
def database(open_pooled_database: OpenDatabase) -> Database:
    """Give a database that several sessions may use at once."""
    return open_pooled_database(Base.metadata)


def names(database: Database) -> list[str]:
    with database.reading() as session:
        return list(session.scalars(select(Student.name).order_by(Student.id)))


def test_an_error_rolls_everything_back(database: Database) -> None:
    with pytest.raises(RuntimeError), database.unit_of_work() as session:
        session.add(a_student())
        session.flush()
        raise RuntimeError

    assert names(database) == []


def test_uncommitted_rows_are_not_visible_to_others(database: Database) -> None:
    # In memory a reader waits for the writer; on PostgreSQL it sees the earlier state.
    seen: list[list[str]] = []
    reader = threading.Thread(target=lambda: seen.append(names(database)))
    with pytest.raises(RuntimeError), database.unit_of_work() as session:
        session.add(a_student())
        session.flush()
        reader.start()
        raise RuntimeError
    reader.join()

    assert seen == [[]]


def test_a_rolled_back_row_is_not_committed_by_another_session(database: Database) -> None:
    with pytest.raises(RuntimeError), database.unit_of_work() as session:
        session.add(a_student("s001"))
        session.flush()
        raise RuntimeError
    with database.unit_of_work() as session:
        session.add(a_student("s002", "Grace"))

    assert names(database) == ["Grace"]


def test_parallel_read_modify_write_loses_no_update(database: Database) -> None:
    with database.unit_of_work() as session:
        session.add(a_student(name="0"))

    def increment() -> None:
        with database.unit_of_work() as session:
            row = session.get_one(Student, "s001", with_for_update=True)
            row.name = str(int(row.name) + 1)

    threads = [threading.Thread(target=increment) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert names(database) == ["20"]


def test_rows_can_be_used_after_their_unit_of_work(database: Database) -> None:
    with database.unit_of_work() as session:
        row = a_student()
        session.add(row)

    assert (row.id, row.name) == ("s001", "Ada")


def test_callers_outside_can_get_a_plain_session(database: Database) -> None:
    with database.get_session() as session:
        session.add(a_student())
        session.commit()

    assert names(database) == ["Ada"]


def test_an_instant_is_read_as_stored_and_a_naive_one_is_refused(database: Database) -> None:
    with database.unit_of_work() as session:
        session.add(a_student())
        session.flush()
        session.get_one(Student, "s001").updated_at = NOON
    with database.reading() as session:
        assert session.get_one(Student, "s001").updated_at == NOON
    with pytest.raises(Exception, match="time zone"), database.unit_of_work() as session:
        session.get_one(Student, "s001").updated_at = NOON.replace(tzinfo=None)


@pytest.mark.parametrize(
    ("row", "is_unique"),
    [
        (a_student, True),
        (
            lambda: PerformanceRecord(
                student_id="nobody", assessment_count=0, subjects=[], updated_at=NOON
            ),
            False,
        ),
        (
            lambda: AssessmentLog(
                id="a1",
                digest=b"",
                student_id="s001",
                type="exam",
                subject="Math",
                score=11,
                max_score=10,
                timestamp=NOON,
                created_at=NOON,
            ),
            False,
        ),
    ],
    ids=["unique", "foreign key", "check"],
)
def test_unique_violations_are_distinguished_from_other_errors(
    database: Database, row: Callable[[], object], is_unique: bool
) -> None:
    with database.unit_of_work() as session:
        session.add(a_student())

    with pytest.raises(IntegrityError) as refusal, database.unit_of_work() as session:
        session.add(row())

    assert is_unique_violation(refusal.value) is is_unique


class TestIdempotentInserts:
    """Rows inserted under ids that clients choose."""

    def test_each_row_has_its_outcome(self, database: Database) -> None:
        with database.unit_of_work() as session:
            insert_many_idempotent(session, Student, [a_row("known")])
        with database.unit_of_work() as session:
            results = insert_many_idempotent(
                session,
                Student,
                [
                    a_row("new"),
                    a_row("known"),
                    a_row("known", "Grace"),
                    a_row("new"),
                    a_row("new", "X"),
                ],
            )

        assert [result.outcome for result in results] == [
            Outcome.STORED,
            Outcome.REPEATED,
            Outcome.CONFLICT,
            Outcome.REPEATED,
            Outcome.CONFLICT,
        ]
        assert names(database) == ["Ada", "Ada"]

    def test_no_rows_need_no_statement(self, database: Database) -> None:
        with database.unit_of_work() as session:
            assert insert_many_idempotent(session, Student, []) == []

    def test_thousands_of_rows_are_one_call(self, database: Database) -> None:
        rows = [a_row(f"s{n:05}") for n in range(5000)]
        with database.unit_of_work() as session:
            results = insert_many_idempotent(session, Student, rows)

        assert {result.outcome for result in results} == {Outcome.STORED}
        assert len(names(database)) == 5000


class TestKeysets:
    """Pages by keyset."""

    @pytest.fixture
    def database(self, database: Database) -> Database:
        with database.unit_of_work() as session:
            insert_many_idempotent(session, Student, [a_row(f"s{n}") for n in range(5)])
            session.flush()
            for number, row in enumerate(session.scalars(select(Student).order_by(Student.id))):
                row.updated_at = NOON + days(number // 2)
        return database

    def walk(self, database: Database, keyset: Keyset, limit: int) -> list[str]:
        seen: list[str] = []
        after: str | None = None
        for _ in range(10):
            with database.reading() as session:
                page = keyset.page(session, select(Student), after=after, limit=limit)
            seen += [row.id for row in page.items]
            after = page.next
            if after is None:
                return seen
        raise AssertionError("the list does not end")

    @pytest.mark.parametrize("limit", [1, 2, 4, 5, 6])
    def test_every_row_is_listed_once_at_any_limit(self, database: Database, limit: int) -> None:
        assert self.walk(database, ById, limit) == ["s0", "s1", "s2", "s3", "s4"]

    def test_equal_instants_are_ordered_by_id(self, database: Database) -> None:
        latest = Keyset("latest", (Student.updated_at, Student.id), is_descending=True)

        assert self.walk(database, latest, 2) == ["s4", "s3", "s2", "s1", "s0"]

    def test_a_row_added_before_the_cursor_is_not_listed(self, database: Database) -> None:
        with database.reading() as session:
            first = ById.page(session, select(Student), after=None, limit=2)
        with database.unit_of_work() as session:
            insert_many_idempotent(session, Student, [a_row("s00")])
        with database.reading() as session:
            second = ById.page(session, select(Student), after=first.next, limit=2)

        assert [row.id for row in second.items] == ["s2", "s3"]

    def test_a_cursor_of_another_list_is_refused(self, database: Database) -> None:
        with database.reading() as session:
            cursor = ById.page(session, select(Student), after=None, limit=1).next
            with pytest.raises(MalformedCursor):
                Keyset("other", (Student.id,)).page(session, select(Student), after=cursor, limit=1)


class TestPostgresql:
    """Units of work on PostgreSQL only."""

    @pytest.fixture
    def database(self, private_url: str) -> Database:
        return Database.for_bind(engine_on(private_url), statement_timeout_seconds=0.2)

    def test_a_reading_session_cannot_write(self, database: Database) -> None:
        with pytest.raises(DBAPIError, match="read-only"), database.reading() as session:
            session.add(a_student())
            session.flush()

    def test_a_reading_session_leaves_the_next_one_writable(self, postgres: Database) -> None:
        with postgres.reading() as session:
            session.execute(text("SELECT 1"))
        with postgres.unit_of_work() as session:
            session.add(a_student())

        assert names(postgres) == ["Ada"]

    def test_a_slow_statement_is_cancelled(self, database: Database) -> None:
        with pytest.raises(DatabaseBusy, match="STATEMENT_TIMEOUT"), database.reading() as session:
            session.execute(text("SELECT pg_sleep(5)"))

    def test_time_outs_are_limited_to_the_transaction(self, database: Database) -> None:
        query = text("SELECT current_setting('statement_timeout')")
        with database.reading() as session:
            inside = session.scalar(query)
        with database.get_session() as session:
            outside = session.scalar(query)

        assert (inside, outside) == ("200ms", "0")


def test_jit_compilation_is_off(postgres: Database) -> None:
    for unit in (postgres.unit_of_work, postgres.reading):
        with unit() as session:
            assert session.scalar(text("SHOW jit")) == "off"
