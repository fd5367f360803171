"""Topics: groups of features with one explanation and one advice for staff."""

from collections.abc import Callable
from dataclasses import dataclass

from dropout_service.domain.enrolments import explanations
from dropout_service.domain.enrolments.enrolment_features import (
    ACTIVITY_WINDOWS,
    midrank_name,
    percentile_name,
)
from dropout_service.domain.enums import DropoutType
from dropout_service.domain.sentences.sentence import Sentence, Values


@dataclass(frozen=True)
class Topic:
    """Group of features that staff see as one subject.

    dropout_type: the type that the topic indicates; None for circumstances that are not the
    student's behaviour. shown_feature: the feature with the value that is shown. explain: the
    sentence, from the student's values and the course's medians (None: unknown). is_trouble: True
    if these values show the trouble that the advice is about, beside what is usual in the course.
    Otherwise the topic can contribute to the risk, but it is no sign and there is no advice.
    """

    name: str
    dropout_type: DropoutType | None
    shown_feature: str
    features: tuple[str, ...]
    explain: Callable[[Values, Values], Sentence]
    advice: str
    is_trouble: Callable[[Values, Values], bool]


def _is_behind(student: Values, course: Values) -> bool:
    done, usual = student["weight_done_share"], course["weight_done_share"]
    return bool(student["assessments_missed"]) or (
        done is not None and usual is not None and done < usual
    )


def _was_late(student: Values, _course: Values) -> bool:
    return bool(student["assessments_late"])


def _registered_late(student: Values, course: Values) -> bool:
    """Return True if the student registered later than the course usually does, by far."""
    earlier, usual = (values["registration_lead_percentile"] for values in (student, course))
    return earlier is not None and usual is not None and earlier <= usual - LATE_REGISTRATION


def _above(*names: str) -> Callable[[Values, Values], bool]:
    """Return the condition that one of the values is above the course's median."""
    return lambda student, course: any(_is_less(course[name], student[name]) for name in names)


def _below(*names: str) -> Callable[[Values, Values], bool]:
    """Return the condition that one of the values is below the course's median."""
    return lambda student, course: any(_is_less(student[name], course[name]) for name in names)


def _is_less(one: float | None, other: float | None) -> bool:
    return one is not None and other is not None and one < other


def _is_falling(student: Values, _course: Values) -> bool:
    return _is_less(student["score_trend"], 0.0)


def _with_percentiles(*names: str) -> tuple[str, ...]:
    return (*names, *map(percentile_name, names))


def _with_midranks(*names: str) -> tuple[str, ...]:
    return (*names, *map(midrank_name, names))


# Share of the course, below its median, from which on a registration was late.
LATE_REGISTRATION = 0.25
_ACTIVITY = (
    *(f"clicks_per_week_{days}" for days in ACTIVITY_WINDOWS),
    *(f"active_days_{days}" for days in ACTIVITY_WINDOWS),
    "clicks_total",
)
_QUESTIONS = ("answers_per_week_28", "success_share_28", "questions_solved")

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
        _above("days_since_submission"),
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
        _below("score_mean", "last_score", "lowest_score"),
    ),
    Topic(
        "mark_trend",
        DropoutType.COGNITIVE,
        "score_trend",
        _with_midranks("score_trend"),
        explanations.explain_trend,
        "Look at what became harder with the last piece of work.",
        _is_falling,
    ),
    Topic(
        "activity",
        DropoutType.ENGAGEMENT,
        "active_days_14",
        _with_percentiles(*_ACTIVITY),
        explanations.explain_activity,
        "Call or write, and ask what is in the way of studying.",
        _below(*_ACTIVITY),
    ),
    Topic(
        "recency",
        DropoutType.ENGAGEMENT,
        "days_since_activity",
        _with_percentiles("days_since_activity"),
        explanations.explain_recency,
        "Get in touch this week: the student was not seen lately.",
        _above("days_since_activity"),
    ),
    Topic(
        "breadth",
        DropoutType.ENGAGEMENT,
        "resource_types",
        _with_percentiles("resource_types"),
        explanations.explain_breadth,
        "Show the forums, quizzes and readings that others use.",
        _below("resource_types"),
    ),
    Topic(
        "questions",
        DropoutType.COGNITIVE,
        "answers_per_week_28",
        _QUESTIONS,
        explanations.explain_questions,
        "Suggest a few questions at the right level to begin again.",
        _below(*_QUESTIONS),
    ),
    Topic(
        "load",
        None,
        "credits",
        ("credits",),
        explanations.explain_load,
        "Talk about the load, and whether a course can be taken later.",
        _above("credits"),
    ),
    Topic(
        "repeating",
        None,
        "previous_attempts",
        ("previous_attempts", "assessments_banked"),
        explanations.explain_repeating,
        "Ask what went wrong in the earlier attempt.",
        _above("previous_attempts", "assessments_banked"),
    ),
    Topic(
        "registration",
        None,
        "registration_lead_percentile",
        ("registration_lead_percentile",),
        explanations.explain_registration,
        "Check that the student has settled in.",
        _registered_late,
    ),
)
TOPIC_BY_NAME = {topic.name: topic for topic in TOPICS}
TOPIC_BY_FEATURE = {feature: topic for topic in TOPICS for feature in topic.features}
