"""Learned models over HTTP, on both stores."""

from dataclasses import asdict
from typing import Any

from starlette.testclient import TestClient

from dropout_service.database import DropoutDatabaseManager
from dropout_service.domain.enrolments.outcome_targets import Target
from dropout_service.learning.metrics import Metrics
from dropout_service.learning.training import DayValidation
from tests.support.oulad_fixtures.learned import a_model

MODELS = "/api/v1/models"
LEARNED_FROM = {
    "presentations": ["2025"],
    "courses": {"art-2025": 3, "math-2025": 37},
    "enrolments": 40,
    "rows": 80,
    "days": [0, 14],
}
FIGURES = Metrics(40, 0.25, 0.75, 0.5, 0.1, 0.02, 0.5, 0.2)


def learn(manager: DropoutDatabaseManager, base: float) -> str:
    model = a_model(base, (DayValidation(14, FIGURES),))
    return manager.models.add(model, Target.WITHDRAWN_OR_FAIL, LEARNED_FROM).id


def get(client: TestClient, path: str) -> dict[str, Any]:
    answer = client.get(path)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_model_has_its_target_and_metrics(
    dropout_client: TestClient, db_manager: DropoutDatabaseManager
) -> None:
    version = learn(db_manager, 0.0)

    model = get(dropout_client, f"{MODELS}/{version}")

    assert model.pop("created_at") <= model.pop("activated_at")
    assert model == {
        "id": version,
        "target": "withdrawn_or_fail",
        "is_active": True,
        "training": LEARNED_FROM,
        "metrics": {
            "without_activity": [
                {
                    "day": 14,
                    "rows": 40,
                    "base_rate": 0.25,
                    "roc_auc": 0.75,
                    "pr_auc": 0.5,
                    "brier_skill": 0.1,
                    "calibration_error": 0.02,
                    "precision": 0.5,
                    "recall": 0.2,
                }
            ]
        },
    }


def test_models_are_listed_and_one_is_active(
    dropout_client: TestClient, db_manager: DropoutDatabaseManager
) -> None:
    assert get(dropout_client, MODELS) == {"items": [], "next": None}
    before, now = learn(db_manager, 0.0), learn(db_manager, 1.0)

    first = get(dropout_client, f"{MODELS}?limit=1")
    second = get(dropout_client, f"{MODELS}?after={first['next']}")

    models = [*first["items"], *second["items"]]
    assert [model["id"] for model in models] == sorted([before, now])
    assert {model["id"]: model["is_active"] for model in models} == {before: False, now: True}


def test_the_version_of_the_rules_is_not_a_model(dropout_client: TestClient) -> None:
    answer = dropout_client.get(f"{MODELS}/rules-3")

    assert answer.status_code == 404
    assert "GET /api/v1/models lists" in answer.json()["detail"]


def test_a_model_serves_the_evaluation_that_was_stored_with_it(
    dropout_client: TestClient, db_manager: DropoutDatabaseManager
) -> None:
    without = learn(db_manager, 0.0)
    day = {
        "day": 14,
        **asdict(FIGURES),
        "roc_auc_within_courses": None,
        "bins": [{"risk": 0.2, "share": 0.25, "rows": 40}],
        "hits": [{"highest": 5, "listed": 10, "left": 4}],
        "gaps": [{"attribute": "gender", "leavers": {}, "missed": {}, "gap": 0.1}],
    }
    stored = {"days": [{**day, "risk_limits": [0.1]}], "comparison": None}
    version = db_manager.models.add(
        a_model(1.0), Target.WITHDRAWN, LEARNED_FROM, evaluation=stored
    ).id

    found = get(dropout_client, f"{MODELS}/{version}/evaluation")
    missing = get(dropout_client, f"{MODELS}/{without}/evaluation")

    assert (found["version"], found["days"], found["comparison"]) == (version, [day], None)
    assert found["reasons"] == ["Only `veritas retrain` compares a model with the active one."]
    assert (missing["days"], len(missing["reasons"])) == (None, 2)


def test_a_model_without_predictions_has_no_weeks(
    dropout_client: TestClient, db_manager: DropoutDatabaseManager
) -> None:
    weeks = get(dropout_client, f"{MODELS}/{learn(db_manager, 0.0)}/weeks")

    assert weeks == {"items": [], "next": None}
    for path in ("weeks", "evaluation"):
        answer = dropout_client.get(f"{MODELS}/rules-3/{path}")
        assert (answer.status_code, answer.json()["version"]) == (404, "rules-3")
