"""Learned models."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any, Self

from dropout_service.domain.enrolments.outcome_targets import Target
from dropout_service.domain.enrolments.week_quality import WeekLevel
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
    activated_at: datetime | None


class BinOut(Out):
    """Tenth of the rows by risk: mean risk, share that left, and number of rows."""

    risk: float
    share: float
    rows: int


class HitsOut(Out):
    """Highest risks of each course: their number in all courses, and the leavers among them."""

    highest: int
    listed: int
    left: int


class GapOut(Out):
    """Leavers missed outside the tenth with the highest risk, by group, as shares 0 to 1.

    `gap`: the highest share less the lowest. Groups with fewer than 20 leavers are left out.
    """

    attribute: str
    leavers: dict[str, int]
    missed: dict[str, float]
    gap: float


class DayOut(ValidatedOut):
    """Evaluation at the end of a day, on courses that were left out of the training."""

    roc_auc_within_courses: float | None
    bins: list[BinOut]
    hits: list[HitsOut]
    gaps: list[GapOut]


class IntervalOut(Out):
    """Difference with the middle 95 % of the resamples; null: no resample had both outcomes."""

    value: float
    low: float | None
    high: float | None


class ComparisonOut(Out):
    """Comparison by `veritas retrain` with the model that was active, on its latest presentation.

    `is_refitted`: that model had seen the presentation, and was fitted again without it.
    """

    with_version: str
    presentation: str
    is_refitted: bool
    courses: int
    enrolments: int
    roc_auc: IntervalOut
    brier: IntervalOut
    is_replaced: bool


class EvaluationOut(Out):
    """Evaluation of a model; `days` or `comparison` are null where they were not computed.

    `reasons` say why.
    """

    version: str
    days: list[DayOut] | None
    comparison: ComparisonOut | None
    reasons: list[str]

    @classmethod
    def of(cls, version: str, stored: Mapping[str, Any] | None) -> Self:
        """Return the response body of a stored evaluation."""
        days, comparison = (stored or {}).get("days"), (stored or {}).get("comparison")
        reasons = []
        if days is None:
            reasons.append("The model was stored without an evaluation; train it again.")
        if comparison is None:
            reasons.append("Only `veritas retrain` compares a model with the active one.")
        return cls(
            version=version,
            days=days and [DayOut.model_validate(day) for day in days],
            comparison=comparison and ComparisonOut.model_validate(comparison),
            reasons=reasons,
        )


class ModelWeekOut(Out):
    """Predictions of one week against the outcomes known by now; docs/scores.md has the formulas.

    `week` is its Monday. Of the `predictions`, `left` are known to have left, `expected_left` were
    expected to until the end. The figures are of the `known`, and null with a reason if they are
    too few.
    """

    week: date
    predictions: int
    expected_left: float
    left: int
    known: int
    mean_risk: float | None
    observed_share: float | None
    observed_low: float | None
    observed_high: float | None
    brier: float | None
    calibration_error: float | None
    drift_index: float | None
    level: WeekLevel
    reasons: list[str]
    computed_at: datetime
