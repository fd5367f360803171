"""Performance status of a student: strengths, weaknesses, and the need for a review."""

from dataclasses import dataclass
from enum import StrEnum

from staffstuddash_service.domain.performance import Performance

# Reason of a restricted student, in lists and dashboards.
NOT_ASSESSED = "not assessed on request"

MARGIN = 5.0
MIN_MARKS = 2
LOW_MEAN = 40.0
WEAK_MEAN = 55.0
FALL_PER_30_DAYS = -10.0


class Status(StrEnum):
    """Need for a review of this student; not a grade."""

    SAFE = "safe"
    REVIEW_NEEDED = "review_needed"
    HIGH_RISK = "high_risk"


@dataclass(frozen=True)
class PerformanceStatus:
    """Status with its reasons; too few marks have no status, and the reason states it."""

    status: Status | None
    reasons: tuple[str, ...]
    strengths: tuple[str, ...]
    weaknesses: tuple[str, ...]


def performance_status_of(performance: Performance) -> PerformanceStatus:
    """Return the status, strengths and weaknesses.

    A strength is a subject with a mean at least 5 points above the student's own mean, a weakness
    one at least 5 below. Both need two marks in the subject. Status:

    * high_risk: the mean is below 40, or below 55 and falling by 10 points per 30 days or faster;
    * review_needed: the mean is below 55, or it is falling so fast, or a subject's mean of two
      marks is below 40;
    * safe: otherwise. Below two marks there is no status.
    """
    own = performance.mean_percentage
    if own is None or performance.assessment_count < MIN_MARKS:
        return PerformanceStatus(None, (f"Fewer than {MIN_MARKS} marks: not assessable.",), (), ())
    known = [s for s in performance.subjects if s.count >= MIN_MARKS]
    status, reasons = _status(performance, own)
    return PerformanceStatus(
        status=status,
        reasons=reasons,
        strengths=tuple(s.subject for s in known if s.mean_percentage >= own + MARGIN),
        weaknesses=tuple(s.subject for s in known if s.mean_percentage <= own - MARGIN),
    )


def _status(performance: Performance, own: float) -> tuple[Status, tuple[str, ...]]:
    trend = performance.trend_per_30_days
    is_falling = trend is not None and trend <= FALL_PER_30_DAYS
    reasons = [
        *([_level_reason(own)] if own < WEAK_MEAN else []),
        *([f"Marks fall by {-(trend or 0):.0f} points per 30 days."] if is_falling else []),
        *_low_subjects(performance),
    ]
    if own < LOW_MEAN or (own < WEAK_MEAN and is_falling):
        return Status.HIGH_RISK, tuple(reasons)
    if reasons:
        return Status.REVIEW_NEEDED, tuple(reasons)
    return Status.SAFE, (f"The mean of {own:.0f} % is {WEAK_MEAN:.0f} or more, and no fall.",)


def _level_reason(own: float) -> str:
    return f"The mean of {own:.0f} % is below {LOW_MEAN if own < LOW_MEAN else WEAK_MEAN:.0f}."


def _low_subjects(performance: Performance) -> list[str]:
    return [
        f"The mean in {s.subject} of {s.mean_percentage:.0f} % is below {LOW_MEAN:.0f}."
        for s in performance.subjects
        if s.count >= MIN_MARKS and s.mean_percentage < LOW_MEAN
    ]
