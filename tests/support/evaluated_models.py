"""Model in use with an evaluation and two weeks, for the page of quality."""

from dataclasses import asdict
from datetime import date, timedelta
from typing import Any

from dropout_service.database import DropoutDatabaseManager
from dropout_service.domain.enrolments.outcome_targets import Target
from dropout_service.domain.enrolments.week_quality import WeekLevel
from dropout_service.learning.metrics import Metrics
from dropout_service.models import ModelWeek
from shared_db.clock import utc_now
from tests.support.oulad_fixtures.learned import a_model

TRAINED_ON = {
    "presentations": ["2025"],
    "courses": {"art-2025": 300, "<b>math</b>-2025": 700},
    "enrolments": 1000,
    "rows": 2000,
    "days": [14, 28],
}
_FIGURES = asdict(Metrics(1000, 0.04, 0.75, 0.5, 0.1, 0.02, 0.5, 0.2))
_UNKNOWN = [
    "mean_risk",
    "observed_share",
    "observed_low",
    "observed_high",
    "brier",
    "calibration_error",
    "drift_index",
]


def an_evaluation(comparison: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return an evaluation of two days."""
    day = {
        **_FIGURES,
        "roc_auc_within_courses": 0.7,
        "bins": [
            {"risk": 0.01, "share": 0.0, "rows": 900},
            {"risk": 0.28, "share": 0.31, "rows": 100},
        ],
        "hits": [{"highest": 5, "listed": 10, "left": 4}],
        "gaps": [
            {
                "attribute": "gender",
                "leavers": {"F": 40, "M": 60},
                "missed": {"F": 0.25, "M": 0.45},
                "gap": 0.2,
            }
        ],
    }
    return {"days": [{"day": 14, **day}, {"day": 28, **day}], "comparison": comparison}


def a_comparison(low: float) -> dict[str, Any]:
    """Return a comparison with the model before; low: of the interval of the order."""
    return {
        "with_version": "model-before",
        "presentation": "2025",
        "is_refitted": False,
        "courses": 2,
        "enrolments": 1000,
        "roc_auc": {"value": low + 0.01, "low": low, "high": low + 0.02},
        "brier": {"value": 0.0, "low": None, "high": None},
        "is_replaced": True,
    }


def store_model(manager: DropoutDatabaseManager) -> str:
    """Store a model in use with its evaluation and weeks; return its version."""
    evaluation = an_evaluation(a_comparison(0.01))
    version = manager.models.add(
        a_model(1.0), Target.WITHDRAWN_OR_FAIL, TRAINED_ON, evaluation=evaluation
    ).id
    with manager.database.unit_of_work() as session:
        for monday, level in ((6, WeekLevel.UNKNOWN), (13, WeekLevel.WARNING)):
            session.merge(
                ModelWeek(
                    version=version,
                    week=date(2026, 7, monday),
                    predictions=100,
                    expected_left=monday + 0.4,
                    left=3,
                    known=0,
                    **dict.fromkeys(_UNKNOWN),
                    level=level,
                    reasons=[],
                    computed_at=utc_now() - timedelta(days=1),
                )
            )
    return version
