"""Features and predictions that are made while rows of the student wait, and recomputed."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, update

from dropout_service.database import DropoutDatabaseManager
from dropout_service.database.features.incomplete import OTHER_HOSTS_AFTER
from dropout_service.errors import PredictionNotFound
from dropout_service.models import DropoutPrediction
from shared_db.spool.queue import Spool
from tests.support.factories import days
from tests.support.waiting_rows import (
    AS_OF,
    content,
    enrol,
    events,
    late_events,
    manager_on,
    manager_with_waiting_rows,
    predictions,
    replay,
    wait_in,
)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    """Give an empty spool, closed after the test."""
    spool = Spool(tmp_path / "spool.db")
    yield spool
    spool.close()


@pytest.fixture
def manager(private_url: str, spool: Spool) -> DropoutDatabaseManager:
    return manager_with_waiting_rows(private_url, spool)


def test_a_prediction_has_the_number_of_pending_rows_and_is_recomputed(
    manager: DropoutDatabaseManager, spool: Spool
) -> None:
    early = manager.predictions.predict("ada", as_of=AS_OF, prediction_id="early")
    twin, bob = (
        manager.predictions.predict("twin", as_of=AS_OF),
        manager.predictions.predict("bob", as_of=AS_OF),
    )
    manager.feedback.add("early", "incorrectly_flagged")
    too_soon = manager.recomputing.run()
    replay(manager, spool)
    done = manager.recomputing.run(), manager.recomputing.run()

    assert (early.pending_rows, twin.pending_rows, bob.pending_rows) == (3, 0, 0)
    assert early.risk_score > twin.risk_score
    assert (too_soon, done) == (0, (1, 0))
    latest = manager.predictions.get_latest("ada")
    assert content(latest) == content(twin)
    assert [row.id for row in predictions(manager, "ada")] == ["early", latest.id]
    assert len(manager.feedback.search("early").items) == 1
    assert manager.feedback.search(latest.id).items == []
    repeated = manager.predictions.predict("ada", as_of=AS_OF, prediction_id="early")
    assert (repeated.is_replay, repeated.pending_rows) == (True, 3)
    # Although the id "early" sorts after the new one, which has the same instant.
    overall = manager.analytics.summarize(AS_OF, days=1, periods=1).standings[0]
    assert overall.levels == {**dict.fromkeys(overall.levels, 0), bob.risk_level: 1} | {
        latest.risk_level: 2
    }


def test_recomputed_features_are_the_latest(manager: DropoutDatabaseManager, spool: Spool) -> None:
    early = manager.features.compute("ada", as_of=AS_OF, feature_set_id="zzz")
    twin = manager.features.compute("twin", as_of=AS_OF)
    replay(manager, spool)
    done = manager.recomputing.run(), manager.recomputing.run()
    latest = manager.features.get_latest("ada")

    assert (early.pending_rows, twin.pending_rows, done) == (3, 0, (1, 0))
    assert early.features != twin.features
    assert content(latest) == content(twin)
    assert {one.id for one in manager.features.search("ada")} == {"zzz", latest.id}


def test_a_batch_has_the_number_of_pending_rows_by_student(
    manager: DropoutDatabaseManager, spool: Spool
) -> None:
    done = manager.batch_predictions.predict_by_rules(AS_OF)
    pending = {row.student_id: row.pending_rows for row in manager.predictions.search()}
    replay(manager, spool)
    again = manager.recomputing.run()

    assert (done.stored, done.incomplete) == (3, 1)
    assert pending == {"ada": 3, "bob": 0, "twin": 0}
    assert again == 1
    latest = {row.student_id: content(row) for row in manager.predictions.search()}
    assert latest["ada"] == latest["twin"] != latest["bob"]


def test_repeating_a_batch_does_not_reactivate_an_incomplete_prediction(
    manager: DropoutDatabaseManager, spool: Spool
) -> None:
    """The event of bob is after the instant, so the batch predicts an equal row."""
    wait_in(spool, *events("bob", 41))
    manager.batch_predictions.predict_by_rules(AS_OF)
    early = manager.predictions.get_latest("bob")
    replay(manager, spool)
    again = manager.recomputing.run()
    made = manager.predictions.get_latest("bob")
    done = manager.batch_predictions.predict_by_rules(AS_OF)
    latest = manager.predictions.get_latest("bob")

    assert (early.pending_rows, again, done.unchanged) == (1, 2, 2)
    assert content(made) | {"pending_rows": 1, "pending_on": early.pending_on} == content(early) | {
        "recomputed_at": None
    }
    assert latest.id == made.id != early.id


def test_concurrent_processes_recompute_each_row_once(
    manager: DropoutDatabaseManager, private_url: str, spool: Spool
) -> None:
    wait_in(spool, *late_events("bob"))
    for student in ("ada", "bob"):
        manager.features.compute(student, as_of=AS_OF)
        for back in range(5):
            manager.predictions.predict(student, as_of=AS_OF - days(back))
    replay(manager, spool)
    others = [manager_on(private_url, spool) for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        done = list(pool.map(lambda other: other.recomputing.run(), others))

    assert sum(done) == 12
    assert len(predictions(manager, "ada")) == 10
    assert len(manager.features.search("bob").items) == 2
    assert {row.pending_rows for row in manager.predictions.search()} == {0}


def test_rows_of_another_hosts_spool_are_left_to_that_host(
    manager: DropoutDatabaseManager, spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This host cannot read that spool; after a quarter of an hour it recomputes nevertheless."""
    early = manager.predictions.predict("ada", as_of=AS_OF)
    replay(manager, spool)
    with monkeypatch.context() as elsewhere:
        elsewhere.setattr("socket.gethostname", lambda: "elsewhere")
        at_once = manager.recomputing.run()
        change = update(DropoutPrediction).where(DropoutPrediction.id == early.id)
        with manager.database.unit_of_work() as session:
            session.execute(change.values(created_at=early.created_at - OTHER_HOSTS_AFTER))
        later = manager.recomputing.run()

    assert (at_once, later) == (0, 1)


