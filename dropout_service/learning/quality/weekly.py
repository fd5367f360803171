"""Figures of the predictions of one week against the outcomes that are known."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dropout_service.domain.enrolments.week_quality import (
    MIN_FOR_CALIBRATION_ERROR,
    MIN_FOR_DRIFT,
    MIN_KNOWN,
    WeekFigures,
    wilson_interval,
)
from dropout_service.learning.auditing import stability_index
from dropout_service.learning.metrics import calibration_error
from dropout_service.learning.quality.held_out import BINS, RISK_LIMITS, RISK_SHARES
from dropout_service.learning.rows import Floats


@dataclass(frozen=True, slots=True)
class PredictedRow:
    """Prediction of an enrolment; day: of its course. has_left is None: the outcome is not known.

    left_so_far: the student has left by now, also in a course that is not finished.
    """

    risk: float
    day: int
    left_so_far: bool
    has_left: bool | None


def week_figures(
    rows: Sequence[PredictedRow], training_days: Sequence[Mapping[str, Any]]
) -> WeekFigures:
    """Return the figures of the rows, at least one.

    training_days: the days of `held_out_days` of the model, with the risks of its training.
    """
    risks = np.array([row.risk for row in rows])
    known = np.array([row.has_left is not None for row in rows], dtype=bool)
    labels = np.array([float(bool(row.has_left)) for row in rows])[known]
    of_known, count = risks[known], int(known.sum())
    is_enough = count >= MIN_KNOWN
    low, high = wilson_interval(int(labels.sum()), count) if is_enough else (None, None)
    has_error = count >= MIN_FOR_CALIBRATION_ERROR
    return WeekFigures(
        predictions=len(rows),
        expected_left=float(risks.sum()),
        left=sum(row.left_so_far for row in rows),
        known=count,
        mean_risk=float(of_known.mean()) if is_enough else None,
        observed_share=float(labels.mean()) if is_enough else None,
        observed_low=low,
        observed_high=high,
        brier=float(((of_known - labels) ** 2).mean()) if is_enough else None,
        calibration_error=calibration_error(labels, of_known) if has_error else None,
        drift_index=_drift_index(risks, [row.day for row in rows], training_days),
    )


def _drift_index(
    risks: Floats, days: Sequence[int], training_days: Sequence[Mapping[str, Any]]
) -> float | None:
    """Return the stability index of the risks, each against those of the nearest training day."""
    if len(risks) < MIN_FOR_DRIFT or not training_days:
        return None
    expected, actual = np.zeros(BINS), np.zeros(BINS)
    at = np.array([one["day"] for one in training_days])
    nearest = np.abs(at[:, None] - np.array(days)).argmin(axis=0)
    for place in np.unique(nearest):
        training, own = training_days[place], risks[nearest == place]
        bins = np.searchsorted(training[RISK_LIMITS], own, side="left")
        actual += np.bincount(bins, minlength=BINS)
        expected += len(own) * np.array(training[RISK_SHARES])
    return stability_index(expected / len(risks), actual / len(risks))
