"""`veritas retrain` and `veritas models`, on four completed courses."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import text
from typer.testing import Result

from dropout_service.database import DropoutDatabaseManager
from dropout_service.models import LearnedModel
from shared_db.connection.database import Database
from shared_db.retention.turn import turn
from tests.support.databases import engine_on
from tests.support.oulad_fixtures.imported import Run
from tests.training.conftest import DAY_56_OF_CCC, once

TRAIN = ("--train", "2013B,2014B", "--target", "withdrawn_or_fail")
ALL = {"AAA-2013B", "AAA-2013J", "BBB-2013B", "CCC-2014B"}


@pytest.fixture
def manager(past_url: str) -> DropoutDatabaseManager:
    return DropoutDatabaseManager(Database.for_bind(engine_on(past_url)))


@pytest.fixture(scope="module")
def before(past_url: str, tmp_path_factory: pytest.TempPathFactory) -> LearnedModel:
    """Train a model that has seen the latest presentation."""
    done = once(past_url, tmp_path_factory.mktemp("before"), "train", *TRAIN)
    assert done.exit_code == 0, done.output
    [model] = DropoutDatabaseManager(Database.for_bind(engine_on(past_url))).models.search()
    return model


@pytest.fixture(scope="module")
def retrained(
    past_url: str, before: LearnedModel, tmp_path_factory: pytest.TempPathFactory
) -> Result:
    assert before.is_active
    return once(past_url, tmp_path_factory.mktemp("retrain"), "retrain")


def new_model(manager: DropoutDatabaseManager, before: LearnedModel) -> LearnedModel:
    [new] = [model for model in manager.models.search() if model.id != before.id]
    return new


def test_the_new_model_replaces_the_old_one_by_the_rule(
    retrained: Result, before: LearnedModel, manager: DropoutDatabaseManager
) -> None:
    new = new_model(manager, before)
    evaluation = manager.models.get_evaluation(new.id) or {}
    found = evaluation["comparison"]

    is_not_worse = found["roc_auc"]["low"] > -0.01 and found["brier"]["high"] < 0.002
    assert retrained.exit_code == (0 if is_not_worse else 3), retrained.output
    assert (found["is_replaced"], new.is_active) == (is_not_worse, is_not_worse)
    assert (found["with_version"], found["presentation"]) == (before.id, "2014B")
    assert (found["is_refitted"], found["courses"]) == (True, 1)
    assert set(new.training["courses"]) == ALL
    assert f"{before.id} had seen 2014B" in retrained.output


def test_the_evaluation_on_left_out_courses_adds_up(
    retrained: Result, before: LearnedModel, manager: DropoutDatabaseManager
) -> None:
    assert retrained.output
    evaluation = manager.models.get_evaluation(new_model(manager, before).id) or {}

    for day in evaluation["days"]:
        assert sum(one["rows"] for one in day["bins"]) == day["rows"]
        left = sum(one["rows"] * one["share"] for one in day["bins"])
        assert left == pytest.approx(day["base_rate"] * day["rows"])
        assert sum(day["risk_shares"]) == pytest.approx(1)
        for hits in day["hits"]:
            assert hits["left"] <= hits["listed"] <= hits["highest"] * len(ALL)
    assert {day["day"] for day in evaluation["days"]} >= {0, 28, 56, 84, 112}


def test_without_a_new_finished_course_nothing_changes(
    retrained: Result, run_on_past: Run, manager: DropoutDatabaseManager
) -> None:
    assert retrained.output
    before = [(model.id, model.is_active) for model in manager.models.search()]

    again = run_on_past("retrain")

    assert again.exit_code == 4, again.output
    assert "No finished course is new" in again.output
    assert [(model.id, model.is_active) for model in manager.models.search()] == before


def test_an_earlier_model_predicts_again(
    retrained: Result, before: LearnedModel, run_on_past: Run, manager: DropoutDatabaseManager
) -> None:
    assert retrained.output
    for model in (new_model(manager, before), before):
        chosen = run_on_past("models", "activate", model.id)
        predicted = run_on_past("predict", *DAY_56_OF_CCC, "--show", "0")

        assert chosen.exit_code == 0, chosen.output
        assert f"Predicted by {model.id}." in predicted.output

    listed = run_on_past("models").output.splitlines()
    unknown = run_on_past("models", "activate", "model-0")
    assert [f"{before.id} │ yes" in line for line in listed].count(True) == 1
    assert (unknown.exit_code, unknown.output.count("\n")) == (1, 1)


def test_another_retraining_is_refused(run_on_past: Run, manager: DropoutDatabaseManager) -> None:
    with turn(manager.database, "veritas retrain") as is_own:
        result = run_on_past("retrain")

    assert is_own
    assert result.exit_code == 1
    assert "Another `veritas retrain` runs" in result.output


def test_courses_without_outcomes_or_end_are_not_finished(past_url: str) -> None:
    with engine_on(past_url).connect() as connection, connection.begin() as transaction:
        manager = DropoutDatabaseManager(Database.for_bind(connection))
        now = datetime(2014, 9, 28, 23, 59, 58, tzinfo=UTC)
        running = manager.training_sets.get_by_state(now)
        connection.execute(
            text(
                "UPDATE dropout.enrolments SET outcome = NULL"
                " WHERE course_id = 'AAA-2013B' AND outcome <> 'WITHDRAWN'"
            )
        )
        found = manager.training_sets.get_by_state(datetime(2014, 9, 30, tzinfo=UTC))
        transaction.rollback()

    assert running.left_out == {"CCC-2014B": "runs until 2014-09-28"}
    assert (running.latest_presentation, found.latest_presentation) == ("2013J", "2014B")
    assert found.ids == sorted(ALL - {"AAA-2013B"})
    assert found.left_out["AAA-2013B"].startswith("has an outcome for ")
    assert found.of_presentations(["2014B"]) == ["CCC-2014B"]
