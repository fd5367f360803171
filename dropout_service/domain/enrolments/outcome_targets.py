"""What is predicted of an enrolment."""

from enum import StrEnum

from dropout_service.domain.enums import CourseOutcome


class Target(StrEnum):
    """How an enrolment may end that should not."""

    WITHDRAWN = "withdrawn"
    WITHDRAWN_OR_FAIL = "withdrawn_or_fail"

    @property
    def outcomes(self) -> frozenset[CourseOutcome]:
        """The outcomes that count as what is predicted."""
        if self is Target.WITHDRAWN:
            return frozenset({CourseOutcome.WITHDRAWN})
        return frozenset({CourseOutcome.WITHDRAWN, CourseOutcome.FAIL})


def is_labelled(outcome: CourseOutcome | None, unregistered_day: int | None) -> bool:
    """Tell whether an enrolment can be learned from.

    It cannot where the end is not known, nor where somebody withdrew on a day that is not known:
    they may have left before the cut-off, and who has left is nobody to predict.
    """
    if outcome is None:
        return False
    return outcome is not CourseOutcome.WITHDRAWN or unregistered_day is not None
