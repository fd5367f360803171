"""Evaluation of a model and its baselines on unseen courses, with intervals."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

import numpy as np

from dropout_service.learning.auditing import Gap, gaps
from dropout_service.learning.baselines import logistic_risk, rules_risk
from dropout_service.learning.metrics import Interval, Metrics, interval_of, metrics_of
from dropout_service.learning.model import RiskModel
from dropout_service.learning.rows import LABEL, Column, EnrolmentRows, Floats
from dropout_service.learning.training import Progress
from dropout_service.learning.within_courses import WithinCourses, within_courses

MODEL, LOGISTIC, RULES = "model", "logistic regression", "four rules"
BASELINES = (LOGISTIC, RULES)
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

    within: figures within courses, the model first. risks and labels: of all rows, for plots.
    """

    day: int
    pooled: PopulationFigures
    within: WithinCourses
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
    """Return the evaluation of each day with both labels, in the training and in a test course.

    training: the rows that the model was trained on, of the same days, for the baselines.
    """
    days = [int(day) for day in np.unique(test["day"])]
    # All days at once: the level of a course needs its rows of four weeks before.
    risks = model.scores(test).probability
    found = []
    for done, day in enumerate(days):
        progress("Evaluating", done, len(days))
        of_day = test["day"] == day
        training_rows, test_rows = training.where(training["day"] == day), test.where(of_day)
        if _has_both(training_rows) and _has_mixed_course(test_rows):
            found.append(_evaluate_day(risks[of_day], training_rows, test_rows, day, resamples))
    return found


def _has_both(rows: EnrolmentRows) -> bool:
    return len(np.unique(rows[LABEL])) > 1


def _has_mixed_course(rows: EnrolmentRows) -> bool:
    courses = rows["course"]
    return any(_has_both(rows.where(courses == course)) for course in np.unique(courses))


def _evaluate_day(
    of_model: Floats, training: EnrolmentRows, test: EnrolmentRows, day: int, resamples: int
) -> DayEvaluation:
    risks = {
        MODEL: of_model,
        LOGISTIC: logistic_risk(training, test),
        RULES: rules_risk(training, test),
    }
    labels = test.labels
    return DayEvaluation(
        day=day,
        pooled=population_figures(test["student_id"], labels, risks, resamples),
        within=within_courses(test, risks, resamples),
        gaps=gaps(test, of_model, resamples),
        risks=risks,
        labels=labels,
    )


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
