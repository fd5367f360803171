"""A row that PostgreSQL does not take holds up its student, nobody else, and not for ever."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from shared_db.connection.database import Database
from shared_db.errors import Overloaded
from shared_db.spool.queue import Spool
from shared_db.spool.replay import SpoolReplayer
from shared_db.spool.retry import EXHAUSTED_SECONDS
from shared_db.spool.writes import SpoolableType, one_by_one
from shared_web.auth.keys import KeyManager, Scope
from staffstuddash_service.datastore import (
    SPOOLABLE_TYPES,
    AssessmentToStore,
    DatastoreManager,
    StudentToStore,
)
from staffstuddash_service.datastore.assessments import ASSESSMENT
from staffstuddash_service.datastore.concepts import CONCEPT, ConceptToStore
from staffstuddash_service.datastore.students import STUDENT
from staffstuddash_service.models import ConceptModule
from tests.e2e.processes import wait_until
from tests.support.databases import engine_on
from tests.support.factories import NOON, an_assessment
from tests.support.outage import spool_in, spooling

# As a school's own trigger may: what it raises, and about which rows.
TRIGGER = """
CREATE FUNCTION staffstuddash.object() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'not this one' USING ERRCODE = '{code}'; END $$;
CREATE TRIGGER object BEFORE INSERT ON staffstuddash.{table}
FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION staffstuddash.object();
"""
IS_BAD = "starts_with(NEW.id, 'bad')"


class Clock:
    """Seconds that go forward only when a test says so."""

    seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    """Give an empty spool, closed after the test."""
    spool = Spool(tmp_path / "spool.db")
    yield spool
    spool.close()


@pytest.fixture
def datastore(postgres: Database, spool: Spool) -> DatastoreManager:
    """Give a manager that would spool; `s1` and `s2` are known."""
    datastore = DatastoreManager(postgres)
    for id_ in ("s1", "s2"):
        datastore.add_student(id_, "Name")
    postgres.use_spool(spool)
    return datastore


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def giver(datastore: DatastoreManager, spool: Spool, clock: Clock) -> SpoolReplayer:
    return SpoolReplayer(datastore.database, spool, datastore, SPOOLABLE_TYPES, now=clock)


def object_to(database: Database, code: str, condition: str = IS_BAD) -> None:
    with database.unit_of_work() as session:
        trigger = TRIGGER.format(code=code, condition=condition, table="assessment_logs")
        session.connection().exec_driver_sql(trigger)


def give_for(giver: SpoolReplayer, clock: Clock, seconds: int) -> int:
    """Give back every half minute; return how many rows."""
    end = clock.seconds + seconds
    given = giver.give()
    while clock.seconds < end:
        clock.seconds += 30
        given += giver.give()
    return given


def accept_marks(spool: Spool, **student_of: str) -> None:
    marks = (
        AssessmentToStore(student, "quiz", "Math", 50, id=id_, accepted_at=NOON)
        for id_, student in student_of.items()
    )
    spool.accept([ASSESSMENT.entry(mark) for mark in marks])


def waiting(spool: Spool) -> list[str]:
    return [entry.id for entry in spool.oldest(100)]


@pytest.mark.parametrize("code", ["P0001", "ZX123", "42501"])
def test_a_row_that_alone_is_not_taken_is_refused_in_the_end(
    datastore: DatastoreManager, giver: SpoolReplayer, spool: Spool, clock: Clock, code: str
) -> None:
    object_to(datastore.database, code)
    accept_marks(spool, before="s1", bad="s1", behind="s1", other="s2")

    first = giver.give()
    held = waiting(spool)
    give_for(giver, clock, EXHAUSTED_SECONDS)

    assert (first, held) == (2, ["bad", "behind"])
    [refused] = spool.every()
    assert (refused.id, refused.problem) == (
        "bad",
        f"The database refuses it while it takes others: SQLSTATE {code}",
    )
    assert refused.attempts > 5
    assert datastore.get_performance_record("s1").assessment_count == 2


def test_what_was_refused_so_can_be_retried(
    datastore: DatastoreManager, giver: SpoolReplayer, spool: Spool, clock: Clock
) -> None:
    object_to(datastore.database, "P0001")
    accept_marks(spool, bad="s1", other="s2")
    give_for(giver, clock, EXHAUSTED_SECONDS)
    with datastore.database.unit_of_work() as session:
        session.execute(text("DROP TRIGGER object ON staffstuddash.assessment_logs"))
    spool.retry(["bad"])

    assert giver.give() == 1
    assert spool.every() == []


@pytest.mark.parametrize("code", ["40001", "55000", "57014", "XX001"])
def test_a_row_in_whose_way_the_server_is_waits_as_long_as_it_takes(
    datastore: DatastoreManager, giver: SpoolReplayer, spool: Spool, clock: Clock, code: str
) -> None:
    object_to(datastore.database, code)
    accept_marks(spool, before="s1", bad="s1", behind="s1", other="s2")

    given = give_for(giver, clock, 2 * EXHAUSTED_SECONDS)

    assert given == 2
    assert [(entry.id, entry.problem) for entry in spool.every()] == [
        ("bad", None),
        ("behind", None),
    ]


def test_without_others_that_are_stored_nothing_is_refused(
    datastore: DatastoreManager, giver: SpoolReplayer, spool: Spool, clock: Clock
) -> None:
    object_to(datastore.database, "P0001")
    accept_marks(spool, bad="s1")
    give_for(giver, clock, 2 * EXHAUSTED_SECONDS)
    alone = waiting(spool)
    # Past the spool, because nothing of that student waits.
    datastore.add_assessment("s2", "quiz", "Math", 50, assessment_id="direct")
    give_for(giver, clock, 60)

    assert alone == ["bad"]
    assert [entry.id for entry in spool.every(refused_only=True)] == ["bad"]


def test_a_kind_that_cannot_be_stored_holds_up_no_other_and_is_not_refused(
    datastore: DatastoreManager, giver: SpoolReplayer, spool: Spool, clock: Clock
) -> None:
    object_to(datastore.database, "42501", "true")
    accept_marks(spool, **{f"m{number}": f"s{number % 2 + 1}" for number in range(20)})
    spool.accept([CONCEPT.entry(ConceptToStore("sums", "Math", 2, id="c", accepted_at=NOON))])
    for student in ("s1", "new"):
        spool.accept([STUDENT.entry(StudentToStore("Name", id=student, accepted_at=NOON))])

    given = give_for(giver, clock, 2 * EXHAUSTED_SECONDS)

    assert given == 2
    assert waiting(spool) == [*(f"m{number}" for number in range(20)), "s1"]
    assert [concept.id for concept in datastore.get_concepts().items] == ["c"]
    with datastore.database.unit_of_work() as session:
        session.execute(text("DROP TRIGGER object ON staffstuddash.assessment_logs"))
    clock.seconds += 30
    assert giver.give() == 21


def test_a_row_that_is_tried_again_does_not_keep_others_waiting(
    datastore: DatastoreManager, giver: SpoolReplayer, spool: Spool, clock: Clock
) -> None:
    object_to(datastore.database, "55P03")
    accept_marks(spool, bad="s1")
    giver.give()
    clock.seconds += 30
    accept_marks(spool, **{f"m{number}": "s2" for number in range(6)})

    assert giver.give() == 6
    assert waiting(spool) == ["bad"]


def test_many_rows_that_are_not_taken_do_not_hide_one_that_is(
    datastore: DatastoreManager, giver: SpoolReplayer, spool: Spool, clock: Clock
) -> None:
    datastore.add_students([StudentToStore("Name", id=f"t{number}") for number in range(20)])
    object_to(datastore.database, "P0001")
    accept_marks(spool, **{f"bad{number}": f"t{number}" for number in range(20)}, good="s1")

    give_for(giver, clock, EXHAUSTED_SECONDS)

    assert datastore.get_performance_record("s1").assessment_count == 1


def test_too_much_to_do_here_is_no_rows_fault(postgres: Database, spool: Spool) -> None:
    def refuse(_manager: object, _concept: ConceptToStore) -> ConceptModule:
        raise Overloaded("No thread is left.")

    kind = SpoolableType(
        CONCEPT.name, CONCEPT.item, CONCEPT.row, CONCEPT.differs, one_by_one(refuse)
    )
    concept = ConceptToStore("sums", "Math", 2, id="c", accepted_at=NOON)
    spool.accept([kind.entry(concept)])

    assert SpoolReplayer(postgres, spool, None, [kind]).give() == 0
    assert waiting(spool) == ["c"]


def test_a_running_service_gives_back_what_is_behind_it(private_url: str, tmp_path: Path) -> None:
    database = Database.on(engine_on(private_url))
    for id_ in ("s1", "s2"):
        DatastoreManager(database).add_student(id_, "Name")
    object_to(database, "P0001")
    key = KeyManager(database).add_key("test", [Scope.ADMIN])
    before = spool_in(tmp_path)
    accept_marks(before, bad="s1", behind="s1", other="s2")
    before.close()

    with spooling(private_url, key, tmp_path) as client:
        students = "/api/v1/students"
        is_stored = wait_until(lambda: client.get(f"{students}/s2/assessments").json()["items"])
        added = client.post("/api/v1/assessments", json=an_assessment(id="m3", student_id="s2"))
        ready = client.get("/readyz").json()

    assert is_stored
    assert (added.status_code, "Veritas-Storage" in added.headers) == (201, False)
    assert (ready["spool"]["waiting"], ready["spool"]["refused"]) == (2, 0)
