"""Synthetic enrolments, a model trained on them, and a model that is only stored."""

from functools import cache

import numpy as np

from dropout_service.learning.blend import Blend
from dropout_service.learning.boosting import Booster
from dropout_service.learning.calibration import PlattScaling
from dropout_service.learning.linear import DayRegression, LinearModel
from dropout_service.learning.model import Variant
from dropout_service.learning.rows import INPUTS, EnrolmentRows
from dropout_service.learning.training import (
    DayValidation,
    SearchGrid,
    TrainedModel,
    TrainedVariant,
    train,
)

ROWS = 900
# Half of the linear model, so that the tests cover both parts of the blend.
SMALL = SearchGrid(leaves=(4,), trees=(20,), shares=(0.5,))


@cache
def rows(*, active_share: float = 0.5) -> EnrolmentRows:
    """Return enrolments of three courses in which missed work and low scores cause dropout."""
    random = np.random.default_rng(3)
    columns = {name: np.full(ROWS, np.nan) for name in INPUTS}
    trouble = random.random(ROWS)
    columns["day"] = random.choice([0.0, 28.0], ROWS)
    columns["assessments_due"] = np.full(ROWS, 4.0)
    columns["assessments_missed"] = np.round(4 * trouble * random.random(ROWS))
    columns["score_mean"] = 90 - 50 * trouble + random.normal(0, 5, ROWS)
    has_activity = random.random(ROWS) < active_share
    columns["active_days_14"] = np.where(has_activity, np.round(14 * (1 - trouble)), np.nan)
    course = random.choice(["AAA-2013B", "AAA-2013J", "BBB-2013B"], ROWS)
    loses_many = (course == "BBB-2013B") & (columns["day"] == 28)
    columns["leaving_log_odds"] = np.where(loses_many, -2.0, -4.0)
    chance = 0.1 + 0.6 * trouble + 0.2 * loses_many
    return EnrolmentRows(
        {
            **columns,
            "enrolment_id": np.array([f"e{n}" for n in range(ROWS)]),
            "student_id": np.array([f"s{n // 2}" for n in range(ROWS)]),
            "course": course,
            "module": np.array([name[:3] for name in course]),
            "starts_on": np.where(np.char.endswith(course, "B"), 100, 300),
            "has_activity": has_activity,
            "label": (random.random(ROWS) < chance).astype(np.float64),
        }
    )


def quietly(_step: str, _done: int, _total: int) -> None:
    """Show no progress."""


@cache
def trained() -> TrainedModel:
    return train(rows(), quietly, SMALL)


def a_model(base: float, validation: tuple[DayValidation, ...] = ()) -> TrainedModel:
    """Return a model without activity and without trees; the base distinguishes models."""
    linear = LinearModel((DayRegression(0.0, base, (0.0,), (0.0,), (0.0,)),))
    variant = Variant(
        ("day",), Blend(Booster("no trees"), linear, 1.0), PlattScaling(1.0, 0.0), (0.0,), {}
    )
    return TrainedModel(TrainedVariant(variant, 40, {}, validation), None)
