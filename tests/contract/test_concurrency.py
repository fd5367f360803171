"""Concurrent writers on both stores: no row is lost or counted twice."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from dropout_service.database import DropoutDatabaseManager, EventToStore
from dropout_service.domain.enums import EventType
from dropout_service.models import Base as DropoutBase
from shared_db.results import Outcome
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.models import Base as StaffstuddashBase
from tests.support.databases import OpenDatabase
from tests.support.factories import NOON

WRITERS = 8


def test_the_performance_is_correct_after_parallel_assessments(
    open_pooled_database: OpenDatabase,
) -> None:
    datastore = DatastoreManager(open_pooled_database(StaffstuddashBase.metadata))
    datastore.add_student("s001", "Ada")
    scores = [float(score) for score in range(40)]

    with ThreadPoolExecutor(WRITERS) as pool:
        list(pool.map(lambda s: datastore.add_assessment("s001", "quiz", "Math", s), scores))

    record = datastore.get_performance_record("s001")
    assert record.assessment_count == len(scores)
    assert record.mean_percentage == pytest.approx(sum(scores) / len(scores))


def test_one_id_sent_in_parallel_is_stored_once(open_pooled_database: OpenDatabase) -> None:
    manager = DropoutDatabaseManager(open_pooled_database(DropoutBase.metadata))

    def send(_: int) -> bool:
        event = manager.events.add("evt001", "s001", None, "NAVIGATION", occurred_at=NOON)
        return event.is_replay

    with ThreadPoolExecutor(WRITERS) as pool:
        repeats = list(pool.map(send, range(24)))

    assert repeats.count(False) == 1
    assert len(manager.events.search("s001").items) == 1


def test_overlapping_batches_store_each_event_once(open_pooled_database: OpenDatabase) -> None:
    manager = DropoutDatabaseManager(open_pooled_database(DropoutBase.metadata))

    def send(first: int) -> list[Outcome]:
        events = [
            EventToStore(f"s{n % 3}", EventType.NAVIGATION, id=f"e{n}", occurred_at=NOON)
            for n in range(first, first + 20)
        ]
        return [result.outcome for result in manager.events.add_many(events)]

    with ThreadPoolExecutor(WRITERS) as pool:
        outcomes = [o for batch in pool.map(send, range(0, 40, 5)) for o in batch]

    stored = [e for s in range(3) for e in manager.events.search(f"s{s}").items]
    assert outcomes.count(Outcome.STORED) == len(stored) == 55
    assert Outcome.CONFLICT not in outcomes


def test_parallel_predictions_leave_one_latest(open_pooled_database: OpenDatabase) -> None:
    manager = DropoutDatabaseManager(open_pooled_database(DropoutBase.metadata))
    manager.events.add(None, "s001", None, "NAVIGATION", occurred_at=NOON)

    with ThreadPoolExecutor(WRITERS) as pool:
        made = list(pool.map(lambda _: manager.predictions.predict("s001"), range(16)))

    listed = manager.predictions.search().items
    assert [p.id for p in listed] == [manager.predictions.get_latest("s001").id]
    assert listed[0].as_of == max(p.as_of for p in made)
