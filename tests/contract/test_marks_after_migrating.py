"""Marks of earlier releases after the migration to extra credit, excuses and corrections."""

from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import IntegrityError

from dropout_service.database import DropoutDatabaseManager
from shared_db.connection.database import Database
from staffstuddash_service.datastore import DatastoreManager
from tests.support.databases import engine_on
from tests.support.factories import NOON, days
from tests.support.past_events import features_at
from veritas_cli.migrations import HISTORIES

[STAFFSTUDDASH, DROPOUT] = [h for h in HISTORIES if h.schema in {"staffstuddash", "dropout"}]
BY = {"actor": "office", "reason": "test"}


def filled(engine: Engine) -> tuple[DatastoreManager, DropoutDatabaseManager]:
    datastore = DatastoreManager(Database.for_bind(engine))
    manager = DropoutDatabaseManager(Database.for_bind(engine))
    datastore.add_student("s001", "Ada")
    for number in range(3):
        moment = NOON + days(number)
        datastore.add_assessment(
            "s001", "quiz", "Math", 50, timestamp=moment, assessment_id=f"m{number}"
        )
        manager.assessments.add(
            "s001", "quiz", "Math", 60, submitted_at=moment, assessment_id=f"own{number}"
        )
    return datastore, manager


def test_marks_of_an_earlier_release_are_kept_and_can_be_corrected(private_url: str) -> None:
    engine = engine_on(private_url)
    datastore, manager = filled(engine)
    before = datastore.get_performance_record("s001").mean_percentage
    DROPOUT.downgrade(engine, "20261129_neighbours")
    STAFFSTUDDASH.downgrade(engine, "20261129_background_work")

    for history in (STAFFSTUDDASH, DROPOUT):
        history.upgrade(engine)

    repeated = datastore.add_assessment(
        "s001", "quiz", "Math", 50, timestamp=NOON, assessment_id="m0"
    )
    changed = datastore.assessments.update("m0", {"score": 80.0}, **BY)
    datastore.assessments.delete("m1", **BY)
    assert (before, repeated.is_replay, repeated.excused) == (50, True, False)
    assert (changed.extra_credit, changed.deleted_at) == (False, None)
    assert datastore.get_performance_record("s001").mean_percentage == pytest.approx(65)
    assert features_at(manager, NOON + days(9))["mark_count"] == 5


def test_an_unknown_jump_of_an_earlier_release_becomes_null(private_url: str) -> None:
    engine = engine_on(private_url)
    datastore, _ = filled(engine)
    datastore.add_student("s002", "Bob")
    for words in ("One.", "One two.", "One two three."):
        datastore.add_draft("s001", "essay", words)
    DROPOUT.downgrade(engine, "20261129_neighbours")
    STAFFSTUDDASH.downgrade(engine, "20261129_marks_checked")
    with engine.connect() as connection:
        flags = text("SELECT sudden_jump_flag FROM staffstuddash.performance_records")
        assert set(connection.scalars(flags)) == {False}
    for history in (STAFFSTUDDASH, DROPOUT):
        history.upgrade(engine)

    without = datastore.get_performance_record("s002").sudden_jump_flag
    refreshed = datastore.performance.refresh_due()

    assert (without, refreshed) == (None, 1)
    assert datastore.get_performance_record("s001").sudden_jump_flag is None


@pytest.mark.parametrize("schema", ["dropout", "staffstuddash"])
def test_the_migration_can_be_taken_back_with_marks_that_only_it_allows(
    private_url: str, schema: str
) -> None:
    engine = engine_on(private_url)
    datastore, manager = filled(engine)
    marks: Any = manager.assessments if schema == "dropout" else datastore.assessments
    marks.add("s001", "quiz", "Art", 120, extra_credit=True, assessment_id="more")
    marks.add("s001", "quiz", "Art", None, excused=True, assessment_id="without")

    DROPOUT.downgrade(engine, "20261129_neighbours")
    STAFFSTUDDASH.downgrade(engine, "20261129_background_work")

    table = "dropout.assessments" if schema == "dropout" else "staffstuddash.assessment_logs"
    query = text(f"SELECT id, score FROM {table} WHERE subject = 'Art'")
    with engine.connect() as connection:
        assert [tuple(row) for row in connection.execute(query)] == [("more", 100)]


def test_the_tables_refuse_scores_out_of_range(private_url: str, subtests: pytest.Subtests) -> None:
    engine = engine_on(private_url)
    filled(engine)

    for table in ("staffstuddash.assessment_logs", "dropout.assessments"):
        for changes in ("score = 101", "score = NULL", "score = -1", "excused = true"):
            statement = text(f"UPDATE {table} SET {changes}")
            with (
                subtests.test(table=table, changes=changes),
                engine.begin() as connection,
                pytest.raises(IntegrityError, match="score_range"),
            ):
                connection.execute(statement)