@pytest.mark.parametrize(
    "compute",
    [
        lambda manager: manager.predictions.predict("ada", as_of=AS_OF).pending_rows,
        lambda manager: manager.features.compute("ada", as_of=AS_OF).pending_rows,
        lambda manager: (
            manager.batch_predictions.predict_by_rules(AS_OF, limit=1, keep=1)
            .highest[0]
            .pending_rows
        ),
    ],
    ids=["prediction", "features", "cohort"],
)
def test_rows_that_are_replayed_during_the_computation_count_as_pending(
    manager: DropoutDatabaseManager,
    private_url: str,
    spool: Spool,
    compute: Callable[[DropoutDatabaseManager], int | None],
) -> None:
    other, done = manager_on(private_url, spool), list[bool]()

    def replay_after_reading(_c: object, _cursor: object, statement: str, *_: Any) -> None:
        if "daily_activity" in statement and not done:
            done.append(True)
            replay(other, spool)

    event.listen(manager.database.store.bind, "after_cursor_execute", replay_after_reading)

    assert (compute(manager), done) == (3, [True])
    assert manager.recomputing.run() == 1


def test_a_recomputed_prediction_is_the_latest_only_if_the_incomplete_one_was(
    manager: DropoutDatabaseManager, spool: Spool
) -> None:
    manager.predictions.predict("ada", as_of=AS_OF - days(1), prediction_id="earlier")
    manager.predictions.predict("ada", as_of=AS_OF, prediction_id="replaced")
    manager.predictions.add("given", "ada", "SILENT", 0.9, as_of=AS_OF)
    change = update(DropoutPrediction).where(DropoutPrediction.id == "earlier")
    with manager.database.unit_of_work() as session:
        session.execute(change.values(obsolete_from=AS_OF - days(1)))
    replay(manager, spool)

    assert manager.recomputing.run() == 2
    assert manager.predictions.get_latest("ada").id == "given"
    made = predictions(manager, "ada")[3:]
    assert [(row.as_of, row.obsolete_from) for row in sorted(made, key=lambda row: row.as_of)] == [
        (AS_OF - days(1), AS_OF - days(1)),
        (AS_OF, None),
    ]


def test_an_incomplete_prediction_loses_its_marks_if_not_assessable(
    manager: DropoutDatabaseManager, spool: Spool
) -> None:
    manager.predictions.predict("ada", as_of=AS_OF)
    enrol(manager, "math", 20, "ada")
    replay(manager, spool)

    assert (manager.recomputing.run(), manager.recomputing.run()) == (1, 0)
    assert len(predictions(manager, "ada")) == 1
    with pytest.raises(PredictionNotFound):
        manager.predictions.get_latest("ada")
    assert manager.analytics.summarize(AS_OF, days=1, periods=1).standings[0].predicted == 0


def test_a_failing_row_does_not_block_the_others(
    manager: DropoutDatabaseManager, spool: Spool, caplog: pytest.LogCaptureFixture
) -> None:
    wait_in(spool, *late_events("bob"))
    for student in ("ada", "bob"):
        manager.predictions.predict(student, as_of=AS_OF, prediction_id=student)
    replay(manager, spool)
    trigger = """
        CREATE FUNCTION dropout.object() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'not of ada' USING ERRCODE = 'P0001'; END $$;
        CREATE TRIGGER object BEFORE INSERT ON dropout.dropout_predictions
        FOR EACH ROW WHEN (NEW.student_id = 'ada') EXECUTE FUNCTION dropout.object();
    """
    with manager.database.unit_of_work() as session:
        session.connection().exec_driver_sql(trigger)

    assert manager.recomputing.run() == 1
    assert manager.predictions.get_latest("bob").id != "bob"
    assert manager.predictions.get_latest("ada").id == "ada"
    assert "something is computed again later" in caplog.text
    assert "ada" not in caplog.text


def test_an_unreadable_spool_leaves_the_number_unknown(
    private_url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "damaged.db").write_bytes(b"no database" * 1000)
    spool = Spool(tmp_path / "damaged.db")
    manager = manager_on(private_url, spool)
    manager.events.add_many(events("ada", 0, 4, 30))
    alone, features = (
        manager.predictions.predict("ada", as_of=AS_OF),
        manager.features.compute("ada"),
    )
    batch = manager.batch_predictions.predict_by_rules(AS_OF)
    spool.close()

    assert manager.recomputing.run() == 0
    assert (alone.pending_rows, features.pending_rows) == (None, None)
    assert [row.pending_rows for row in manager.predictions.search()] == [None]
    assert (batch.stored, batch.incomplete) == (1, 0)
    assert "the spool cannot be read" in caplog.text
