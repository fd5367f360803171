"""Deferred rows: a failing row delays its own student only, and is rejected in the end."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from shared_db.connection.database import Database
from shared_db.errors import Overloaded
from shared_db.results import InsertResult
from shared_db.spool.queue import Spool
from shared_db.spool.replay import SpoolReplayer
from shared_db.spool.retry import EXHAUSTED_SECONDS
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
from tests.e2e.processes import wait_until
from tests.support.databases import engine_on
from tests.support.factories import NOON, an_assessment
from tests.support.outage import spool_in, spooling

# A trigger of the school's that raises an error for some rows.
TRIGGER = """
CREATE FUNCTION staffstuddash.object() RETURNS trigger LANGUAGE plpgsql AS
$$ BEGIN RAISE EXCEPTION 'not this one' USING ERRCODE = '{code}'; END $$;
CREATE TRIGGER object BEFORE INSERT ON staffstuddash.{table}
FOR EACH ROW WHEN ({condition}) EXECUTE FUNCTION staffstuddash.object();
"""
IS_BAD = "starts_with(NEW.id, 'bad')"


class Clock:
    """Clock that a test moves forward."""

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
    """Give a manager with a spool; students `s1` and `s2` are stored."""
    datastore = DatastoreManager(postgres)
    for id_ in ("s1", "s2"):
        datastore.add_student(id_, "Name")
    datastore.spool.attach(spool)
    return datastore


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def replayer(datastore: DatastoreManager, spool: Spool, clock: Clock) -> SpoolReplayer:
    return SpoolReplayer(datastore.database, spool, datastore, SPOOLABLE_TYPES, now=clock)


def add_trigger(database: Database, code: str, condition: str = IS_BAD) -> None:
    with database.unit_of_work() as session:
        trigger = TRIGGER.format(code=code, condition=condition, table="assessment_logs")
        session.connection().exec_driver_sql(trigger)


def replay_for(replayer: SpoolReplayer, clock: Clock, seconds: int) -> int:
    """Replay every half minute; return the number of rows replayed."""
    end = clock.seconds + seconds
    replayed = replayer.replay_all()
    while clock.seconds < end:
        clock.seconds += 30
        replayed += replayer.replay_all()
    return replayed


def append_marks(spool: Spool, **student_of: str) -> None:
    marks = (
        AssessmentToStore(student, "quiz", "Math", 50, id=id_, accepted_at=NOON)
        for id_, student in student_of.items()
    )
    spool.append([ASSESSMENT.entry(mark) for mark in marks])


def waiting(spool: Spool) -> list[str]:
    return [entry.id for entry in spool.pending(100)]


@pytest.mark.parametrize("code", ["P0001", "ZX123", "42501"])
def test_a_row_that_alone_fails_is_rejected_in_the_end(
    datastore: DatastoreManager, replayer: SpoolReplayer, spool: Spool, clock: Clock, code: str
) -> None:
    add_trigger(datastore.database, code)
    append_marks(spool, before="s1", bad="s1", behind="s1", other="s2")

    first = replayer.replay_all()
    deferred = waiting(spool)
    replay_for(replayer, clock, EXHAUSTED_SECONDS)

    assert (first, deferred) == (2, ["bad", "behind"])
    [rejected] = spool.all_entries()
    assert (rejected.id, rejected.problem) == (
        "bad",
        f"The database refuses it while it takes others: SQLSTATE {code}",
    )
    assert rejected.attempts > 5
    assert datastore.get_performance_record("s1").assessment_count == 2


def test_a_rejected_row_can_be_retried(
    datastore: DatastoreManager, replayer: SpoolReplayer, spool: Spool, clock: Clock
) -> None:
    add_trigger(datastore.database, "P0001")
    append_marks(spool, bad="s1", other="s2")
    replay_for(replayer, clock, EXHAUSTED_SECONDS)
    with datastore.database.unit_of_work() as session:
        session.execute(text("DROP TRIGGER object ON staffstuddash.assessment_logs"))
    spool.retry(["bad"])

    assert replayer.replay_all() == 1
    assert spool.all_entries() == []


@pytest.mark.parametrize("code", ["40001", "55000", "57014", "XX001"])
def test_a_row_that_fails_for_the_servers_reasons_is_never_rejected(
    datastore: DatastoreManager, replayer: SpoolReplayer, spool: Spool, clock: Clock, code: str
) -> None:
    add_trigger(datastore.database, code)
    append_marks(spool, before="s1", bad="s1", behind="s1", other="s2")

    replayed = replay_for(replayer, clock, 2 * EXHAUSTED_SECONDS)

    assert replayed == 2
    assert [(entry.id, entry.problem) for entry in spool.all_entries()] == [
        ("bad", None),
        ("behind", None),
    ]


def test_no_row_is_rejected_before_other_rows_are_stored(
    datastore: DatastoreManager, replayer: SpoolReplayer, spool: Spool, clock: Clock
) -> None:
    add_trigger(datastore.database, "P0001")
    append_marks(spool, bad="s1")
    replay_for(replayer, clock, 2 * EXHAUSTED_SECONDS)
    alone = waiting(spool)
    # Not spooled, because no row of that student waits.
    datastore.add_assessment("s2", "quiz", "Math", 50, assessment_id="direct")
    replay_for(replayer, clock, 60)

    assert alone == ["bad"]
    assert [entry.id for entry in spool.all_entries(refused_only=True)] == ["bad"]


def test_a_type_that_cannot_be_stored_delays_no_other_and_is_not_rejected(
    datastore: DatastoreManager, replayer: SpoolReplayer, spool: Spool, clock: Clock
) -> None:
    add_trigger(datastore.database, "42501", "true")
    append_marks(spool, **{f"m{number}": f"s{number % 2 + 1}" for number in range(20)})
    spool.append([CONCEPT.entry(ConceptToStore("sums", "Math", 2, id="c", accepted_at=NOON))])
    for student in ("s1", "new"):
        spool.append([STUDENT.entry(StudentToStore("Name", id=student, accepted_at=NOON))])

    replayed = replay_for(replayer, clock, 2 * EXHAUSTED_SECONDS)

    assert replayed == 2
    assert waiting(spool) == [*(f"m{number}" for number in range(20)), "s1"]
    assert [concept.id for concept in datastore.concepts.search().items] == ["c"]
    with datastore.database.unit_of_work() as session:
        session.execute(text("DROP TRIGGER object ON staffstuddash.assessment_logs"))
    clock.seconds += 30
    assert replayer.replay_all() == 21


def test_a_retried_row_does_not_delay_other_students(
    datastore: DatastoreManager, replayer: SpoolReplayer, spool: Spool, clock: Clock
) -> None:
    add_trigger(datastore.database, "55P03")
    append_marks(spool, bad="s1")
    replayer.replay_all()
    clock.seconds += 30
    append_marks(spool, **{f"m{number}": "s2" for number in range(6)})

    assert replayer.replay_all() == 6
    assert waiting(spool) == ["bad"]


def test_a_row_behind_many_failing_rows_is_stored(
    datastore: DatastoreManager, replayer: SpoolReplayer, spool: Spool, clock: Clock
) -> None:
    datastore.students.add_many([StudentToStore("Name", id=f"t{number}") for number in range(20)])
    add_trigger(datastore.database, "P0001")
    append_marks(spool, **{f"bad{number}": f"t{number}" for number in range(20)}, good="s1")

    replay_for(replayer, clock, EXHAUSTED_SECONDS)

    assert datastore.get_performance_record("s1").assessment_count == 1


def test_no_row_is_rejected_while_the_process_is_overloaded(
    postgres: Database, spool: Spool
) -> None:
    def refuse(_manager: object, _concepts: Sequence[ConceptToStore]) -> list[InsertResult]:
        raise Overloaded("No thread is left.")

    type_ = replace(CONCEPT, replay=refuse)
    concept = ConceptToStore("sums", "Math", 2, id="c", accepted_at=NOON)
    spool.append([type_.entry(concept)])

    assert SpoolReplayer(postgres, spool, None, [type_]).replay_all() == 0
    assert waiting(spool) == ["c"]


def test_a_running_service_replays_the_rows_behind_a_failing_one(
    private_url: str, tmp_path: Path
) -> None:
    database = Database.for_bind(engine_on(private_url))
    for id_ in ("s1", "s2"):
        DatastoreManager(database).add_student(id_, "Name")
    add_trigger(database, "P0001")
    key = KeyManager(database).add_key("test", [Scope.ADMIN])
    before = spool_in(tmp_path)
    append_marks(before, bad="s1", behind="s1", other="s2")
    before.close()

    with spooling(private_url, key, tmp_path) as client:
        students = "/api/v1/students"
        is_stored = wait_until(lambda: client.get(f"{students}/s2/assessments").json()["items"])
        added = client.post("/api/v1/assessments", json=an_assessment(id="m3", student_id="s2"))
        ready = client.get("/readyz").json()

    assert is_stored
    assert (added.status_code, "Veritas-Storage" in added.headers) == (201, False)
    assert (ready["spool"]["waiting"], ready["spool"]["refused"]) == (2, 0)
