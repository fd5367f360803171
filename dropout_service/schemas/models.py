"""Learned models, as they are answered."""

from datetime import datetime

from dropout_service.domain.enrolments.outcome_targets import Target
from shared_web.requests.fields import Out


class TrainingOut(Out):
    """What a model was learned from; `courses`: enrolments of each; `rows`: one per day of one."""

    presentations: list[str]
    courses: dict[str, int]
    enrolments: int
    rows: int
    days: list[int]


class ValidatedOut(Out):
    """How a model did at the end of a day on courses that were left out while it learned.

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
    """A model that was learned; its `id` is the `version` of what it predicted.

    `target` is what `risk_score` is the probability of. `metrics` are by variant,
    `without_activity` and `with_activity`; the latter is missing where no course had any.
    """

    id: str
    target: Target
    is_active: bool
    training: TrainingOut
    metrics: dict[str, list[ValidatedOut]]
    created_at: datetime
