"""Corrected marks beside other writers, in dropout, and during an outage."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from dropout_service.database import DropoutDatabaseManager
from shared_db.connection.database import Database
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.errors import AssessmentDeleted
from staffstuddash_service.models import Base
from tests.support.databases import OpenDatabase
from tests.support.factories import NOON, a_student, an_assessment, days
from tests.support.outage import server_to_lose, settled, spool_in, spooling
from tests.support.past_events import features_at
from veritas_cli.postgres.server import LocalPostgres

API = "/api/v1"
WRITERS = 8
BY = {"actor": "office", "reason": "test"}


@pytest.fixture
def own(open_own_database: OpenDatabase) -> DatastoreManager:
    """Give a manager on a database of the test's own."""
    return DatastoreManager(open_own_database(Base.metadata))


def test_parallel_corrections_leave_a_record_of_the_stored_marks(own: DatastoreManager) -> None:
    own.add_student("s001", "Ada")
    for number in range(4):
        own.add_assessment(
            "s001", "quiz", "Math", 50, topic="sets", timestamp=NOON, assessment_id=f"m{number}"
        )

    def change(number: int) -> None:
        id_ = f"m{number % 4}"
        if number % 4 == 3:
            own.assessments.delete(id_, **BY)
        else:
            own.assessments.update(id_, {"score": float(number)}, **BY)
        own.add_assessment("s001", "quiz", "Math", number, timestamp=NOON)

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(change, range(24)))

    marks = own.assessments.search_by_student("s001").items
    scores = [mark.score for mark in marks if mark.score is not None]
    record = own.get_performance_record("s001")
    assert len(scores) == 3 + 24
    assert record.assessment_count == len(scores)
    assert record.mean_percentage == pytest.approx(sum(scores) / len(scores))
    actions = own.actions.search_by_student("s001").items
    assert [one.action for one in actions].count("assessment.deleted") == 1


def test_two_deletions_at_once_are_one(own: DatastoreManager) -> None:
    own.add_student("s001", "Ada")
    own.add_assessment("s001", "quiz", "Math", 50, assessment_id="m1")

    with ThreadPoolExecutor(WRITERS) as pool:
        deleted = list(pool.map(lambda _: own.assessments.delete("m1", **BY), range(WRITERS)))

    assert [is_replay for _, is_replay in deleted].count(False) == 1
    assert len({mark.deleted_at for mark, _ in deleted}) == 1
    with pytest.raises(AssessmentDeleted):
        own.assessments.update("m1", {"score": 1.0}, **BY)


def test_dropout_sees_corrections_of_staffstuddash(postgres: Database) -> None:
    datastore, manager = DatastoreManager(postgres), DropoutDatabaseManager(postgres)
    datastore.add_student("s001", "Ada")
    for number in range(4):
        moment = NOON + days(number)
        datastore.add_assessment(
            "s001", "quiz", "Math", 50, timestamp=moment, assessment_id=f"m{number}"
        )
        manager.assessments.add(
            "s001", "quiz", "Math", 10, submitted_at=moment, assessment_id=f"m{number}"
        )

    datastore.assessments.update("m0", {"score": 150.0, "extra_credit": True}, **BY)
    datastore.assessments.update("m1", {"excused": True}, **BY)
    datastore.assessments.delete("m3", **BY)

    # The own row of a mark that is excused or deleted in staffstuddash does not count either.
    seen = features_at(manager, NOON + days(9))
    assert (seen["mark_count"], seen["mark_share_recent"]) == (2, 1)
    assert seen["days_since_mark"] == 7


def test_the_cohort_leaves_out_excused_and_deleted_work(datastore: DatastoreManager) -> None:
    datastore.add_student("s001", "Ada")
    week, week_before = NOON - days(1), NOON - days(8)
    datastore.add_assessment("s001", "quiz", "Math", 80, timestamp=week)
    datastore.add_assessment("s001", "quiz", "Math", 10, timestamp=week, assessment_id="m1")
    datastore.add_assessment("s001", "quiz", "Math", None, timestamp=week_before, excused=True)
    datastore.assessments.delete("m1", **BY)

    cohort = datastore.cohort_dashboard.get(as_of=NOON)

    assert cohort.mean_progress == pytest.approx(80)
    assert cohort.mean_progress_change is None


@pytest.fixture(scope="module")
def server_and_key() -> Iterator[tuple[LocalPostgres, str]]:
    """Give a server that the test stops and starts again."""
    with server_to_lose() as (server, key):
        yield server, key


def test_corrections_wait_for_the_database_and_a_replay_undoes_none(
    server_and_key: tuple[LocalPostgres, str], tmp_path: Path
) -> None:
    server, key = server_and_key
    with spooling(server.url, key, tmp_path) as client:
        client.post(f"{API}/students", json=a_student())
        for id_ in ("kept", "gone"):
            assert client.post(f"{API}/assessments", json=an_assessment(id=id_)).status_code == 201
        kept, gone = (f"{API}/assessments/{id_}" for id_ in ("kept", "gone"))
        client.patch(kept, json={"score": 10, "reason": "typing error"})
        client.delete(gone, params={"reason": "sent twice"})
        server.stop()
        refused = [
            client.patch(kept, json={"score": 20, "reason": "typing error"}),
            client.delete(kept, params={"reason": "sent twice"}),
        ]
        again = [spooled(client, id_) for id_ in ("kept", "gone", "new")]
        excused = client.post(
            f"{API}/assessments", json=an_assessment(id="excused", score=None, excused=True)
        )
        server.start()
        assert settled(client)
        record = client.get(f"{API}/students/s001/performance").json()
        problems = {entry.id: entry.problem for entry in spool_in(tmp_path).all_entries()}

    assert [answer.status_code for answer in refused] == [503, 503]
    assert again == [201] * 3
    assert (excused.status_code, excused.json()["pending"]) == (201, True)
    assert (record["assessment_count"], record["mean_percentage"]) == (2, (10 + 85) / 2)
    assert problems == {"gone": "The assessment was deleted"}


def spooled(client: TestClient, id_: str) -> int:
    return client.post(f"{API}/assessments", json=an_assessment(id=id_)).status_code
