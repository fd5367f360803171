"""What a model must beat on the same rows: rules of thumb, and logistic regression."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np

from dropout_service.domain.enrolments.enrolment_features import COURSE_LEVEL_FEATURES, DAY
from dropout_service.learning.calibration import fit_affine, probability
from dropout_service.learning.features import KNOWN, KNOWN_WITHOUT_ACTIVITY
from dropout_service.learning.metrics import log_loss
from dropout_service.learning.rows import Column, EnrolmentRows, Floats, Mask
from dropout_service.learning.splits import validation_splits
from dropout_service.learning.training import HAPPENED

SILENT_DAYS = 5
LOW_ACTIVITY = 0.8
LOW_MARKS = 0.75
# How strongly coefficients are held down, as scikit-learn counts it: less is stronger.
STRENGTHS = (0.001, 0.01, 0.1, 1.0)
_MOST_STEPS = 1000

# 1 where the rule fires, 0 where it does not, NaN where it is not applicable.
Rule = Callable[[EnrolmentRows], Floats]


def _fires(condition: Mask, known: Mask) -> Floats:
    return np.where(known, condition.astype(np.float64), np.nan)


def _beside_course(rows: EnrolmentRows, feature: str, share: float) -> Floats:
    """Tell who lies below a share of the mean of the same course on the same day."""
    values = rows[feature].astype(np.float64)
    known = ~np.isnan(values)
    fires = np.zeros(len(rows), dtype=bool)
    for course in np.unique(rows["course"]):
        here = known & (rows["course"] == course)
        if here.any():
            fires |= here & (values < share * values[here].mean())
    return _fires(fires, known)


def _silent(rows: EnrolmentRows) -> Floats:
    days = rows["days_since_activity"].astype(np.float64)
    return _fires(days >= SILENT_DAYS, ~np.isnan(days))


def _missed(rows: EnrolmentRows) -> Floats:
    has_due = rows["assessments_due"].astype(np.float64) > 0
    return _fires(rows["assessments_missed"].astype(np.float64) > 0, has_due)


RULES: Mapping[str, Rule] = {
    "no access for 5 days": _silent,
    "activity 20 % below the course": lambda rows: _beside_course(
        rows, "clicks_per_week_14", LOW_ACTIVITY
    ),
    "marks 25 % below the course": lambda rows: _beside_course(rows, "score_mean", LOW_MARKS),
    "a missed deadline": _missed,
}


def rules_share(rows: EnrolmentRows) -> Floats:
    """Return the share of the applicable rules that fire, 0 where none is applicable."""
    fired = np.column_stack([rule(rows) for rule in RULES.values()])
    applicable = (~np.isnan(fired)).sum(axis=1)
    return np.asarray(np.nansum(fired, axis=1) / np.maximum(1, applicable), dtype=np.float64)


def rules_risk(learned: EnrolmentRows, judged: EnrolmentRows) -> Floats:
    """Return the risk by the rules, made a probability on the rows to learn from."""
    happened = learned[HAPPENED].astype(np.float64)
    return probability(fit_affine(rules_share(learned), happened)(rules_share(judged)))


@dataclass(frozen=True)
class _Logistic:
    """Logistic regression of the rows of one day, over the features that are known at all.

    Unknown values are the median, with a column that says so; all columns are standardised.
    has_modules: a column for each module that was learned from, too.
    """

    features: tuple[str, ...]
    has_modules: bool
    strength: float

    def risks(self, learned: EnrolmentRows, judged: EnrolmentRows) -> Floats:
        # Imported where it works: it takes a second, and serving does not need it.
        from sklearn.impute import SimpleImputer  # noqa: PLC0415
        from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
        from sklearn.pipeline import make_pipeline  # noqa: PLC0415
        from sklearn.preprocessing import StandardScaler  # noqa: PLC0415

        pipeline = make_pipeline(
            SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True),
            StandardScaler(),
            LogisticRegression(C=self.strength, max_iter=_MOST_STEPS),
        )
        modules = np.unique(learned["module"]) if self.has_modules else np.array([], dtype=np.str_)
        pipeline.fit(self._inputs(learned, modules), learned[HAPPENED].astype(int))
        found = pipeline.predict_proba(self._inputs(judged, modules))[:, 1]
        return np.asarray(found, dtype=np.float64)

    def _inputs(self, rows: EnrolmentRows, modules: Column) -> Floats:
        is_of = rows["module"][:, None] == modules[None, :]
        return np.hstack([rows.matrix(self.features), is_of.astype(np.float64)])


def _best(learned: EnrolmentRows, features: tuple[str, ...], *, has_modules: bool) -> _Logistic:
    """Return what has the least loss over the model's own splits: how strong, and by what.

    With what is of the course or without: of a few courses it can be learned by heart.
    """
    of_students = tuple(name for name in features if name not in COURSE_LEVEL_FEATURES)
    choices = product((features, of_students), STRENGTHS)
    tried = [_Logistic(names, has_modules, strength) for names, strength in choices]
    losses = dict.fromkeys(tried, 0.0)
    for split in validation_splits(learned, np.ones(len(learned), dtype=bool)):
        ones, others = learned.where(split.learned), learned.where(split.judged)
        if len(np.unique(ones[HAPPENED])) == 1:
            continue
        for logistic in tried:
            risks = logistic.risks(ones, others)
            losses[logistic] += log_loss(others[HAPPENED].astype(np.float64), risks)
    return min(losses, key=lambda one: losses[one])


def logistic_risk(
    learned: EnrolmentRows, judged: EnrolmentRows, *, has_modules: bool = False
) -> Floats:
    """Return the risk by logistic regression, learned from the rows of the same day.

    With all features that are known, those of the course if its own validation likes that better,
    as much held down as that likes best, and with activity where the course's data allow.
    has_modules: with a level for each module that was learned from, as the model has it.
    """
    risks = np.empty(len(judged))
    active = judged["has_activity"].astype(bool)
    learned_active = learned["has_activity"].astype(bool)
    for of, features, teachers in (
        (~active, KNOWN_WITHOUT_ACTIVITY, np.ones(len(learned), dtype=bool)),
        (active, KNOWN, learned_active),
    ):
        if of.any():
            rows = learned.where(teachers)
            best = _best(rows, _known(rows, features), has_modules=has_modules)
            risks[of] = best.risks(rows, judged.where(of))
    return risks


def _known(rows: EnrolmentRows, features: tuple[str, ...]) -> tuple[str, ...]:
    unknown = np.isnan(rows.matrix(features))
    return tuple(
        name for place, name in enumerate(features) if name != DAY and not unknown[:, place].all()
    )
