"""Baselines that a model is compared with on the same rows: rules, and logistic regression."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from dropout_service.domain.enrolments.enrolment_features import COURSE_LEVEL_FEATURES
from dropout_service.learning.calibration import fit_platt_scaling, probability
from dropout_service.learning.metrics import log_loss
from dropout_service.learning.rows import (
    INPUTS,
    INPUTS_WITHOUT_ACTIVITY,
    LABEL,
    EnrolmentRows,
    Floats,
    Mask,
)
from dropout_service.learning.splits import validation_splits

SILENT_DAYS = 5
LOW_ACTIVITY = 0.8
LOW_MARKS = 0.75
# Inverse strengths of the penalty, scikit-learn's C.
STRENGTHS = (0.001, 0.01, 0.1, 1.0)
_MAX_STEPS = 1000

# Returns 1 for rows on which the rule fires, 0 for others, NaN for rows it is not applicable to.
Rule = Callable[[EnrolmentRows], Floats]


def _fires(condition: Mask, known: Mask) -> Floats:
    return np.where(known, condition.astype(np.float64), np.nan)


def _below_course(rows: EnrolmentRows, feature: str, share: float) -> Floats:
    """Return a rule: the value is below a share of the mean of the same course on the same day."""
    values = rows[feature].astype(np.float64)
    known = ~np.isnan(values)
    fires = np.zeros(len(rows), dtype=bool)
    for course in np.unique(rows["course"]):
        here = known & (rows["course"] == course)
        if here.any():
            fires |= here & (values < share * values[here].mean())
    return _fires(fires, known)


def _inactive(rows: EnrolmentRows) -> Floats:
    days = rows["days_since_activity"].astype(np.float64)
    return _fires(days >= SILENT_DAYS, ~np.isnan(days))


def _missed(rows: EnrolmentRows) -> Floats:
    has_due = rows["assessments_due"].astype(np.float64) > 0
    return _fires(rows["assessments_missed"].astype(np.float64) > 0, has_due)


RULES: Mapping[str, Rule] = {
    "no access for 5 days": _inactive,
    "activity 20 % below the course": lambda rows: _below_course(
        rows, "clicks_per_week_14", LOW_ACTIVITY
    ),
    "marks 25 % below the course": lambda rows: _below_course(rows, "score_mean", LOW_MARKS),
    "a missed deadline": _missed,
}


def rules_share(rows: EnrolmentRows) -> Floats:
    """Return the share of the applicable rules that fire, 0 without an applicable rule."""
    fired = np.column_stack([rule(rows) for rule in RULES.values()])
    applicable = (~np.isnan(fired)).sum(axis=1)
    return np.asarray(np.nansum(fired, axis=1) / np.maximum(1, applicable), dtype=np.float64)


def rules_risk(training: EnrolmentRows, test: EnrolmentRows) -> Floats:
    """Return the share of the rules as a probability, calibrated on the training rows."""
    calibration = fit_platt_scaling(rules_share(training), training.labels)
    return probability(calibration(rules_share(test)))


@dataclass(frozen=True)
class _Logistic:
    """Logistic regression of the rows of one day over all known features of the students.

    Unknown values are replaced by the median, with a column that marks them; all columns are
    standardised.
    """

    features: tuple[str, ...]
    strength: float

    def risks(self, training: EnrolmentRows, test: EnrolmentRows) -> Floats:
        # Imported here: the import takes a second, and serving does not need it.
        from sklearn.impute import SimpleImputer  # noqa: PLC0415
        from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
        from sklearn.pipeline import make_pipeline  # noqa: PLC0415
        from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

        pipeline = make_pipeline(
            SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
            StandardScaler(),
            LogisticRegression(C=self.strength, max_iter=_MAX_STEPS),
        )
        pipeline.fit(training.matrix(self.features), training[LABEL].astype(int))
        risks = pipeline.predict_proba(test.matrix(self.features))[:, 1]
        return np.asarray(risks, dtype=np.float64)


def _best(training: EnrolmentRows, features: tuple[str, ...]) -> _Logistic:
    """Return the regression with the strength of the least loss over the splits."""
    candidates = [_Logistic(features, strength) for strength in STRENGTHS]
    losses = dict.fromkeys(candidates, 0.0)
    for split in validation_splits(training, np.ones(len(training), dtype=bool)):
        inner, held_out = training.where(split.training), training.where(split.held_out)
        if len(np.unique(inner[LABEL])) == 1:
            continue
        for logistic in candidates:
            losses[logistic] += log_loss(held_out.labels, logistic.risks(inner, held_out))
    return min(losses, key=lambda logistic: losses[logistic])


def logistic_risk(training: EnrolmentRows, test: EnrolmentRows) -> Floats:
    """Return the risk by logistic regression, trained on rows of the same day.

    All known features of the students are used; activity is used if the course has data of it. The
    penalty is chosen by validation.
    """
    risks = np.empty(len(test))
    active = test["has_activity"].astype(bool)
    with_activity = training.where(training["has_activity"].astype(bool))
    # The training courses may have no activity by then, or no leavers with activity.
    is_enough = len(np.unique(with_activity[LABEL])) > 1
    for chosen, rows, features in (
        (~active, training, INPUTS_WITHOUT_ACTIVITY),
        (
            active,
            with_activity if is_enough else training,
            INPUTS if is_enough else INPUTS_WITHOUT_ACTIVITY,
        ),
    ):
        if chosen.any():
            risks[chosen] = _risks(rows, test.where(chosen), features)
    return risks


def _risks(training: EnrolmentRows, test: EnrolmentRows, features: tuple[str, ...]) -> Floats:
    """Return the risks by the known features; the share of leavers without any such feature."""
    known = _known(training, features)
    if not known:
        return np.full(len(test), training.labels.mean())
    return _best(training, known).risks(training, test)


def _known(rows: EnrolmentRows, features: tuple[str, ...]) -> tuple[str, ...]:
    unknown = np.isnan(rows.matrix(features))
    return tuple(
        name
        for place, name in enumerate(features)
        if name not in COURSE_LEVEL_FEATURES and not unknown[:, place].all()
    )
