"""Comparison of a new model with the active one on the latest finished presentation."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from dropout_service.database import DropoutDatabaseManager
from dropout_service.database.predictions.model_registry import ActiveModel
from dropout_service.domain.enrolments.finished_courses import CoursesByState
from dropout_service.domain.enrolments.outcome_targets import Target
from dropout_service.learning.model import RiskModel
from dropout_service.learning.quality.comparison import Comparison, compare
from dropout_service.learning.rows import EnrolmentRows
from dropout_service.learning.training import TRAINING_DAYS, Progress
from shared_db.errors import ConfigurationError
from veritas_cli.evaluation.data import latest_and_others, require_outcomes, rows_of, trained_on

CUT_OFFS = (0, 28, 56, 84, 112)
RESAMPLES = 300


@dataclass(frozen=True)
class Judgement:
    """Comparison of a candidate, learned without the presentation, with the active model.

    is_refitted: the active model had seen the presentation, so it was fitted again without it.
    """

    presentation: str
    with_version: str
    is_refitted: bool
    comparison: Comparison

    def as_json(self) -> dict[str, Any]:
        """Return what is stored with the new model; a figure that is not known is null."""
        found = self.comparison
        return {
            "with_version": self.with_version,
            "presentation": self.presentation,
            "is_refitted": self.is_refitted,
            "courses": found.courses,
            "enrolments": found.enrolments,
            **{name: _known(asdict(getattr(found, name))) for name in ("roc_auc", "brier")},
            "is_replaced": found.is_not_worse,
        }


def _known(interval: dict[str, float]) -> dict[str, float | None]:
    return {name: None if math.isnan(value) else value for name, value in interval.items()}


@dataclass(frozen=True)
class Retraining:
    """Training of a candidate and its comparison; all courses are finished ones."""

    manager: DropoutDatabaseManager
    courses: CoursesByState
    target: Target
    progress: Progress

    def judge(self, active: ActiveModel) -> Judgement:
        """Return the comparison of a candidate with the active model.

        Both are applied to the latest finished presentation, which neither was trained on. If the
        active model has seen it, this release's training on its other courses stands for it.

        Raises:
            ConfigurationError: there is no other presentation to learn from, or too few left.

        """
        learned_from, [presentation] = latest_and_others(self.courses)
        tested, others = map(self.courses.of_presentations, ([presentation], learned_from))
        test = self.rows(tested, CUT_OFFS)
        require_outcomes(test, presentation)
        seen = self._courses_of(active)
        is_seen = bool(seen & set(tested))
        remaining = sorted(seen & set(others))
        if is_seen and not remaining:
            raise ConfigurationError(
                f"{active.version} was learned from {presentation} alone, so it cannot be compared "
                "there. `veritas train` replaces it without a comparison."
            )
        candidate = self._model(others)
        other = self._model(remaining) if is_seen else active.model
        new, old = (model.scores(test).probability for model in (candidate, other))
        try:
            found = compare(test, new, old, RESAMPLES)
        except ValueError as refusal:
            raise ConfigurationError(f"{presentation} cannot be judged: {refusal}.") from refusal
        return Judgement(presentation, active.version, is_seen, found)

    def _courses_of(self, active: ActiveModel) -> set[str]:
        return set(self.manager.models.get(active.version).training.get("courses", {}))

    def _model(self, courses: Sequence[str]) -> RiskModel:
        return trained_on(self.rows(courses, TRAINING_DAYS), self.progress).model

    def rows(self, courses: Sequence[str], days: Sequence[int]) -> EnrolmentRows:
        """Return the enrolments of these courses at the end of each day."""
        return rows_of(self.manager, courses, days, self.target, self.progress)
