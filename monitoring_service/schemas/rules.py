"""Limits of a source as clients send and get them."""

from typing import Annotated

from pydantic import AfterValidator, Field

from monitoring_service.domain.thresholds import check_limits
from shared_web.requests.fields import (
    LIMITED_NAMES,
    Body,
    Number,
    Out,
)

Metric = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,100}$")]


class MetricLimit(Body):
    """Values of a metric from which it is a warning, and critical.

    Higher values are worse if `critical` is above `warning`, lower ones if it is below.
    """

    warning: Number
    critical: Number


def _check_limits(limits: dict[str, MetricLimit]) -> dict[str, MetricLimit]:
    check_limits({metric: (limit.warning, limit.critical) for metric, limit in limits.items()})
    return limits


class NewRules(Body):
    """The limits of one source in place of those set before; others keep their default."""

    thresholds: Annotated[
        dict[Metric, MetricLimit], LIMITED_NAMES, AfterValidator(_check_limits)
    ] = Field(
        min_length=1,
        max_length=100,
        examples=[
            {
                "response_time": {"warning": 300, "critical": 2000},
                "free_disk": {"warning": 10, "critical": 5},
            }
        ],
    )


class ThresholdOut(Out):
    """Metric that is a warning from one limit on, and critical from the other.

    `is_lower_worse` if low values are the bad ones: `critical` is then below `warning`.
    """

    metric: str
    warning: float
    critical: float
    is_lower_worse: bool
    unit: str
    suggestion: str


class RulesOut(Out):
    """The thresholds in force for a source."""

    source: str
    thresholds: list[ThresholdOut]
