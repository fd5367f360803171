"""Audit of a model: each rule alone, gaps between groups of students, and drift of the features."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dropout_service.domain.enrolments.model_assessment import REVIEWED_SHARE
from dropout_service.learning.baselines import RULES
from dropout_service.learning.rows import EnrolmentRows, Floats, Mask

# With fewer dropouts the miss rate of a group depends mostly on chance.
MIN_DROPOUTS_IN_GROUP = 20
PSI_BINS = 10
_MIN_SHARE = 1e-4
_MOST_DEPRIVED = ("0-10%", "10-20%", "20-30%", "30-40%")
_LEAST_DEPRIVED = ("60-70%", "70-80%", "80-90%", "90-100%")


@dataclass(frozen=True)
class RuleFigures:
    """Figures of one rule: applicable rows, fired rows, precision and recall.

    precision is None if the rule never fires, recall if no applicable row is positive.
    """

    name: str
    applicable: int
    fired: int
    precision: float | None
    recall: float | None


@dataclass(frozen=True)
class Gap:
    """Gap between groups if staff see the tenth with the highest risk.

    missed: the false-negative rate of each group, 0 to 1; None below 20 dropouts. gap: the highest
    rate less the lowest.
    """

    attribute: str
    leavers: dict[str, int]
    missed: dict[str, float | None]
    gap: float | None


@dataclass(frozen=True)
class Drift:
    """Population stability index of a feature from training to test.

    Below 0.1 little, above 0.25 much (Siddiqi 2006, Credit Risk Scorecards). unknown: the shares of
    unknown values in training and in test.
    """

    feature: str
    index: float
    unknown: tuple[float, float]


def rules_one_by_one(rows: EnrolmentRows, labels: Floats) -> tuple[RuleFigures, ...]:
    """Return each rule's figures over the enrolments that it is applicable to."""
    return tuple(_rule_figures(name, rule(rows), labels) for name, rule in RULES.items())


def _rule_figures(name: str, fires: Floats, labels: Floats) -> RuleFigures:
    applicable = ~np.isnan(fires)
    fired = fires == 1
    hits, positives = labels[fired].sum(), labels[applicable].sum()
    return RuleFigures(
        name=name,
        applicable=int(applicable.sum()),
        fired=int(fired.sum()),
        precision=float(hits / fired.sum()) if fired.any() else None,
        recall=float(hits / positives) if positives else None,
    )


def gaps(rows: EnrolmentRows, labels: Floats, risks: Floats) -> tuple[Gap, ...]:
    """Return the gaps between groups by gender, disability and deprivation."""
    reviewed = np.zeros(len(risks), dtype=bool)
    reviewed[np.argsort(-risks, kind="stable")[: max(1, round(REVIEWED_SHARE * len(risks)))]] = True
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
    return tuple(_gap(name, masks, labels == 1, reviewed) for name, masks in groups.items())


def _each(column: Floats) -> dict[str, Mask]:
    return {str(value): column == value for value in np.unique(column) if str(value)}


def _gap(attribute: str, groups: dict[str, Mask], positive: Mask, reviewed: Mask) -> Gap:
    leavers = {name: int((group & positive).sum()) for name, group in groups.items()}
    missed = {
        name: float((group & positive & ~reviewed).sum() / leavers[name])
        if leavers[name] >= MIN_DROPOUTS_IN_GROUP
        else None
        for name, group in groups.items()
    }
    rates = [rate for rate in missed.values() if rate is not None]
    return Gap(attribute, leavers, missed, max(rates) - min(rates) if len(rates) > 1 else None)


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
