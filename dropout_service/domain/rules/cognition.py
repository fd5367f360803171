"""Indicators of deteriorating understanding."""

from dropout_service.domain.enums import DropoutType
from dropout_service.domain.rules.features import Features
from dropout_service.domain.rules.indicators import (
    FEW_JUDGED,
    MARKS_UNKNOWN,
    Indicator,
    Measurement,
    Unknown,
)
from dropout_service.domain.sentences.of_rules import MARKS_COUNTED
from dropout_service.domain.sentences.sentence import Sentence

MIN_GRADED = 5
MIN_MARKS = 2
MIN_QUESTIONS = 3
MIN_COMPARED = 3

_FEW_GRADED = Unknown(f"there are fewer than {MIN_GRADED} answers known right or wrong")


def _error_share(features: Features) -> Measurement | Unknown:
    share, count = features.success_share_recent, features.graded_recent
    if share is None or count < MIN_GRADED:
        return _FEW_GRADED
    sentence = Sentence("success_share.answers", {"share": share, "answers": count})
    return Measurement(1 - share, share, sentence)


def _success_fall(features: Features) -> Measurement | Unknown:
    recent, before = features.success_share_recent, features.success_share_before
    if recent is None or before is None:
        return _FEW_GRADED
    if min(features.graded_recent, features.graded_before) < MIN_GRADED:
        return _FEW_GRADED
    sentence = Sentence("success_fall.answers", {"recent": recent, "before": before})
    return Measurement(before - recent, recent, sentence, before)


def _low_marks(features: Features) -> Measurement | Unknown:
    share, count = features.mark_share_recent, features.mark_count
    if count is None:
        return MARKS_UNKNOWN
    if share is None or count < MIN_MARKS:
        return Unknown(f"there are fewer than {MIN_MARKS} marks")
    marks = min(MARKS_COUNTED, count)
    sentence = Sentence("mark_share.points", {"share": share, "marks": marks})
    return Measurement(1 - share, share, sentence)


def _mark_fall(features: Features) -> Measurement | Unknown:
    recent, before = features.mark_share_recent, features.mark_share_before
    if features.mark_count is None:
        return MARKS_UNKNOWN
    if recent is None or before is None:
        return Unknown("there are no marks before the last three")
    sentence = Sentence("mark_fall.points", {"recent": recent, "before": before})
    return Measurement(before - recent, recent, sentence, before)


def _plateau(features: Features) -> Measurement | Unknown:
    days = features.plateau_days
    if features.questions_attempted < MIN_QUESTIONS:
        return Unknown(f"fewer than {MIN_QUESTIONS} questions were answered")
    if days is None:
        return FEW_JUDGED
    sentence = Sentence("plateau_days.days", {"days": days})
    return Measurement(days, days, sentence)


def _attempts(features: Features) -> Measurement | Unknown:
    attempts = features.attempts_per_question
    if attempts is None or features.questions_attempted < MIN_QUESTIONS:
        return Unknown(f"fewer than {MIN_QUESTIONS} questions were answered")
    sentence = Sentence("attempts_per_question.attempts", {"attempts": attempts})
    return Measurement(attempts, attempts, sentence)


def _hints(features: Features) -> Measurement | Unknown:
    recent, before = features.hints_per_answer_recent, features.hints_per_answer_before
    if recent is None:
        return Unknown("no question was answered in the last two weeks")
    sentence = Sentence("hints_per_answer.requests", {"recent": recent, "before": before})
    return Measurement(recent, recent, sentence, before)


def _instability(features: Features) -> Measurement | Unknown:
    stability, count = features.answer_stability, features.compared_answers
    if stability is None or count < MIN_COMPARED:
        return Unknown(f"there are fewer than {MIN_COMPARED} answers sent in again")
    changed = 1 - stability
    sentence = Sentence("answer_changes.answers", {"share": changed, "answers": count})
    return Measurement(1 - stability, stability, sentence)


INDICATORS = (
    Indicator(
        name="mark_share",
        part=DropoutType.COGNITIVE,
        weight=0.5,
        start=0.4,
        full=0.9,
        measure=_low_marks,
        advice="Go through the last marked work together and agree on one topic to repeat.",
    ),
    Indicator(
        name="success_share",
        part=DropoutType.COGNITIVE,
        weight=0.5,
        start=0.4,
        full=0.9,
        measure=_error_share,
        advice="Work through two of the wrong answers together and give easier questions of the "
        "same topic.",
    ),
    Indicator(
        name="mark_fall",
        part=DropoutType.COGNITIVE,
        weight=0.4,
        start=0.1,
        full=0.5,
        measure=_mark_fall,
        advice="Ask which topic became too hard since the better marks, and offer help with it.",
    ),
    Indicator(
        name="success_fall",
        part=DropoutType.COGNITIVE,
        weight=0.4,
        start=0.1,
        full=0.5,
        measure=_success_fall,
        advice="Look up where the answers began to go wrong and explain that topic once more.",
    ),
    Indicator(
        name="plateau_days",
        part=DropoutType.COGNITIVE,
        weight=0.25,
        start=7,
        full=28,
        measure=_plateau,
        advice="Sit down over the question that the student is stuck on, or skip it for now.",
    ),
    Indicator(
        name="attempts_per_question",
        part=DropoutType.COGNITIVE,
        weight=0.2,
        start=2,
        full=5,
        measure=_attempts,
        advice="Let the student explain one solution aloud, to see where the guessing begins.",
    ),
    Indicator(
        name="hints_per_answer",
        part=DropoutType.COGNITIVE,
        weight=0.2,
        start=0.5,
        full=2,
        measure=_hints,
        advice="Show one worked example of the topic that help is asked for most.",
    ),
    Indicator(
        name="answer_changes",
        part=DropoutType.COGNITIVE,
        weight=0.15,
        start=0.5,
        full=1,
        measure=_instability,
        advice="Ask for a reason with each answer this week; it shows what is guessed.",
    ),
)
