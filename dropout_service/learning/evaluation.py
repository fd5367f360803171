"""Evaluation of a model and its baselines on unseen courses, with intervals."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

import numpy as np

from dropout_service.learning.auditing import Gap, RuleFigures, gaps, rules_one_by_one
from dropout_service.learning.baselines import logistic_risk, rules_risk
from dropout_service.learning.metrics import Interval, Metrics, interval_of, metrics_of
from dropout_service.learning.model import RiskModel
from dropout_service.learning.rows import LABEL, Column, EnrolmentRows, Floats, Mask
from dropout_service.learning.training import Progress

MODEL, RULES = "model", "four rules"
LOGISTIC, WITH_MODULES = "logistic regression", "logistic regression with modules"
BASELINES = (LOGISTIC, WITH_MODULES, RULES)
FIGURES = tuple(f.name for f in fields(Metrics) if f.name not in ("rows", "base_rate"))
_SEED = 20_131


Figures = Mapping[str, Interval]


@dataclass(frozen=True)
class PopulationFigures:
    """Figures of one population, by method: the model or a baseline.

    positives: rows with label 1. ahead_of: by baseline, the model's figures less the baseline's.
    """

    rows: int
    positives: int
    by_method: Mapping[str, Figures]
    ahead_of: Mapping[str, Figures]


@dataclass(frozen=True)
class DayEvaluation:
    """Evaluation of one cut-off day.

    seen_modules: only modules with training courses; None if no module is unseen, or if they have
    only one outcome. risks and labels: of all modules, for plots.
    """

    day: int
    all_modules: PopulationFigures
    seen_modules: PopulationFigures | None
    rules: tuple[RuleFigures, ...]
    gaps: tuple[Gap, ...]
    risks: Mapping[str, Floats]
    labels: Floats


def evaluate_days(
    model: RiskModel,
    training: EnrolmentRows,
    test: EnrolmentRows,
    resamples: int,
    progress: Progress,
) -> list[DayEvaluation]:
    """Return the evaluation of each day with both labels, in the training and in the test rows.

    training: the rows that the model was trained on, of the same days, for the baselines.
    """
    days = [int(day) for day in np.unique(test["day"])]
    found = []
    for done, day in enumerate(days):
        progress("Evaluating", done, len(days))
        training_rows, test_rows = (rows.where(rows["day"] == day) for rows in (training, test))
        if _has_both(training_rows) and _has_both(test_rows):
            found.append(_evaluate_day(model, training_rows, test_rows, day, resamples))
    return found


def _has_both(rows: EnrolmentRows) -> bool:
    return len(np.unique(rows[LABEL])) > 1


def _evaluate_day(
    model: RiskModel, training: EnrolmentRows, test: EnrolmentRows, day: int, resamples: int
) -> DayEvaluation:
    risks = {
        MODEL: model.scores(test).probability,
        LOGISTIC: logistic_risk(training, test),
        WITH_MODULES: logistic_risk(training, test, has_modules=True),
        RULES: rules_risk(training, test),
    }
    labels = test.labels
    seen = np.isin(test["module"], training["module"])
    is_mixed = not seen.all() and _has_both(test.where(seen))
    students = test["student_id"]
    return DayEvaluation(
        day=day,
        all_modules=population_figures(students, labels, risks, resamples),
        seen_modules=_among(seen, students, labels, risks, resamples) if is_mixed else None,
        rules=rules_one_by_one(test, labels),
        gaps=gaps(test, labels, risks[MODEL]),
        risks=risks,
        labels=labels,
    )


def _among(
    chosen: Mask, students: Column, labels: Floats, risks: Mapping[str, Floats], resamples: int
) -> PopulationFigures:
    chosen_risks = {method: risk[chosen] for method, risk in risks.items()}
    return population_figures(students[chosen], labels[chosen], chosen_risks, resamples)


def population_figures(
    students: Column, labels: Floats, risks: Mapping[str, Floats], resamples: int
) -> PopulationFigures:
    """Return the figures of all methods, with intervals by resampling whole students.

    All methods have the same resamples, so that their difference has an interval too.
    """
    drawn: dict[str, list[Metrics]] = {method: [] for method in risks}
    for sample in _samples(students, resamples):
        if 0 < labels[sample].sum() < len(sample):
            for method, risk in risks.items():
                drawn[method].append(metrics_of(labels[sample], risk[sample]))
    values = {method: metrics_of(labels, risk) for method, risk in risks.items()}
    figures = {method: _figures(values[method], drawn[method]) for method in risks}
    ahead = {
        method: _differences(values[MODEL], values[method], drawn[MODEL], drawn[method])
        for method in risks
        if method != MODEL
    }
    return PopulationFigures(len(labels), int(labels.sum()), figures, ahead)


def _samples(students: Column, resamples: int) -> Iterator[Column]:
    """Yield the row numbers of students drawn with replacement."""
    random = np.random.default_rng(_SEED)
    _, number = np.unique(students, return_inverse=True)
    count = int(number.max()) + 1
    order = np.argsort(number, kind="stable")
    for _ in range(resamples):
        times = np.bincount(random.integers(0, count, count), minlength=count)
        yield np.repeat(order, times[number[order]])


def _figures(value: Metrics, drawn: list[Metrics]) -> Figures:
    return {
        name: interval_of(getattr(value, name), [getattr(one, name) for one in drawn])
        for name in FIGURES
    }


def _differences(
    model: Metrics, baseline: Metrics, of_model: list[Metrics], of_baseline: list[Metrics]
) -> Figures:
    pairs = list(zip(of_model, of_baseline, strict=True))
    return {
        name: interval_of(
            getattr(model, name) - getattr(baseline, name),
            [getattr(one, name) - getattr(other, name) for one, other in pairs],
        )
        for name in FIGURES
    }
