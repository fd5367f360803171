"""Metrics of risks: ranking, skill, calibration, and precision with limited staff time."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dropout_service.domain.enrolments.model_assessment import REVIEWED_SHARE
from dropout_service.learning.rows import Floats

CALIBRATION_BINS = 10
_SMALLEST = 1e-12
_LOW, _HIGH = 2.5, 97.5


@dataclass(frozen=True)
class Interval:
    """Figure with the middle 95 % of its values over resamples."""

    value: float
    low: float
    high: float


def interval_of(value: float, drawn: Sequence[float] | Floats) -> Interval:
    """Return a figure with the interval of its resampled values; without any both ends are NaN."""
    known = np.asarray(drawn, dtype=np.float64)
    known = known[~np.isnan(known)]
    low, high = np.percentile(known, [_LOW, _HIGH]) if len(known) else (np.nan, np.nan)
    return Interval(value, float(low), float(high))


@dataclass(frozen=True)
class Metrics:
    """Metrics of one population.

    base_rate, precision and recall: shares, 0 to 1. roc_auc: 0.5 is chance. pr_auc: the average
    precision; chance is the base rate. brier_skill: 1 is perfect, 0 is as good as the base rate,
    below 0 is worse. calibration_error: 0 is perfect. The field names are stored in models.
    """

    rows: int
    base_rate: float
    roc_auc: float
    pr_auc: float
    brier_skill: float
    calibration_error: float
    precision: float
    recall: float


def metrics_of(labels: Floats, risks: Floats) -> Metrics:
    """Return the metrics of risks (0 to 1) against labels (0 or 1).

    Raises:
        ValueError: all labels are equal, so nothing can be ranked.

    """
    base_rate = float(labels.mean()) if len(labels) else 0.0
    if not 0 < base_rate < 1:
        raise ValueError("both outcomes are needed")
    precision, recall = precision_recall_at_share(labels, risks)
    return Metrics(
        rows=len(labels),
        base_rate=base_rate,
        roc_auc=roc_auc(labels, risks),
        pr_auc=average_precision(labels, risks),
        brier_skill=1 - float(((risks - labels) ** 2).mean()) / (base_rate * (1 - base_rate)),
        calibration_error=calibration_error(labels, risks),
        precision=precision,
        recall=recall,
    )


def roc_auc(labels: Floats, risks: Floats) -> float:
    """Return the share of pairs of a positive and a negative row in the right order; ties half."""
    _, group, counts = np.unique(risks, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[group]
    positives = labels.sum()
    negatives = len(labels) - positives
    return float((ranks @ labels - positives * (positives + 1) / 2) / (positives * negatives))


def average_precision(labels: Floats, risks: Floats) -> float:
    """Return the mean precision over the recall steps from each distinct risk to the next lower."""
    rows, hits = _cumulative(labels, risks)
    gained = np.diff(hits, prepend=0.0)
    return float((gained * hits / rows).sum() / labels.sum())


def precision_recall_at_share(
    labels: Floats, risks: Floats, share: float = REVIEWED_SHARE
) -> tuple[float, float]:
    """Return precision and recall of the given share of rows with the highest risk.

    Of equal risks that do not all fit, the expected number of positives counts.
    """
    places = max(1, round(share * len(risks)))
    rows, hits = _cumulative(labels, risks)
    expected = float(np.interp(places, np.append(0, rows), np.append(0, hits)))
    return expected / places, expected / float(labels.sum())


def calibration_bins(labels: Floats, risks: Floats) -> list[tuple[float, float, int]]:
    """Return mean risk, share of positives, and size of ten bins of equal count, rising.

    Equal risks in two bins have the same expected share of positives in both.
    """
    _, group, counts = np.unique(risks, return_inverse=True, return_counts=True)
    shares = (np.bincount(group, weights=labels) / counts)[group]
    order = np.argsort(risks, kind="stable")
    parts = [part for part in np.array_split(order, CALIBRATION_BINS) if len(part)]
    return [(float(risks[p].mean()), float(shares[p].mean()), len(p)) for p in parts]


def calibration_error(labels: Floats, risks: Floats) -> float:
    """Return the mean distance of risk and share of positives over ten bins of equal count."""
    bins = calibration_bins(labels, risks)
    return sum(size * abs(risk - share) for risk, share, size in bins) / len(risks)


def roc_curve(labels: Floats, risks: Floats) -> tuple[Floats, Floats]:
    """Return false-positive and true-positive rates, from the highest threshold to the lowest."""
    rows, hits = _cumulative(labels, risks)
    positives = labels.sum()
    false_positives = (rows - hits) / (len(labels) - positives)
    return np.append(0.0, false_positives), np.append(0.0, hits / positives)


def log_loss(labels: Floats, risks: Floats) -> float:
    """Return the mean negative log-likelihood, 0 or more."""
    likelihood = np.where(labels == 1, risks, 1 - risks)
    return float(-np.log(np.maximum(likelihood, _SMALLEST)).mean())


def _cumulative(labels: Floats, risks: Floats) -> tuple[Floats, Floats]:
    """Return the number of rows and of positives down to each distinct risk."""
    order = np.argsort(-risks, kind="stable")
    ends: NDArray[np.intp] = np.flatnonzero(np.diff(risks[order], append=np.nan) != 0)
    return (ends + 1).astype(np.float64), np.cumsum(labels[order])[ends]
