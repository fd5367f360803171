"""Erasure of a student: only a tombstone stays, also with concurrent writers."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

import pytest
from sqlalchemy import text

from shared_db.connection.database import Database
from shared_db.errors import ServiceError
from shared_db.pseudonyms import pseudonym_of
from staffstuddash_service.datastore import AssessmentToStore, DatastoreManager, StudentToStore
from staffstuddash_service.datastore.erasure import erase_rows
from staffstuddash_service.errors import StudentErased, StudentNotFound
from staffstuddash_service.models import Base
from tests.e2e.processes import wait_until
from tests.support.databases import OpenDatabase, engine_on, waits_for_a_lock
from tests.support.dumps import dump
from tests.support.factories import NOON
from tests.support.merging import NO_ROSTER

ID, NAME, EMAIL = "xanthippe-1", "Xanthippe Marked", "marked@school.example"
FORMER_ID = "former-xanthippe"


@pytest.fixture
def own(open_own_database: OpenDatabase) -> DatastoreManager:
    """Give a manager on a database of the test's own."""
    return DatastoreManager(open_own_database(Base.metadata))


def fill(manager: DatastoreManager) -> None:
    """Insert rows of a student into every table."""
    manager.add_student(ID, NAME, EMAIL)
    manager.add_student("s2", "Grace", "grace@school.example")
    for student_id in (ID, "s2"):
        manager.add_assessment(student_id, "quiz", "Math", 80, topic="sets")
        for content in (f"I am {student_id}.", f"I am {student_id} again."):
            manager.add_draft(student_id, "essay", content)
        manager.actions.add(student_id, "teacher", "call", data={"about": student_id})
    manager.students.update(ID, {"name": NAME + "2"}, actor="office")
    manager.add_student(FORMER_ID, NAME)
    manager.merging.merge(FORMER_ID, ID, actor="office")


def test_a_dump_has_neither_name_nor_email_nor_id(own: DatastoreManager) -> None:
    fill(own)
    before = dump(own.database)

    removed = own.students.erase(ID)

    after = dump(own.database)
    for mark in (ID, "Xanthippe", "xanthippe", EMAIL):
        assert mark in before
        assert mark not in after
    assert "Grace" in after
    assert removed == {
        "students": 1,
        "drafts": 2,
        "assessment_logs": 1,
        "concept_standings": 1,
        "performance_records": 1,
        "aliases": 1,
        "action_logs": 3,
        "mails": 0,
        **NO_ROSTER,
    }


def test_erasing_again_changes_nothing(own: DatastoreManager) -> None:
    fill(own)
    own.students.erase(ID)
    before = dump(own.database)

    assert set(own.students.erase(ID).values()) == {0}
    assert dump(own.database) == before


def test_actions_stay_under_a_pseudonym(datastore: DatastoreManager) -> None:
    fill(datastore)
    datastore.students.erase(ID, actor="office")

    actions = datastore.actions.search().items
    of_erased = [a for a in actions if a.student_id == pseudonym_of(ID)]

    assert {(a.action, a.actor) for a in of_erased} == {
        ("call", "teacher"),
        ("student.changed", "office"),
        ("student.merged", "office"),
        ("student.erased", "office"),
    }
    assert {a.data for a in of_erased if a.action != "call"} == {None}
    assert [a.data for a in of_erased if a.action == "call"] == [None]


def test_the_id_is_gone_for_good(datastore: DatastoreManager) -> None:
    fill(datastore)
    datastore.students.erase(ID)
    attempts: list[Callable[[], object]] = [
        lambda: datastore.add_student(ID, NAME, EMAIL),
        lambda: datastore.get_student(ID),
        lambda: datastore.students.update(ID, {"name": "x"}, actor="a"),
        lambda: datastore.add_assessment(ID, "quiz", "Math", 1),
        lambda: datastore.add_draft(ID, "essay", "text"),
        lambda: datastore.actions.add(ID, "teacher", "call"),
        lambda: datastore.get_performance_record(ID),
        lambda: datastore.drafts.search_by_student(ID),
        lambda: datastore.actions.search_by_student(ID),
        lambda: datastore.assessments.search_by_student(ID),
        lambda: datastore.student_dashboard.get(ID),
    ]

    for attempt in attempts:
        with pytest.raises(StudentErased):
            attempt()
    results = datastore.students.add_many([StudentToStore(NAME, EMAIL, ID), StudentToStore("New")])
    assert [type(r.refusal) for r in results] == [StudentErased, type(None)]
    [result] = datastore.assessments.add_many([AssessmentToStore(ID, "quiz", "Math", 1)])
    assert isinstance(result.refusal, StudentErased)
    assert ID not in dump(datastore.database)


