"""Synthetic enrolments, a model trained on them, and a model that is only stored."""

from functools import cache

import numpy as np

from dropout_service.learning.calibration import PlattScaling
from dropout_service.learning.course_level import CourseLevel
from dropout_service.learning.linear import DayRegression, LinearModel
from dropout_service.learning.model import Variant
from dropout_service.learning.rows import INPUTS, EnrolmentRows
from dropout_service.learning.training import (
    DayValidation,
    TrainedModel,
    TrainedVariant,
    train,
)

ROWS = 900


@cache
def rows(*, active_share: float = 0.5) -> EnrolmentRows:
    """Return enrolments of three courses on two days; missed work and low scores cause dropout."""
    random = np.random.default_rng(3)
    columns = {name: np.full(ROWS, np.nan) for name in INPUTS}
    trouble = random.random(ROWS)
    number = np.arange(ROWS) % (ROWS // 2)
    columns["day"] = np.repeat([0.0, 28.0], ROWS // 2)
    columns["assessments_due"] = np.full(ROWS, 4.0)
    columns["assessments_missed"] = np.round(4 * trouble * random.random(ROWS))
    columns["score_mean"] = 90 - 50 * trouble + random.normal(0, 5, ROWS)
    has_activity = random.random(ROWS) < active_share
    columns["active_days_14"] = np.where(has_activity, np.round(14 * (1 - trouble)), np.nan)
    course = np.tile(random.choice(["AAA-2013B", "AAA-2013J", "BBB-2013B"], ROWS // 2), 2)
    loses_many = (course == "BBB-2013B") & (columns["day"] == 28)
    chance = 0.1 + 0.6 * trouble + 0.2 * loses_many
    return EnrolmentRows(
        {
            **columns,
            "enrolment_id": np.array([f"e{n}" for n in number]),
            "student_id": np.array([f"s{n // 2}" for n in number]),
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
    return train(rows(), quietly)


def a_model(base: float, validation: tuple[DayValidation, ...] = ()) -> TrainedModel:
    """Return a model without activity and without features; the base distinguishes models."""
    linear = LinearModel((DayRegression(0.0, base, *[(0.0,)] * 5),))
    level = CourseLevel((), (), 0.0, 0.0, 0.0)
    variant = Variant(("day",), linear, PlattScaling(1.0, 0.0), (0.0,), {}, level)
    return TrainedModel(TrainedVariant(variant, 40, {}, validation), None)
