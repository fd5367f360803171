"""Audit of a model: gaps between groups of students, and drift of the features."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dropout_service.domain.enrolments.model_assessment import REVIEWED_SHARE
from dropout_service.learning.metrics import Interval, interval_of
from dropout_service.learning.rows import Column, EnrolmentRows, Floats, Mask
from dropout_service.learning.within_courses import times_drawn

# With fewer dropouts the miss rate of a group depends mostly on chance.
MIN_DROPOUTS_IN_GROUP = 20
PSI_BINS = 10
_MIN_SHARE = 1e-4
_MOST_DEPRIVED = ("0-10%", "10-20%", "20-30%", "30-40%")
_LEAST_DEPRIVED = ("60-70%", "70-80%", "80-90%", "90-100%")


@dataclass(frozen=True)
class Gap:
    """Gap between groups if staff see the tenth of each course with the highest risk.

    leavers: of each group. missed: the false-negative rate of each group, 0 to 1; None below 20
    leavers. gap: the highest rate less the lowest, with its interval over resampled courses and
    students; the interval of a gap by chance contains 0.
    """

    attribute: str
    leavers: dict[str, int]
    missed: dict[str, float | None]
    gap: Interval | None


@dataclass(frozen=True)
class Drift:
    """Population stability index of a feature from training to test.

    Below 0.1 little, above 0.25 much (Siddiqi 2006, Credit Risk Scorecards). unknown: the shares of
    unknown values in training and in test.
    """

    feature: str
    index: float
    unknown: tuple[float, float]


def gaps(rows: EnrolmentRows, risks: Floats, resamples: int) -> tuple[Gap, ...]:
    """Return the gaps between groups by gender, disability and deprivation, on one day."""
    missed = (rows.labels == 1) & ~_reviewed(rows["course"], risks)
    # OULAD spells one band without its percent sign.
    band = np.where(rows["deprivation_band"] == "10-20", "10-20%", rows["deprivation_band"])
    groups = {
        "gender": _each(rows["gender"]),
        "disability": _each(rows["has_disability"]),
        "deprivation": {
            "four most deprived tenths": np.isin(band, _MOST_DEPRIVED),
            "four least deprived tenths": np.isin(band, _LEAST_DEPRIVED),
        },
    }
    times = times_drawn(rows, resamples)
    return tuple(_gap(name, masks, rows.labels, missed, times) for name, masks in groups.items())


def _reviewed(courses: Column, risks: Floats) -> Mask:
    """Return a mask of the tenth of each course with the highest risk."""
    reviewed = np.zeros(len(risks), dtype=bool)
    for course in np.unique(courses):
        of_course = np.flatnonzero(courses == course)
        places = max(1, round(REVIEWED_SHARE * len(of_course)))
        reviewed[of_course[np.argsort(-risks[of_course], kind="stable")[:places]]] = True
    return reviewed


def _each(column: Floats) -> dict[str, Mask]:
    return {str(value): column == value for value in np.unique(column) if str(value)}


def _gap(
    attribute: str, groups: dict[str, Mask], labels: Floats, missed: Mask, times: Floats
) -> Gap:
    leavers = {name: int(labels[group].sum()) for name, group in groups.items()}
    rates = {
        name: (times @ (group & missed)) / np.maximum(times @ (group * labels), 1)
        for name, group in groups.items()
        if leavers[name] >= MIN_DROPOUTS_IN_GROUP
    }
    shown = {name: float(rates[name][0]) if name in rates else None for name in groups}
    ordered = sorted(rates.values(), key=lambda drawn: float(drawn[0]))
    gap = None
    if len(ordered) > 1:
        drawn = ordered[-1] - ordered[0]
        gap = interval_of(float(drawn[0]), drawn[1:])
    return Gap(attribute, leavers, shown, gap)


def drifts(
    training: EnrolmentRows, test: EnrolmentRows, features: Sequence[str]
) -> tuple[Drift, ...]:
    """Return the drift of each feature, the largest first."""
    found = [_drift(name, training, test) for name in features]
    return tuple(sorted(found, key=lambda drift: -drift.index))


def _drift(name: str, training: EnrolmentRows, test: EnrolmentRows) -> Drift:
    before, after = (rows[name].astype(np.float64) for rows in (training, test))
    inner = np.linspace(0, 100, PSI_BINS + 1)[1:-1]
    known = before[~np.isnan(before)]
    limits = np.unique(np.percentile(known, inner)) if len(known) else np.empty(0)
    shares = [_shares(values, limits) for values in (before, after)]
    return Drift(name, stability_index(*shares), (float(shares[0][-1]), float(shares[1][-1])))


def stability_index(expected: Floats, actual: Floats) -> float:
    """Return the population stability index of the shares of the same bins, 0 or more."""
    before, after = (np.maximum(share, _MIN_SHARE) for share in (expected, actual))
    return float(((after - before) * np.log(after / before)).sum())


def _shares(values: Floats, limits: Floats) -> Floats:
    """Return the share of values in each bin, and last the share of unknown values."""
    known = values[~np.isnan(values)]
    counts = np.bincount(np.searchsorted(limits, known, side="left"), minlength=len(limits) + 1)
    return np.append(counts, len(values) - len(known)) / max(1, len(values))