def test_an_unknown_id_can_be_erased(datastore: DatastoreManager) -> None:
    assert set(datastore.students.erase("unheard").values()) == {0}
    with pytest.raises(StudentErased):
        datastore.add_student("unheard", "Ada")


def test_deleting_an_unknown_student_leaves_no_tombstone(datastore: DatastoreManager) -> None:
    with pytest.raises(StudentNotFound):
        datastore.students.delete("nobody", actor="office")
    assert not datastore.add_student("nobody", "Ada").is_replay


def test_deleting_again_is_a_replay(datastore: DatastoreManager) -> None:
    fill(datastore)
    first, is_first_replay = datastore.students.delete(ID, actor="office")
    again, is_replay = datastore.students.delete(ID, actor="office")

    assert (first["students"], is_first_replay) == (1, False)
    assert (again["students"], is_replay) == (0, True)


def test_concurrent_writers_leave_no_rows_of_an_erased_student(own: DatastoreManager) -> None:
    """Each writer commits before the erasure, or is refused."""
    own.add_student(ID, NAME, EMAIL)

    def write(number: int) -> str:
        try:
            match number % 5:
                case 0:
                    own.add_student(ID, NAME, EMAIL)
                case 1:
                    own.add_assessment(ID, "quiz", "Math", 50, timestamp=NOON)
                case 2:
                    own.add_draft(ID, "essay", f"{NAME} {number}", timestamp=NOON)
                case 3:
                    own.actions.add(ID, "teacher", "call", data={"about": NAME})
                case _:
                    own.students.add_many([StudentToStore(NAME, EMAIL, ID)])
            if number == 12:
                own.students.erase(ID)
        except ServiceError as refusal:
            return type(refusal).__name__
        return "done"

    with ThreadPoolExecutor(8) as pool:
        outcomes = set(pool.map(write, range(40)))

    assert outcomes <= {"done", "StudentErased"}
    text_of_all = dump(own.database)
    assert ID not in text_of_all
    assert "Xanthippe" not in text_of_all


def test_a_student_added_beside_an_erasure_is_refused(private_url: str) -> None:
    engine = engine_on(private_url)
    own = DatastoreManager(Database.for_bind(engine))
    own.add_student(ID, NAME, EMAIL)

    with ThreadPoolExecutor(1) as pool:
        with own.database.unit_of_work() as session:
            erase_rows(session, ID, "office", is_memory=False)
            added = pool.submit(own.add_student, ID, NAME, EMAIL)
            assert wait_until(lambda: waits_for_a_lock(engine))
        with pytest.raises(StudentErased):
            added.result()

    assert ID not in dump(own.database)


def test_one_of_many_concurrent_deletions_is_not_a_replay(own: DatastoreManager) -> None:
    own.add_student(ID, NAME, EMAIL)

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: own.students.delete(ID, actor="office"), range(16)))

    assert [is_replay for _, is_replay in answers].count(False) == 1
    assert sum(removed["students"] for removed, _ in answers) == 1


def test_a_student_inserted_and_erased_at_once_is_erased(own: DatastoreManager) -> None:
    """The order of the two does not matter."""

    def act(number: int) -> None:
        if number % 2:
            own.students.erase(f"new{number // 2}")
        else:
            with suppress(StudentErased):
                own.add_student(f"new{number // 2}", NAME, EMAIL)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(act, range(40)))

    assert "Xanthippe" not in dump(own.database)
    for number in range(20):
        with pytest.raises(StudentErased):
            own.get_student(f"new{number}")


def test_the_tombstone_is_published(postgres: Database) -> None:
    DatastoreManager(postgres).students.erase(ID)

    with postgres.reading() as session:
        rows = session.execute(text("SELECT * FROM staffstuddash.published_deletions")).mappings()
        [row] = rows.all()

    assert set(row) == {"pseudonym", "deleted_at"}
    assert row["pseudonym"] == pseudonym_of(ID)
