"""Incomplete predictions by a model, recomputed by the same model."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete, update

from dropout_service.database import DropoutDatabaseManager
from dropout_service.database.predictions.by_model import named_model_values
from dropout_service.domain.enrolments.outcome_targets import Target
from dropout_service.models import DropoutPrediction, LearnedModel
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
    """Give a manager with the students enrolled in a running course, and a model."""
    manager = manager_with_waiting_rows(private_url, spool)
    enrol(manager, "math", 200, *STUDENTS)
    manager.models.add(trained(), Target.WITHDRAWN, {})
    return manager


def test_a_prediction_by_a_model_is_recomputed_by_the_same_model(
    enrolled: DropoutDatabaseManager, spool: Spool
) -> None:
    manager = enrolled
    alone = manager.predictions.predict("ada", as_of=AS_OF)
    assessed = manager.batch_predictions.assess_course("math", AS_OF)
    assert assessed is not None
    batch = manager.batch_predictions.add_assessments(assessed, assessed.enrolments)
    replay(manager, spool)
    complete = manager.batch_predictions.assess_course("math", AS_OF)
    assert complete is not None
    # The model that predicted recomputes, although it is not active any more.
    with manager.database.unit_of_work() as session:
        session.execute(update(type(manager.models.get(alone.version))).values(is_active=False))
    done = manager.recomputing.run(), manager.recomputing.run()
    latest = manager.predictions.get_latest("ada", course="math")
    expected = named_model_values(complete, "ada", dict(complete.enrolments)["ada"])

    assert (alone.pending_rows, batch.incomplete, done) == (3, 1, (2, 0))
    assert (alone.version, alone.base_log_odds is None) == (assessed.version, False)
    assert content(latest) == content(DropoutPrediction(**expected))
    assert latest.risk_score < alone.risk_score
    assert (latest.pending_rows, latest.version) == (0, alone.version)


def test_the_rules_recompute_if_the_model_was_deleted(
    enrolled: DropoutDatabaseManager, spool: Spool
) -> None:
    alone = enrolled.predictions.predict("ada", as_of=AS_OF)
    replay(enrolled, spool)
    with enrolled.database.unit_of_work() as session:
        session.execute(delete(LearnedModel).where(LearnedModel.id == alone.version))
    by_rules = enrolled.predictions.predict("twin", as_of=AS_OF, course="math")

    assert enrolled.recomputing.run() == 1
    assert content(enrolled.predictions.get_latest("ada", course="math")) == content(by_rules)
