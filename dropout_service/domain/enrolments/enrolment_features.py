"""Features of one enrolment at the end of a day of its course: names, units, directions.

Days count from the first day of the course, which is day 0. A feature is computed from data up to
the end of the cut-off day, and is NaN if unknown: missing is never 0. A percentile is the share
(0 to 1) of lower values among the known values. These are of the enrolments still registered in
the same course on the same day, so percentiles are comparable in an unseen course. A midrank also
counts half of the equal values; it is used for counts, which are often equal.

A score is a mark if its work has a weight, or no coursework of the course has one. Work in which
nobody has a score above 1 so far is done or not done, and its scores are no marks.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

# Windows of activity, in days; they end with the cut-off day and include it.
ACTIVITY_WINDOWS = (7, 14, 28)
LAST_DUE = 2
# A piece of work with no score above this says that it was done; marks go up to 100.
MAX_COMPLETION_SCORE = 1


class Family(StrEnum):
    """Subject of a feature."""

    REGISTRATION = "registration"
    COURSEWORK = "coursework"
    SCORES = "scores"
    ACTIVITY = "activity"
    QUESTIONS = "questions"


@dataclass(frozen=True)
class EnrolmentFeature:
    """One feature: its name, unit, meaning, and its known relation to the risk.

    direction: 1 if a higher value cannot lower the risk, -1 if it cannot raise the risk, 0 if
    unknown. needs_activity: unknown in a course without an activity stream. is_course_level: equal
    for all students of a course on a day, and so no reason for the risk of a single student.
    is_trained_on: False for a feature that only identifies the course; it is shown, but no model
    is trained on it.
    """

    name: str
    unit: str
    meaning: str
    family: Family
    direction: int = 0
    needs_activity: bool = False
    is_course_level: bool = False
    is_trained_on: bool = True


def _activity(name: str, unit: str, meaning: str, direction: int = -1) -> EnrolmentFeature:
    return EnrolmentFeature(name, unit, meaning, Family.ACTIVITY, direction, needs_activity=True)


_REGISTRATION = (
    # Only the percentile of the day of registration: the first possible day differs from one
    # presentation to the next, so the day itself would mislead.
    EnrolmentFeature(
        "registration_lead_percentile",
        "share",
        "percentile of the days from the registration to the start of the course",
        Family.REGISTRATION,
    ),
    EnrolmentFeature(
        "credits", "credits", "credits studied at the same time", Family.REGISTRATION, 1
    ),
    EnrolmentFeature(
        "previous_attempts", "count", "earlier attempts at the module", Family.REGISTRATION, 1
    ),
)

_COURSEWORK = (
    EnrolmentFeature(
        "assessments_due",
        "count",
        "assessments due by then",
        Family.COURSEWORK,
        is_course_level=True,
        is_trained_on=False,
    ),
    EnrolmentFeature(
        "assessments_handed_in",
        "count",
        "handed in, also before the due day",
        Family.COURSEWORK,
        -1,
    ),
    EnrolmentFeature(
        "due_done_share",
        "share",
        "handed in or banked, of the assessments due by then; unknown before the first due day",
        Family.COURSEWORK,
        -1,
    ),
    EnrolmentFeature(
        "assessments_late", "count", "handed in after the due day", Family.COURSEWORK, 1
    ),
    EnrolmentFeature(
        "assessments_missed",
        "count",
        "due since the registration, and neither handed in nor banked",
        Family.COURSEWORK,
        1,
    ),
    EnrolmentFeature(
        "missed_last_two",
        "count",
        "missed, of the last two due; unknown before the first due day",
        Family.COURSEWORK,
        1,
    ),
    EnrolmentFeature(
        "assessments_banked", "count", "carried over from an earlier attempt", Family.COURSEWORK
    ),
    EnrolmentFeature(
        "weight_done_share",
        "share",
        "handed in or banked, of the weight of all coursework",
        Family.COURSEWORK,
        -1,
    ),
    EnrolmentFeature(
        "due_weight_done_share",
        "share",
        "handed in or banked, of the weight due by then",
        Family.COURSEWORK,
        -1,
    ),
    EnrolmentFeature(
        "days_since_submission", "days", "since the last submission", Family.COURSEWORK, 1
    ),
    EnrolmentFeature(
        "mean_lead_days",
        "days",
        "mean of the days from the submission to the due day; negative: late",
        Family.COURSEWORK,
        -1,
    ),
    EnrolmentFeature(
        "weight_done_percentile", "share", "percentile of weight_done_share", Family.COURSEWORK, -1
    ),
    EnrolmentFeature(
        "mean_lead_percentile", "share", "percentile of mean_lead_days", Family.COURSEWORK, -1
    ),
)

_SCORES = (
    EnrolmentFeature(
        "score_mean",
        "0 to 100",
        "mean mark so far by weight (plain mean if all weights are 0), without banked work",
        Family.SCORES,
        -1,
    ),
    EnrolmentFeature("lowest_score", "0 to 100", "lowest mark so far", Family.SCORES, -1),
    EnrolmentFeature(
        "last_score", "0 to 100", "mark of the last submission with one", Family.SCORES, -1
    ),
    EnrolmentFeature(
        "score_trend",
        "points",
        "last mark minus the plain mean of the earlier marks",
        Family.SCORES,
        -1,
    ),
    EnrolmentFeature("score_percentile", "share", "percentile of score_mean", Family.SCORES, -1),
)

RANKED_ACTIVITY = (
    *(
        _activity(f"clicks_per_week_{days}", "clicks", f"per week, over the last {days} days")
        for days in ACTIVITY_WINDOWS
    ),
    *(
        _activity(f"active_days_{days}", "days", f"with activity, of the last {days}")
        for days in ACTIVITY_WINDOWS
    ),
    _activity(
        "days_since_activity",
        "days",
        "since the last active day; without one, since the day before the stream began",
        1,
    ),
    _activity("clicks_total", "clicks", "total so far"),
    _activity("resource_types", "count", "distinct types of used resources; unknown if none named"),
)

_QUESTIONS = (
    EnrolmentFeature(
        "answers_per_week_28",
        "answers",
        "per week, over the last 28 days; unknown in a course without any answers",
        Family.QUESTIONS,
        -1,
        needs_activity=True,
    ),
    EnrolmentFeature(
        "success_share_28",
        "share",
        "correct, of the graded answers of the last 28 days",
        Family.QUESTIONS,
        -1,
        needs_activity=True,
    ),
    EnrolmentFeature(
        "questions_solved",
        "count",
        "questions answered correctly so far; unknown if fewer than 3/4 of the answers are judged",
        Family.QUESTIONS,
        -1,
        needs_activity=True,
    ),
)


def percentile_name(name: str) -> str:
    """Return the name of the percentile feature of an activity feature."""
    return f"{name}_percentile"


def midrank_name(name: str) -> str:
    """Return the name of the midrank feature of a coursework or score feature."""
    return f"{name}_midrank"


def _percentile(feature: EnrolmentFeature) -> EnrolmentFeature:
    name, meaning = percentile_name(feature.name), f"percentile of {feature.name}"
    return replace(feature, name=name, unit="share", meaning=meaning)


def _midrank(feature: EnrolmentFeature) -> EnrolmentFeature:
    name, meaning = midrank_name(feature.name), f"midrank of {feature.name}"
    return replace(feature, name=name, unit="share", meaning=meaning)


# One missed piece of work means more in a course with few missed pieces than in one with many.
_MIDRANKED = (
    "assessments_late",
    "assessments_missed",
    "missed_last_two",
    "days_since_submission",
    "last_score",
    "lowest_score",
    "score_trend",
)
_WORK = {feature.name: feature for feature in (*_COURSEWORK, *_SCORES)}
MIDRANKED = tuple(_WORK[name] for name in _MIDRANKED)


ENROLMENT_FEATURES: tuple[EnrolmentFeature, ...] = (
    *_REGISTRATION,
    *_COURSEWORK,
    *_SCORES,
    *map(_midrank, MIDRANKED),
    *RANKED_ACTIVITY,
    *map(_percentile, RANKED_ACTIVITY),
    *_QUESTIONS,
)
FEATURE_NAMES = tuple(feature.name for feature in ENROLMENT_FEATURES)
# Day of the course, an input beside the features: their meaning depends on it.
DAY = "day"
# Equal for all students of a course on a day, and so no reason for the risk of a single student.
COURSE_LEVEL_FEATURES = frozenset(
    {DAY, *(feature.name for feature in ENROLMENT_FEATURES if feature.is_course_level)}
)
# Columns that identify a row. `has_activity`: the activity stream of the course covers the day, so
# that features of activity are known.
KEY_COLUMNS = ("enrolment_id", "student_id", "course", "module", "day", "has_activity")
