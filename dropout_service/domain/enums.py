"""The words of this service: kinds of events, of dropout and of risk."""

from enum import StrEnum


class EventType(StrEnum):
    """What a student did."""

    QUESTION_START = "QUESTION_START"
    QUESTION_SUBMIT = "QUESTION_SUBMIT"
    ANSWER_REVISION = "ANSWER_REVISION"
    HINT_REQUEST = "HINT_REQUEST"
    NAVIGATION = "NAVIGATION"
    FOCUS_BLUR = "FOCUS_BLUR"
    FOCUS_FOCUS = "FOCUS_FOCUS"
    SESSION_START = "SESSION_START"
    SESSION_END = "SESSION_END"
    RESOURCE_VIEW = "RESOURCE_VIEW"


class DropoutType(StrEnum):
    """The way in which a student is being lost."""

    COGNITIVE = "COGNITIVE"
    BEHAVIORAL = "BEHAVIORAL"
    ENGAGEMENT = "ENGAGEMENT"
    SILENT = "SILENT"
    NO_DROPOUT = "NO_DROPOUT"


class RiskLevel(StrEnum):
    """How high a risk score is: LOW < 0.3 <= MEDIUM < 0.6 <= HIGH < 0.8 <= CRITICAL."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    CRITICAL = "CRITICAL"


# Where each level begins; CRITICAL ends with 1, which it includes.
LEVEL_BOUNDS = {
    RiskLevel.LOW: 0.0,
    RiskLevel.MEDIUM: 0.3,
    RiskLevel.HIGH: 0.6,
    RiskLevel.CRITICAL: 0.8,
}


def risk_level(score: float) -> RiskLevel:
    """Return the level of a risk score.

    score: 0 to 1.

    Raises:
        ValueError: the score is no share.

    """
    if not 0 <= score <= 1:
        raise ValueError("a risk score lies between 0 and 1")
    begun = [level for level, bound in LEVEL_BOUNDS.items() if bound <= score]
    return begun[-1]


class Verdict(StrEnum):
    """What somebody who knows the student says of a prediction."""

    ACCEPTED = "accepted"
    NOT_APPLICABLE = "not_applicable"
    INCORRECTLY_FLAGGED = "incorrectly_flagged"


class CourseOutcome(StrEnum):
    """How an enrolment ended."""

    PASS = "PASS"  # noqa: S105 - no password
    DISTINCTION = "DISTINCTION"
    FAIL = "FAIL"
    WITHDRAWN = "WITHDRAWN"
