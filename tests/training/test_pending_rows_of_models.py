"""Predictions that a model made while rows waited, made again by the same model."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update

from dropout_service.database import DropoutDatabaseManager
from dropout_service.database.predictions.by_model import named_row
from dropout_service.domain.enrolments.outcome_targets import Target
from shared_db.spool.queue import Spool
from tests.support.oulad_fixtures.learned import trained
from tests.support.waiting_rows import (
    AS_OF,
    STUDENTS,
    content,
    enrol,
    manager_with_waiting_rows,
    replay,
)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    """Give an empty spool, closed after the test."""
    spool = Spool(tmp_path / "spool.db")
    yield spool
    spool.close()


@pytest.fixture
def enrolled(private_url: str, spool: Spool) -> DropoutDatabaseManager:
    """Enrol the students in a course that runs, which a model judges."""
    manager = manager_with_waiting_rows(private_url, spool)
    enrol(manager, "math", 200, *STUDENTS)
    manager.save_model(trained(), Target.WITHDRAWN, {})
    return manager


def test_a_model_predicts_again_by_the_course(
    enrolled: DropoutDatabaseManager, spool: Spool
) -> None:
    manager = enrolled
    alone = manager.predict("ada", as_of=AS_OF)
    assessed = manager.assess_course("math", AS_OF)
    assert assessed is not None
    batch = manager.store_assessments(assessed, assessed.enrolments)
    replay(manager, spool)
    complete = manager.assess_course("math", AS_OF)
    assert complete is not None
    # The model that predicted predicts again, though it is not the one that is active by now.
    with manager.database.unit_of_work() as session:
        session.execute(update(type(manager.get_model(alone.version))).values(is_active=False))
    done = manager.recompute(), manager.recompute()
    latest = manager.get_latest_prediction("ada", course="math")
    expected = named_row(complete, "ada", dict(complete.enrolments)["ada"])

    assert (alone.pending_rows, batch.incomplete, done) == (3, 1, (2, 0))
    assert (alone.version, alone.base_log_odds is None) == (assessed.version, False)
    assert content(latest) == content(expected)
    assert latest.risk_score < alone.risk_score
    assert (latest.pending_rows, latest.version) == (0, alone.version)


def test_without_its_model_the_rules_predict_again(
    enrolled: DropoutDatabaseManager, spool: Spool
) -> None:
    alone = enrolled.predict("ada", as_of=AS_OF)
    replay(enrolled, spool)
    with enrolled.database.unit_of_work() as session:
        session.delete(enrolled.get_model(alone.version))
    by_rules = enrolled.predict("twin", as_of=AS_OF, course="math")

    assert enrolled.recompute() == 1
    assert content(enrolled.get_latest_prediction("ada", course="math")) == content(by_rules)
