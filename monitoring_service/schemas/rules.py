"""Limits of a source as clients send and get them."""

from typing import Annotated, Self

from pydantic import Field, model_validator

from shared_web.requests.fields import (
    LIMITED_NAMES,
    Body,
    Number,
    Out,
)

Metric = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,100}$")]


class MetricLimit(Body):
    """Values of a metric from which it is a warning, and critical."""

    warning: Number
    critical: Number

    @model_validator(mode="after")
    def _critical_is_above(self) -> Self:
        if not self.warning < self.critical:
            raise ValueError("critical must be above warning")
        return self


class NewRules(Body):
    """The limits of one source in place of those set before; others keep their default."""

    thresholds: Annotated[dict[Metric, MetricLimit], LIMITED_NAMES] = Field(
        min_length=1,
        max_length=100,
        examples=[{"response_time": {"warning": 300, "critical": 2000}}],
    )


class ThresholdOut(Out):
    """A metric that is too high from `warning` on, and far too high from `critical` on."""

    metric: str
    warning: float
    critical: float
    unit: str
    suggestion: str


class RulesOut(Out):
    """The thresholds in force for a source."""

    source: str
    thresholds: list[ThresholdOut]
