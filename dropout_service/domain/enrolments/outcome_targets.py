"""Targets: the outcomes of an enrolment that a model predicts."""

from enum import StrEnum

from dropout_service.domain.enums import CourseOutcome


class Target(StrEnum):
    """Undesired outcome that a model predicts."""

    WITHDRAWN = "withdrawn"
    WITHDRAWN_OR_FAIL = "withdrawn_or_fail"

    @property
    def outcomes(self) -> frozenset[CourseOutcome]:
        """Outcomes that the target includes."""
        if self is Target.WITHDRAWN:
            return frozenset({CourseOutcome.WITHDRAWN})
        return frozenset({CourseOutcome.WITHDRAWN, CourseOutcome.FAIL})


def is_labelled(outcome: CourseOutcome | None, unregistered_day: int | None) -> bool:
    """Return True if a model can be trained on an enrolment.

    Excluded are enrolments with an unknown outcome, and withdrawals on an unknown day. The
    latter may be before the cut-off day, and only enrolments still registered are predicted.
    """
    if outcome is None:
        return False
    return outcome is not CourseOutcome.WITHDRAWN or unregistered_day is not None
