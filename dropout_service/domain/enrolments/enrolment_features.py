"""What is said of one enrolment at the end of a day of its course: names, units, directions.

Days count from the course's first, which is day 0. A feature is known from what had happened by
the end of the cut-off day alone, and is NaN where it is not known: never 0 in place of missing.
A percentile is the share (0 to 1) of those still registered in the same course on the same day,
and known in this, who are lower; so it carries over to a course never seen. A midrank counts half
of the equals too: of what is counted there are many.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

# Windows of activity end with the cut-off day and count it.
ACTIVITY_WINDOWS = (7, 14, 28)
RHYTHM_WINDOW = 42
FEWEST_RHYTHM_GAPS = 3
LAST_DUE = 2
# Within the course: who leaves before it begins does so for other reasons.
LEAVING_WINDOW = 28
FEWEST_FOR_LEAVING = 50


class Family(StrEnum):
    """What a feature is a sign of; reasons are given per family and topic."""

    REGISTRATION = "registration"
    COURSEWORK = "coursework"
    SCORES = "scores"
    ACTIVITY = "activity"
    RHYTHM = "rhythm"
    QUESTIONS = "questions"


@dataclass(frozen=True)
class EnrolmentFeature:
    """One feature: its unit, what it means, and what is known of it beforehand.

    direction: 1 where more of it cannot mean less risk, -1 where more cannot mean more, 0 where
    nothing is known. needs_activity: it is unknown in a course without a stream of activity.
    is_of_course: it is the same for everybody in a course on a day, and so no reason why one of
    them is at risk. is_learned: what tells nothing but which course it is, people are shown, but a
    model does not learn from it.
    """

    name: str
    unit: str
    meaning: str
    family: Family
    direction: int = 0
    needs_activity: bool = False
    is_of_course: bool = False
    is_learned: bool = True


def _activity(name: str, unit: str, meaning: str, direction: int = -1) -> EnrolmentFeature:
    return EnrolmentFeature(name, unit, meaning, Family.ACTIVITY, direction, needs_activity=True)


_REGISTRATION = (
    # Of the day of registration only where it stands in the course: how early a course can be
    # registered for differs from one presentation to the next, and misleads.
    EnrolmentFeature(
        "registration_lead_percentile",
        "share",
        "of the days by which the registration came before the course began",
        Family.REGISTRATION,
    ),
    EnrolmentFeature(
        "credits", "credits", "credits being studied at the time", Family.REGISTRATION, 1
    ),
    EnrolmentFeature(
        "previous_attempts", "count", "earlier attempts at the module", Family.REGISTRATION, 1
    ),
    EnrolmentFeature(
        "leaving_log_odds",
        "log-odds",
        f"ln of (those who left the course in the last {LEAVING_WINDOW} days + 0.5) to (those who "
        f"were there and stayed + 0.5); unknown before day {LEAVING_WINDOW} and below "
        f"{FEWEST_FOR_LEAVING} students",
        Family.REGISTRATION,
        1,
        is_of_course=True,
    ),
)

_COURSEWORK = (
    EnrolmentFeature(
        "assessments_due",
        "count",
        "assessments due by then",
        Family.COURSEWORK,
        is_of_course=True,
        is_learned=False,
    ),
    EnrolmentFeature(
        "assessments_handed_in", "count", "handed in, early ones too", Family.COURSEWORK, -1
    ),
    EnrolmentFeature(
        "due_done_share",
        "share",
        "of the assessments due by then, handed in or banked; unknown before anything was due",
        Family.COURSEWORK,
        -1,
    ),
    EnrolmentFeature(
        "assessments_late", "count", "handed in after the day they were due", Family.COURSEWORK, 1
    ),
    EnrolmentFeature(
        "assessments_missed",
        "count",
        "due since they registered, and neither handed in nor banked",
        Family.COURSEWORK,
        1,
    ),
    EnrolmentFeature(
        "missed_last_two",
        "count",
        "of the last two due, those missed; unknown before anything was due",
        Family.COURSEWORK,
        1,
    ),
    EnrolmentFeature(
        "assessments_banked", "count", "carried over from an earlier attempt", Family.COURSEWORK
    ),
    EnrolmentFeature(
        "weight_done_share",
        "share",
        "of the weight of all coursework, handed in or banked",
        Family.COURSEWORK,
        -1,
    ),
    EnrolmentFeature(
        "due_weight_done_share",
        "share",
        "of the weight due by then, handed in or banked",
        Family.COURSEWORK,
        -1,
    ),
    EnrolmentFeature(
        "days_since_submission", "days", "since the last was handed in", Family.COURSEWORK, 1
    ),
    EnrolmentFeature(
        "mean_lead_days",
        "days",
        "mean time between handing in and the day due; negative: late",
        Family.COURSEWORK,
        -1,
    ),
    EnrolmentFeature(
        "weight_done_percentile", "share", "of weight_done_share", Family.COURSEWORK, -1
    ),
    EnrolmentFeature("mean_lead_percentile", "share", "of mean_lead_days", Family.COURSEWORK, -1),
)

_SCORES = (
    EnrolmentFeature(
        "score_mean",
        "0 to 100",
        "scores so far by weight (plain mean where none weighs), without banked ones",
        Family.SCORES,
        -1,
    ),
    EnrolmentFeature("lowest_score", "0 to 100", "the lowest so far", Family.SCORES, -1),
    EnrolmentFeature("last_score", "0 to 100", "score handed in last", Family.SCORES, -1),
    EnrolmentFeature(
        "score_trend",
        "points",
        "last score less the plain mean of those before it",
        Family.SCORES,
        -1,
    ),
    EnrolmentFeature("score_percentile", "share", "of score_mean", Family.SCORES, -1),
)

_ACTIVITY_LEVELS = (
    *(
        _activity(f"clicks_per_week_{days}", "clicks", f"a week, over the last {days} days")
        for days in ACTIVITY_WINDOWS
    ),
    _activity(
        "clicks_change",
        "log ratio",
        "ln of the clicks of the last 14 days plus 1, to those of the 14 before plus 1",
    ),
    *(
        _activity(f"active_days_{days}", "days", f"with activity, of the last {days}")
        for days in ACTIVITY_WINDOWS
    ),
    _activity(
        "days_since_activity",
        "days",
        "since the last active day; who never was: since the day before the stream began",
        1,
    ),
    _activity("clicks_total", "clicks", "all so far"),
    _activity("resource_types", "count", "different types of resources used so far"),
)

_RHYTHM = (
    EnrolmentFeature(
        "regularity",
        "share",
        "1 / (1 + variation of the gaps between active days), of the last 42 days; unknown below "
        "3 gaps",
        Family.RHYTHM,
        0,
        needs_activity=True,
    ),
)

_QUESTIONS = (
    EnrolmentFeature(
        "answers_per_week_28",
        "answers",
        "a week, over the last 28 days; unknown in a course where nobody answered yet",
        Family.QUESTIONS,
        -1,
        needs_activity=True,
    ),
    EnrolmentFeature(
        "success_share_28",
        "share",
        "right, of the answers of the last 28 days that say so",
        Family.QUESTIONS,
        -1,
        needs_activity=True,
    ),
    EnrolmentFeature(
        "questions_solved",
        "count",
        "questions answered right so far; unknown as answers_per_week_28",
        Family.QUESTIONS,
        -1,
        needs_activity=True,
    ),
)

RANKED_ACTIVITY = (*_ACTIVITY_LEVELS, *_RHYTHM)


def percentile_name(name: str) -> str:
    """Return the name of the feature that tells where in the course an activity feature stands."""
    return f"{name}_percentile"


def midrank_name(name: str) -> str:
    """Return the name of the feature that tells how usual this one is in the course."""
    return f"{name}_midrank"


def _ranked(name: str, feature: EnrolmentFeature) -> EnrolmentFeature:
    return replace(feature, name=name, unit="share", meaning=f"of {feature.name}")


def _percentile(feature: EnrolmentFeature) -> EnrolmentFeature:
    return _ranked(percentile_name(feature.name), feature)


def _midrank(feature: EnrolmentFeature) -> EnrolmentFeature:
    return _ranked(midrank_name(feature.name), feature)


# Where nearly everybody hands in, to miss one says more than where half do.
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
# The day of the course says how to read the others.
DAY = "day"
# The same for everybody in a course on a day, and so no reason why one of them is at risk.
OF_THE_COURSE = frozenset(
    {DAY, *(feature.name for feature in ENROLMENT_FEATURES if feature.is_of_course)}
)
# What says which enrolment a row is of; `has_activity` tells whether its course's stream of
# activity covers the day, and so whether features that need it are known.
KEY_COLUMNS = ("enrolment_id", "student_id", "course", "module", "day", "has_activity")
