"""Topics: groups of features with one explanation and one advice for staff."""

from collections.abc import Callable
from dataclasses import dataclass

from dropout_service.domain.enrolments import explanations
from dropout_service.domain.enrolments.enrolment_features import (
    ACTIVITY_WINDOWS,
    midrank_name,
    percentile_name,
)
from dropout_service.domain.enrolments.explanations import Values
from dropout_service.domain.enums import DropoutType


@dataclass(frozen=True)
class Topic:
    """Group of features that staff see as one subject.

    dropout_type: the type that the topic indicates; None for circumstances that are not the
    student's behaviour. shown_feature: the feature with the value that is shown. explain: the
    sentence, from the student's values and the course's medians (None: unknown). is_trouble: True
    if these values show the trouble that the advice is about. Otherwise the topic can contribute
    to the risk, but there is no advice.
    """

    name: str
    dropout_type: DropoutType | None
    shown_feature: str
    features: tuple[str, ...]
    explain: Callable[[Values, Values], str]
    advice: str
    is_trouble: Callable[[Values, Values], bool] = lambda _student, _course: True


def _is_behind(student: Values, course: Values) -> bool:
    done, usual = student["weight_done_share"], course["weight_done_share"]
    return bool(student["assessments_missed"]) or (
        done is not None and usual is not None and done < usual
    )


def _was_late(student: Values, _course: Values) -> bool:
    return bool(student["assessments_late"])


def _with_percentiles(*names: str) -> tuple[str, ...]:
    return (*names, *map(percentile_name, names))


def _with_midranks(*names: str) -> tuple[str, ...]:
    return (*names, *map(midrank_name, names))


TOPICS = (
    Topic(
        "missed_work",
        DropoutType.SILENT,
        "assessments_missed",
        (
            *_with_midranks("assessments_missed", "missed_last_two"),
            "assessments_handed_in",
            "due_done_share",
            "due_weight_done_share",
            "weight_done_share",
            "weight_done_percentile",
        ),
        explanations.explain_missed,
        "Ask what keeps the student from handing in, and agree on a date for the next piece.",
        _is_behind,
    ),
    Topic(
        "pause",
        DropoutType.SILENT,
        "days_since_submission",
        _with_midranks("days_since_submission"),
        explanations.explain_pause,
        "Ask how the next piece of work is coming along.",
    ),
    Topic(
        "late_work",
        DropoutType.BEHAVIORAL,
        "mean_lead_days",
        (*_with_midranks("assessments_late"), "mean_lead_days", "mean_lead_percentile"),
        explanations.explain_late,
        "Plan the next deadline together, with a step for each week.",
        _was_late,
    ),
    Topic(
        "marks",
        DropoutType.COGNITIVE,
        "score_mean",
        ("score_mean", "score_percentile", *_with_midranks("last_score", "lowest_score")),
        explanations.explain_marks,
        "Go through the weakest piece of work together, or arrange tutoring.",
    ),
    Topic(
        "mark_trend",
        DropoutType.COGNITIVE,
        "score_trend",
        _with_midranks("score_trend"),
        explanations.explain_trend,
        "Look at what became harder with the last piece of work.",
    ),
    Topic(
        "activity",
        DropoutType.ENGAGEMENT,
        "active_days_14",
        _with_percentiles(
            *(f"clicks_per_week_{days}" for days in ACTIVITY_WINDOWS),
            *(f"active_days_{days}" for days in ACTIVITY_WINDOWS),
            "clicks_total",
        ),
        explanations.explain_activity,
        "Call or write, and ask what is in the way of studying.",
    ),
    Topic(
        "recency",
        DropoutType.ENGAGEMENT,
        "days_since_activity",
        _with_percentiles("days_since_activity"),
        explanations.explain_recency,
        "Get in touch this week: the student was not seen lately.",
    ),
    Topic(
        "activity_change",
        DropoutType.ENGAGEMENT,
        "clicks_change",
        _with_percentiles("clicks_change"),
        explanations.explain_change,
        "Ask what changed in the last weeks.",
    ),
    Topic(
        "breadth",
        DropoutType.ENGAGEMENT,
        "resource_types",
        _with_percentiles("resource_types"),
        explanations.explain_breadth,
        "Show the forums, quizzes and readings that others use.",
    ),
    Topic(
        "rhythm",
        DropoutType.BEHAVIORAL,
        "regularity",
        _with_percentiles("regularity"),
        explanations.explain_rhythm,
        "Agree on fixed days of the week for studying.",
    ),
    Topic(
        "questions",
        DropoutType.COGNITIVE,
        "answers_per_week_28",
        ("answers_per_week_28", "success_share_28", "questions_solved"),
        explanations.explain_questions,
        "Suggest a few questions at the right level to begin again.",
    ),
    Topic(
        "load",
        None,
        "credits",
        ("credits",),
        explanations.explain_load,
        "Talk about the load, and whether a course can be taken later.",
    ),
    Topic(
        "repeating",
        None,
        "previous_attempts",
        ("previous_attempts", "assessments_banked"),
        explanations.explain_repeating,
        "Ask what went wrong in the earlier attempt.",
    ),
    Topic(
        "registration",
        None,
        "registration_lead_percentile",
        ("registration_lead_percentile",),
        explanations.explain_registration,
        "Check that the student has settled in.",
    ),
)
TOPIC_BY_NAME = {topic.name: topic for topic in TOPICS}
TOPIC_BY_FEATURE = {feature: topic for topic in TOPICS for feature in topic.features}
