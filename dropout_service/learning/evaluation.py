"""How good a model is on courses it has not seen, beside its baselines, with intervals."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

import numpy as np

from dropout_service.learning.auditing import Gap, RuleFigures, gaps, rules_one_by_one
from dropout_service.learning.baselines import logistic_risk, rules_risk
from dropout_service.learning.metrics import Metrics, metrics_of
from dropout_service.learning.model import RiskModel
from dropout_service.learning.rows import Column, EnrolmentRows, Floats, Mask
from dropout_service.learning.training import HAPPENED, Progress

MODEL, RULES = "model", "four rules"
LOGISTIC, WITH_MODULES = "logistic regression", "logistic regression with modules"
BASELINES = (LOGISTIC, WITH_MODULES, RULES)
FIGURES = tuple(f.name for f in fields(Metrics) if f.name not in ("rows", "base_rate"))
_LOW, _HIGH = 2.5, 97.5
_SEED = 20_131


@dataclass(frozen=True)
class Interval:
    """A figure with the middle 95 % of what resampling the students gives."""

    value: float
    low: float
    high: float


Figures = Mapping[str, Interval]


@dataclass(frozen=True)
class PopulationFigures:
    """One population: figures by judge, and of the model's less each baseline's."""

    rows: int
    happened: int
    by_judge: Mapping[str, Figures]
    ahead_of: Mapping[str, Figures]


@dataclass(frozen=True)
class DayEvaluation:
    """One cut-off: everybody, only modules that training saw, rules one by one, and the audit.

    risks and happened: of everybody, for plots. seen is None where training saw all or none.
    """

    day: int
    everybody: PopulationFigures
    seen: PopulationFigures | None
    rules: tuple[RuleFigures, ...]
    gaps: tuple[Gap, ...]
    risks: Mapping[str, Floats]
    happened: Floats


def evaluate_days(
    model: RiskModel,
    learned: EnrolmentRows,
    judged: EnrolmentRows,
    resamples: int,
    progress: Progress,
) -> list[DayEvaluation]:
    """Return the figures of each day on which there is something to tell apart.

    learned: what the model was made from, on the same days, for the baselines. A day is left out
    where it happened to nobody or to everybody, of those learned from or of those judged.
    """
    days = [int(day) for day in np.unique(judged["day"])]
    found = []
    for done, day in enumerate(days):
        progress("Evaluating", done, len(days))
        ones, others = (rows.where(rows["day"] == day) for rows in (learned, judged))
        if _has_both(ones) and _has_both(others):
            found.append(_evaluate_day(model, ones, others, day, resamples))
    return found


def _has_both(rows: EnrolmentRows) -> bool:
    return len(np.unique(rows[HAPPENED])) > 1


def _evaluate_day(
    model: RiskModel, learned: EnrolmentRows, judged: EnrolmentRows, day: int, resamples: int
) -> DayEvaluation:
    risks = {
        MODEL: model.scores(judged).probability,
        LOGISTIC: logistic_risk(learned, judged),
        WITH_MODULES: logistic_risk(learned, judged, has_modules=True),
        RULES: rules_risk(learned, judged),
    }
    happened = judged[HAPPENED].astype(np.float64)
    seen = np.isin(judged["module"], learned["module"])
    is_mixed = not seen.all() and _has_both(judged.where(seen))
    students = judged["student_id"]
    return DayEvaluation(
        day=day,
        everybody=population_figures(students, happened, risks, resamples),
        seen=_among(seen, students, happened, risks, resamples) if is_mixed else None,
        rules=rules_one_by_one(judged, happened),
        gaps=gaps(judged, happened, risks[MODEL]),
        risks=risks,
        happened=happened,
    )


def _among(
    chosen: Mask, students: Column, happened: Floats, risks: Mapping[str, Floats], resamples: int
) -> PopulationFigures:
    some = {judge: risk[chosen] for judge, risk in risks.items()}
    return population_figures(students[chosen], happened[chosen], some, resamples)


def population_figures(
    students: Column, happened: Floats, risks: Mapping[str, Floats], resamples: int
) -> PopulationFigures:
    """Return the figures of all judges, with intervals by resampling whole students.

    All judges are resampled alike, so their difference has an interval of its own.
    """
    drawn: dict[str, list[Metrics]] = {judge: [] for judge in risks}
    for of in _samples(students, resamples):
        if 0 < happened[of].sum() < len(of):
            for judge, risk in risks.items():
                drawn[judge].append(metrics_of(happened[of], risk[of]))
    values = {judge: metrics_of(happened, risk) for judge, risk in risks.items()}
    figures = {judge: _figures(values[judge], drawn[judge]) for judge in risks}
    ahead = {
        judge: _ahead(values[MODEL], values[judge], drawn[MODEL], drawn[judge])
        for judge in risks
        if judge != MODEL
    }
    return PopulationFigures(len(happened), int(happened.sum()), figures, ahead)


def _samples(students: Column, resamples: int) -> Iterator[Column]:
    """Give the places of the rows of students drawn with replacement."""
    random = np.random.default_rng(_SEED)
    _, number = np.unique(students, return_inverse=True)
    count = int(number.max()) + 1
    order = np.argsort(number, kind="stable")
    for _ in range(resamples):
        times = np.bincount(random.integers(0, count, count), minlength=count)
        yield np.repeat(order, times[number[order]])


def _figures(value: Metrics, drawn: list[Metrics]) -> Figures:
    return {
        name: _spread(getattr(value, name), [getattr(one, name) for one in drawn])
        for name in FIGURES
    }


def _ahead(value: Metrics, other: Metrics, drawn: list[Metrics], others: list[Metrics]) -> Figures:
    pairs = list(zip(drawn, others, strict=True))
    return {
        name: _spread(
            getattr(value, name) - getattr(other, name),
            [getattr(one, name) - getattr(two, name) for one, two in pairs],
        )
        for name in FIGURES
    }


def _spread(value: float, drawn: list[float]) -> Interval:
    low, high = np.percentile(drawn, [_LOW, _HIGH]) if drawn else (np.nan, np.nan)
    return Interval(value, float(low), float(high))
