"""Quality of a model's predictions of one week: the level, by fixed limits, and its reasons."""

from dataclasses import dataclass
from enum import StrEnum
from math import sqrt

MIN_PREDICTIONS = 20
MIN_KNOWN = 50
MIN_FOR_CALIBRATION_ERROR = 200
MIN_FOR_DRIFT = 200
LARGE_DIFFERENCE = 0.05
# Limits of the population stability index: Siddiqi 2006, Credit Risk Scorecards.
SOME_DRIFT, MUCH_DRIFT = 0.1, 0.25
# One week in 700 exceeds it by chance.
_SURPRISING_DEVIATIONS = 3.0
_QUANTILE = 1.959964


class WeekLevel(StrEnum):
    """Level of a week; `unknown`: nothing is wrong yet, and too few outcomes are known."""

    OK = "ok"
    WATCH = "watch"
    WARNING = "warning"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class WeekFigures:
    """Figures of the predictions of a week; None: too few rows.

    predictions, known, left: numbers of enrolments. expected_left: sum of the risks of all
    predictions. mean_risk, observed_share with its 95 % interval, and brier (mean squared error)
    are of the known ones, 0 to 1. drift_index: population stability index of the risks, 0 or more.
    """

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


def wilson_interval(positives: int, count: int) -> tuple[float, float]:
    """Return the 95 % interval of a share (Wilson 1927, JASA 22:209). count: 1 or more."""
    square = _QUANTILE**2
    middle = (positives + square / 2) / (count + square)
    spread = positives * (count - positives) / count + square / 4
    half = _QUANTILE / (count + square) * sqrt(spread)
    return max(0.0, middle - half), min(1.0, middle + half)


def week_level(figures: WeekFigures) -> tuple[WeekLevel, list[str]]:
    """Return the level of a week and the reasons of it, and of each missing figure."""
    warnings = [*_calibration_faults(figures, is_large=True), *_surprises(figures)]
    if figures.drift_index is not None and figures.drift_index > MUCH_DRIFT:
        warnings.append(f"the risks differ much from training (index {figures.drift_index:.2f})")
    missing = _missing(figures)
    if warnings:
        return WeekLevel.WARNING, warnings + missing
    watched = _calibration_faults(figures, is_large=False)
    if figures.drift_index is not None and figures.drift_index > SOME_DRIFT:
        watched.append(f"the risks differ from training (index {figures.drift_index:.2f})")
    if watched:
        return WeekLevel.WATCH, watched + missing
    return (WeekLevel.UNKNOWN if figures.mean_risk is None else WeekLevel.OK), missing


def _calibration_faults(figures: WeekFigures, *, is_large: bool) -> list[str]:
    mean, share = figures.mean_risk, figures.observed_share
    low, high = figures.observed_low, figures.observed_high
    if mean is None or share is None or low is None or high is None or low <= mean <= high:
        return []
    if (abs(share - mean) > LARGE_DIFFERENCE) is not is_large:
        return []
    return [f"{share:.0%} left ({low:.0%} to {high:.0%}), {mean:.0%} were predicted"]


def _surprises(figures: WeekFigures) -> list[str]:
    """Return the reason if more have left already than the risks allow for the whole course."""
    count, expected = figures.predictions, figures.expected_left
    deviation = sqrt(max(0.0, expected * (1 - expected / count)))
    excess = figures.left - expected
    if excess <= max(_SURPRISING_DEVIATIONS * deviation, LARGE_DIFFERENCE * count):
        return []
    return [f"{figures.left} have left already, {expected:.0f} were expected until the end"]


def _missing(figures: WeekFigures) -> list[str]:
    known, missing = figures.known, []
    if figures.mean_risk is None:
        missing.append(f"outcomes of {known} enrolments are known; {MIN_KNOWN} are needed")
    elif figures.calibration_error is None:
        needed = MIN_FOR_CALIBRATION_ERROR
        missing.append(f"no calibration error: {known} outcomes are known; {needed} are needed")
    if figures.drift_index is None and figures.predictions < MIN_FOR_DRIFT:
        count, needed = figures.predictions, MIN_FOR_DRIFT
        missing.append(f"no drift index: {count} predictions were made; {needed} are needed")
    elif figures.drift_index is None:
        missing.append("no drift index: the model was stored without risks of its training")
    return missing
