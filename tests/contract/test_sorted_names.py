"""Names sorted and found without their accents, on both stores."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text

from shared_db.connection.database import Database
from shared_db.spool.queue import Spool
from shared_db.spool.replay import SpoolReplayer
from staffstuddash_service.datastore import SPOOLABLE_TYPES, DatastoreManager, StudentToStore
from staffstuddash_service.datastore.students import STUDENT
from staffstuddash_service.domain.sort_orders import Order
from staffstuddash_service.migrations import HISTORY
from staffstuddash_service.models import Student
from tests.support.databases import engine_on, run_script
from tests.support.factories import NOON

BEFORE = "20261129_background_work"
# In the order of their keys.
NAMES = [
    "Æbelø", "Dan", "Đặng", "Émile", "emilia", "İpek", "Isik", "Łukasz", "Nguyen", "Nguyễn",
    "Øyvind", "Strauss", "Strauß", "Zoe", "Юлия", "김",
]  # fmt: skip


@pytest.fixture
def school(datastore: DatastoreManager) -> DatastoreManager:
    """Give a school whose ids are in the order of the names."""
    students = [StudentToStore(name, id=f"s{n:02}") for n, name in enumerate(NAMES)]
    datastore.students.add_many(students[::-1])
    return datastore


def names(manager: DatastoreManager, order: Order, limit: int) -> list[str]:
    found: list[str] = []
    after = None
    while True:
        page = manager.teacher_dashboard.search(order=order, after=after, limit=limit)
        found += [row.name for row in page]
        after = page.next
        if after is None:
            return found


@pytest.mark.parametrize("limit", [1, 3, 100])
def test_the_dashboard_is_sorted_without_accents(school: DatastoreManager, limit: int) -> None:
    assert names(school, Order.NAME, limit) == NAMES
    assert names(school, Order.NAME_BACKWARDS, limit) == NAMES[::-1]


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("ipek", ["İpek"]),
        ("İPEK", ["İpek"]),
        ("\u0131s\u0131k", ["Isik"]),
        ("nguyen", ["Nguyen", "Nguyễn"]),
        ("Nguyễn", ["Nguyen", "Nguyễn"]),
        ("emil", ["Émile", "emilia"]),
        ("e\u0301mil", ["Émile", "emilia"]),
        ("lukasz", ["Łukasz"]),
        ("STRAUSS", ["Strauss", "Strauß"]),
        ("dang", ["Đặng"]),
        ("юлия", ["Юлия"]),
        ("김", ["김"]),
        ("%", []),
    ],
)
def test_search_ignores_case_and_accents(
    school: DatastoreManager, search: str, found: list[str]
) -> None:
    assert [student.name for student in school.students.search(search=search)] == found
    rows = school.teacher_dashboard.search(order=Order.NAME, search=search)
    assert [row.name for row in rows] == found


def test_a_changed_name_has_a_new_place(school: DatastoreManager) -> None:
    school.students.update("s13", {"name": "Ábel"}, actor="office")

    assert names(school, Order.NAME, 100)[0] == "Ábel"
    assert [student.id for student in school.students.search(search="abel")] == ["s13"]


def test_a_row_of_an_earlier_release_gets_its_key_at_replay(
    datastore: DatastoreManager, tmp_path: Path
) -> None:
    entry = STUDENT.entry(StudentToStore("Émile", id="s1", accepted_at=NOON))
    payload = {"name": "Émile", "id": "s1", "accepted_at": NOON.isoformat(), "email": None}
    spool = Spool(tmp_path / "spool.db")
    spool.append([replace(entry, payload=json.dumps(payload))])

    SpoolReplayer(datastore.database, spool, datastore, SPOOLABLE_TYPES).replay_all()
    spool.close()

    with datastore.database.reading() as session:
        assert session.scalars(select(Student.sort_key)).all() == ["emile"]


class TestMigration:
    """Migration of students of an earlier release."""

    @pytest.fixture
    def engine(self, empty_url: str) -> Engine:
        engine = engine_on(empty_url)
        HISTORY.upgrade(engine, BEFORE)
        with engine.begin() as connection:
            for number, name in enumerate(NAMES):
                connection.execute(
                    text(
                        "INSERT INTO staffstuddash.students (id, name, email, created_at,"
                        " updated_at, digest, sort_name, search_text) VALUES (:id, :name, :email,"
                        " now(), now(), '\\x00', left(lower(:name), 100), lower(:name))"
                    ),
                    {"id": f"s{number:02}", "name": name, "email": f"É{number}@B"},
                )
        return engine

    def keys(self, engine: Engine) -> list[tuple[str, str]]:
        query = text("SELECT sort_key, search_text FROM staffstuddash.students ORDER BY id")
        with engine.connect() as connection:
            return [(row[0], row[1]) for row in connection.execute(query)]

    def test_existing_names_get_the_keys_of_new_ones(self, engine: Engine) -> None:
        HISTORY.upgrade(engine)

        stored = self.keys(engine)
        manager = DatastoreManager(Database.for_bind(engine))
        for number, name in enumerate(NAMES):
            new = manager.add_student(f"t{number:02}", name, f"É{number}@B")
            assert stored[number] == (new.sort_key, new.search_text)

    def test_batches_follow_one_another(self, engine: Engine) -> None:
        with engine.begin() as connection:
            connection.execute(
                text(
                    "INSERT INTO staffstuddash.students (id, name, created_at, updated_at, digest,"
                    " sort_name, search_text) SELECT 't' || n, 'É' || n, now(), now(), '\\x00', '',"
                    " '' FROM generate_series(1, 11000) n"
                )
            )
        HISTORY.upgrade(engine)

        found = dict(self.keys(engine)).keys()
        assert found >= {f"e{number}" for number in range(1, 11001)}

    def test_an_interrupted_run_is_continued(self, engine: Engine) -> None:
        with engine.begin() as connection:
            connection.execute(
                text(
                    'ALTER TABLE staffstuddash.students ADD sort_key varchar(100) COLLATE "C";'
                    "UPDATE staffstuddash.students SET sort_key = 'emile' WHERE name = 'Émile';"
                    "CREATE INDEX ix_students_sort_key_id ON staffstuddash.students (sort_key)"
                )
            )
        HISTORY.upgrade(engine)

        assert len(self.keys(engine)) == len(NAMES)
        assert None not in dict(self.keys(engine))

    def test_the_printed_sql_gives_latin_names_the_same_keys(self, engine: Engine) -> None:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            run_script(connection, HISTORY.sql(BEFORE))
        printed = self.keys(engine)
        HISTORY.downgrade(engine, BEFORE)
        HISTORY.upgrade(engine)

        assert printed == self.keys(engine)
