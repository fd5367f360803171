"""Learned models."""

from datetime import datetime

from dropout_service.domain.enrolments.outcome_targets import Target
from shared_web.requests.fields import Out


class TrainingOut(Out):
    """Training data of a model. `courses`: enrolments by course; `rows`: enrolments times days."""

    presentations: list[str]
    courses: dict[str, int]
    enrolments: int
    rows: int
    days: list[int]


class ValidatedOut(Out):
    """Metrics of a model at the end of a day, on courses that were left out of its training.

    With a single course: on students who were left out. docs/scores.md has each formula.
    """

    day: int
    rows: int
    base_rate: float
    roc_auc: float
    pr_auc: float
    brier_skill: float
    calibration_error: float
    precision: float
    recall: float


class ModelOut(Out):
    """Learned model; its `id` is the `version` of its predictions.

    `risk_score` is the probability of `target`. `metrics` are by variant, `without_activity` and
    `with_activity`; the latter is missing if no course had activity.
    """

    id: str
    target: Target
    is_active: bool
    training: TrainingOut
    metrics: dict[str, list[ValidatedOut]]
    created_at: datetime
