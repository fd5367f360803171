"""Evaluation of a trained model on courses left out of its training, as stored with the model."""

from dataclasses import asdict
from typing import Any

import numpy as np

from dropout_service.learning.auditing import Gap, gaps
from dropout_service.learning.metrics import calibration_bins, metrics_of
from dropout_service.learning.rows import EnrolmentRows, Floats
from dropout_service.learning.training import TrainedModel, TrainedVariant
from dropout_service.learning.within_courses import within_courses

RESAMPLES = 1
HITS_AT = (5, 10, 20)
BINS = 10
RISK_LIMITS, RISK_SHARES = "risk_limits", "risk_shares"


def held_out_days(trained: TrainedModel, rows: EnrolmentRows) -> list[dict[str, Any]] | None:
    """Return the evaluation of each day with both outcomes, in JSON; None without left-out risks.

    rows: the training rows. Each row counts with the risk by the variant that would predict it.
    The keys are stored in models; docs/scores.md explains them.
    """
    risks = _held_out_risks(trained, rows)
    if risks is None:
        return None
    known = rows.where(~np.isnan(risks)).with_columns(held_out_risk=risks[~np.isnan(risks)])
    days = (known.where(known["day"] == day) for day in np.unique(known["day"]))
    return [_of_day(day) for day in days if 0 < day.labels.sum() < len(day)]


def _held_out_risks(trained: TrainedModel, rows: EnrolmentRows) -> Floats | None:
    plain, active = trained.without_activity.held_out, trained.with_activity
    if plain is None or active is None or active.held_out is None:
        return plain
    return np.where(rows["has_activity"].astype(bool), active.held_out, plain)


def _of_day(rows: EnrolmentRows) -> dict[str, Any]:
    labels, risks = rows.labels, rows["held_out_risk"]
    return {
        "day": int(rows["day"][0]),
        **asdict(metrics_of(labels, risks)),
        "roc_auc_within_courses": _within_courses(rows),
        "bins": [
            {"risk": risk, "share": share, "rows": size}
            for risk, share, size in calibration_bins(labels, risks)
        ],
        "hits": [_hits(rows, count) for count in HITS_AT],
        "gaps": [_gap(gap) for gap in gaps(rows, risks, RESAMPLES) if gap.gap is not None],
        **_distribution(risks),
    }


def _distribution(risks: Floats) -> dict[str, list[float]]:
    """Return the inner limits of ten bins, and the share of risks in each; equal limits may be."""
    limits = np.percentile(risks, np.linspace(0, 100, BINS + 1)[1:-1])
    counts = np.bincount(np.searchsorted(limits, risks, side="left"), minlength=BINS)
    return {RISK_LIMITS: limits.tolist(), RISK_SHARES: (counts / len(risks)).tolist()}


def _gap(gap: Gap) -> dict[str, Any]:
    """Return a gap with the groups that have a rate; counts of small groups are not stored."""
    missed = {name: rate for name, rate in gap.missed.items() if rate is not None}
    leavers = {name: gap.leavers[name] for name in missed}
    shown = None if gap.gap is None else gap.gap.value
    return {"attribute": gap.attribute, "leavers": leavers, "missed": missed, "gap": shown}


def variant_within_courses(
    variant: TrainedVariant, rows: EnrolmentRows
) -> dict[int, dict[str, float]]:
    """Return by day the figures within courses of a variant, on courses that it did not see.

    rows: the training rows. Days on which no course has both outcomes are left out.
    """
    risks = variant.held_out
    if risks is None:
        return {}
    known = rows.where(~np.isnan(risks)).with_columns(held_out_risk=risks[~np.isnan(risks)])
    days = {int(day): known.where(known["day"] == day) for day in np.unique(known["day"])}
    figures = {day: _figures_within(of_day) for day, of_day in days.items()}
    return {day: found for day, found in figures.items() if found is not None}


def _within_courses(rows: EnrolmentRows) -> float | None:
    """Return the mean ROC-AUC of the courses; None if none has both outcomes."""
    found = _figures_within(rows)
    return None if found is None else found["roc_auc"]


def _figures_within(rows: EnrolmentRows) -> dict[str, float] | None:
    """Return the means of the courses' figures; None if none has both outcomes."""
    courses = [rows["course"] == course for course in np.unique(rows["course"])]
    if all(len(np.unique(rows.labels[course])) < 2 for course in courses):  # noqa: PLR2004
        return None
    found = within_courses(rows, {"model": rows["held_out_risk"]}, RESAMPLES)
    return {name: one.value for name, one in found.by_method["model"].items()}


def _hits(rows: EnrolmentRows, count: int) -> dict[str, int]:
    """Return the number of the highest risks of each course, and of the leavers among them."""
    listed = left = 0
    for course in np.unique(rows["course"]):
        of_course = rows.where(rows["course"] == course)
        highest = np.argsort(-of_course["held_out_risk"], kind="stable")[:count]
        listed += len(highest)
        left += int(of_course.labels[highest].sum())
    return {"highest": count, "listed": listed, "left": left}
