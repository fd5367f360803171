"""What averages hide: each rule alone, groups of students, and how the features moved."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dropout_service.learning.baselines import RULES
from dropout_service.learning.metrics import CAPACITY
from dropout_service.learning.rows import EnrolmentRows, Floats, Mask

# Below, the rate of a group says more about chance than about the group.
FEWEST_IN_GROUP = 20
PSI_BINS = 10
_LEAST_SHARE = 1e-4
_MOST_DEPRIVED = ("0-10%", "10-20%", "20-30%", "30-40%")
_LEAST_DEPRIVED = ("60-70%", "70-80%", "80-90%", "90-100%")


@dataclass(frozen=True)
class RuleFigures:
    """One rule: of how many it can say anything, and how right it is; None where it never fires."""

    name: str
    applicable: int
    fired: int
    precision: float | None
    recall: float | None


@dataclass(frozen=True)
class Gap:
    """How often a group's leavers are overlooked when staff see the tenth with the highest risk.

    missed: the false-negative rate of each group, 0 to 1; None below 20 leavers. gap: the highest
    less the lowest.
    """

    attribute: str
    leavers: dict[str, int]
    missed: dict[str, float | None]
    gap: float | None


@dataclass(frozen=True)
class Drift:
    """How much a feature moved from training to test, as population stability index.

    Below 0.1 little, above 0.25 much (Siddiqi 2006, Credit Risk Scorecards). unknown: the shares of
    unknown values, before and after.
    """

    feature: str
    index: float
    unknown: tuple[float, float]


def rules_one_by_one(rows: EnrolmentRows, happened: Floats) -> tuple[RuleFigures, ...]:
    """Return each rule's figures among the enrolments that it can be applied to."""
    return tuple(_rule(name, rule(rows), happened) for name, rule in RULES.items())


def _rule(name: str, fires: Floats, happened: Floats) -> RuleFigures:
    applicable = ~np.isnan(fires)
    fired = fires == 1
    hits, leavers = happened[fired].sum(), happened[applicable].sum()
    return RuleFigures(
        name=name,
        applicable=int(applicable.sum()),
        fired=int(fired.sum()),
        precision=float(hits / fired.sum()) if fired.any() else None,
        recall=float(hits / leavers) if leavers else None,
    )


def gaps(rows: EnrolmentRows, happened: Floats, risks: Floats) -> tuple[Gap, ...]:
    """Return the gaps between groups by gender, disability and deprivation."""
    seen = np.zeros(len(risks), dtype=bool)
    seen[np.argsort(-risks, kind="stable")[: max(1, round(CAPACITY * len(risks)))]] = True
    # OULAD spells one band without its sign.
    band = np.where(rows["deprivation_band"] == "10-20", "10-20%", rows["deprivation_band"])
    groups = {
        "gender": _each(rows["gender"]),
        "disability": _each(rows["has_disability"]),
        "deprivation": {
            "four most deprived tenths": np.isin(band, _MOST_DEPRIVED),
            "four least deprived tenths": np.isin(band, _LEAST_DEPRIVED),
        },
    }
    return tuple(_gap(name, of, happened == 1, seen) for name, of in groups.items())


def _each(column: Floats) -> dict[str, Mask]:
    return {str(value): column == value for value in np.unique(column) if str(value)}


def _gap(attribute: str, groups: dict[str, Mask], happened: Mask, seen: Mask) -> Gap:
    leavers = {name: int((of & happened).sum()) for name, of in groups.items()}
    missed = {
        name: float((of & happened & ~seen).sum() / leavers[name])
        if leavers[name] >= FEWEST_IN_GROUP
        else None
        for name, of in groups.items()
    }
    rates = [rate for rate in missed.values() if rate is not None]
    return Gap(attribute, leavers, missed, max(rates) - min(rates) if len(rates) > 1 else None)


def drifts(
    learned: EnrolmentRows, judged: EnrolmentRows, features: Sequence[str]
) -> tuple[Drift, ...]:
    """Return how each feature moved, the most first."""
    found = [_drift(name, learned, judged) for name in features]
    return tuple(sorted(found, key=lambda drift: -drift.index))


def _drift(name: str, learned: EnrolmentRows, judged: EnrolmentRows) -> Drift:
    before, after = (rows[name].astype(np.float64) for rows in (learned, judged))
    inner = np.linspace(0, 100, PSI_BINS + 1)[1:-1]
    known = before[~np.isnan(before)]
    limits = np.unique(np.percentile(known, inner)) if len(known) else np.empty(0)
    shares = [_shares(values, limits) for values in (before, after)]
    one, other = (np.maximum(share, _LEAST_SHARE) for share in shares)
    index = float(((other - one) * np.log(other / one)).sum())
    return Drift(name, index, (float(shares[0][-1]), float(shares[1][-1])))


def _shares(values: Floats, limits: Floats) -> Floats:
    """Return the share in each bin, the unknown last."""
    known = values[~np.isnan(values)]
    counts = np.bincount(np.searchsorted(limits, known, side="left"), minlength=len(limits) + 1)
    return np.append(counts, len(values) - len(known)) / max(1, len(values))
