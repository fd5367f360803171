"""Enums of this service: event types, dropout types, risk levels, verdicts and outcomes."""

from enum import StrEnum


class EventType(StrEnum):
    """Type of a learning event."""

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
    """Way in which a student is dropping out."""

    COGNITIVE = "COGNITIVE"
    BEHAVIORAL = "BEHAVIORAL"
    ENGAGEMENT = "ENGAGEMENT"
    SILENT = "SILENT"
    NO_DROPOUT = "NO_DROPOUT"


class RiskLevel(StrEnum):
    """Level of a risk score: LOW < 0.3 <= MEDIUM < 0.6 <= HIGH < 0.8 <= CRITICAL."""

    LOW = "LOW"
    MEDIUM = "MEDIUM"
    HIGH = "HIGH"
    CRITICAL = "CRITICAL"


# Lower bound of each level, inclusive. CRITICAL ends with 1, inclusive.
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
        ValueError: the score is outside 0 to 1.

    """
    if not 0 <= score <= 1:
        raise ValueError("a risk score lies between 0 and 1")
    reached = [level for level, bound in LEVEL_BOUNDS.items() if bound <= score]
    return reached[-1]


class Verdict(StrEnum):
    """Verdict of a staff member on a prediction."""

    ACCEPTED = "accepted"
    NOT_APPLICABLE = "not_applicable"
    INCORRECTLY_FLAGGED = "incorrectly_flagged"


class FeedbackReason(StrEnum):
    """Reason of a verdict."""

    ALREADY_IN_CONTACT = "already_in_contact"
    SIGN_IS_WRONG = "sign_is_wrong"
    CAUSE_IS_KNOWN = "cause_is_known"
    OTHER = "other"


class CourseOutcome(StrEnum):
    """Outcome of an enrolment."""

    PASS = "PASS"  # noqa: S105 - no password
    DISTINCTION = "DISTINCTION"
    FAIL = "FAIL"
    WITHDRAWN = "WITHDRAWN"


class CourseSource(StrEnum):
    """Source from which a course is known."""

    IMPORTED = "imported"
    ROSTER = "roster"
    EVENTS = "events"
