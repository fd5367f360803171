"""How good risks are: ranking, sharpness, calibration, and what staff gain who can see few."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dropout_service.learning.rows import Floats

CAPACITY = 0.1
CALIBRATION_BINS = 10
_SMALLEST = 1e-12


@dataclass(frozen=True)
class Metrics:
    """Figures of one population.

    base_rate, precision and recall: shares, 0 to 1. roc_auc: 0.5 is chance. pr_auc: the average
    precision; chance is the base rate. brier_skill: 1 is perfect, 0 is as good as the base rate,
    below 0 is worse. calibration_error: 0 is perfect.
    """

    rows: int
    base_rate: float
    roc_auc: float
    pr_auc: float
    brier_skill: float
    calibration_error: float
    precision: float
    recall: float


def metrics_of(happened: Floats, risks: Floats) -> Metrics:
    """Return the figures of these risks (0 to 1), given what happened (0 or 1).

    Raises:
        ValueError: it happened to all or to nobody, so nothing can be told apart.

    """
    base_rate = float(happened.mean()) if len(happened) else 0.0
    if not 0 < base_rate < 1:
        raise ValueError("both outcomes are needed")
    precision, recall = at_capacity(happened, risks)
    return Metrics(
        rows=len(happened),
        base_rate=base_rate,
        roc_auc=roc_auc(happened, risks),
        pr_auc=average_precision(happened, risks),
        brier_skill=1 - float(((risks - happened) ** 2).mean()) / (base_rate * (1 - base_rate)),
        calibration_error=calibration_error(happened, risks),
        precision=precision,
        recall=recall,
    )


def roc_auc(happened: Floats, risks: Floats) -> float:
    """Return how often who it happened to has the higher risk, ties counting half."""
    _, group, counts = np.unique(risks, return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[group]
    positives = happened.sum()
    negatives = len(happened) - positives
    return float((ranks @ happened - positives * (positives + 1) / 2) / (positives * negatives))


def average_precision(happened: Floats, risks: Floats) -> float:
    """Return the mean precision over the recalls, from one distinct risk to the next lower."""
    seen, found = _falling(happened, risks)
    gained = np.diff(found, prepend=0.0)
    return float((gained * found / seen).sum() / happened.sum())


def at_capacity(happened: Floats, risks: Floats, capacity: float = CAPACITY) -> tuple[float, float]:
    """Return precision and recall when staff see this share, those of the highest risk.

    Of equal risks that do not all fit as many count as would by drawing lots.
    """
    places = max(1, round(capacity * len(risks)))
    seen, found = _falling(happened, risks)
    hits = float(np.interp(places, np.append(0, seen), np.append(0, found)))
    return hits / places, hits / float(happened.sum())


def calibration_bins(happened: Floats, risks: Floats) -> list[tuple[float, float, int]]:
    """Return mean risk, share that happened, and size of ten bins of equal count, rising.

    Equal risks that fall into two bins are spread as they would be by drawing lots.
    """
    _, group, counts = np.unique(risks, return_inverse=True, return_counts=True)
    shares = (np.bincount(group, weights=happened) / counts)[group]
    order = np.argsort(risks, kind="stable")
    parts = [part for part in np.array_split(order, CALIBRATION_BINS) if len(part)]
    return [(float(risks[p].mean()), float(shares[p].mean()), len(p)) for p in parts]


def calibration_error(happened: Floats, risks: Floats) -> float:
    """Return the mean distance between risk and share over ten bins of equal count."""
    bins = calibration_bins(happened, risks)
    return sum(size * abs(risk - share) for risk, share, size in bins) / len(risks)


def roc_curve(happened: Floats, risks: Floats) -> tuple[Floats, Floats]:
    """Return the shares of false alarms and of hits, from the strictest limit to none."""
    seen, found = _falling(happened, risks)
    positives = happened.sum()
    alarms = (seen - found) / (len(happened) - positives)
    return np.append(0.0, alarms), np.append(0.0, found / positives)


def log_loss(happened: Floats, risks: Floats) -> float:
    """Return the mean negative log-likelihood, 0 or more."""
    likelihood = np.where(happened == 1, risks, 1 - risks)
    return float(-np.log(np.maximum(likelihood, _SMALLEST)).mean())


def _falling(happened: Floats, risks: Floats) -> tuple[Floats, Floats]:
    """Return how many are seen, and of them happened to, down to each distinct risk."""
    order = np.argsort(-risks, kind="stable")
    ends: NDArray[np.intp] = np.flatnonzero(np.diff(risks[order], append=np.nan) != 0)
    return (ends + 1).astype(np.float64), np.cumsum(happened[order])[ends]
