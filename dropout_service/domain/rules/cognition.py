"""Signs that understanding deteriorates."""

from dropout_service.domain.enums import DropoutType
from dropout_service.domain.rules.features import Features
from dropout_service.domain.rules.indicators import Measured, Sign, Unknown

FEWEST_GRADED = 5
FEWEST_MARKS = 2
FEWEST_QUESTIONS = 3
FEWEST_COMPARED = 3

_FEW_GRADED = Unknown(f"there are fewer than {FEWEST_GRADED} answers known right or wrong")


def _wrong(features: Features) -> Measured | Unknown:
    share, count = features.success_share_recent, features.graded_recent
    if share is None or count < FEWEST_GRADED:
        return _FEW_GRADED
    text = f"{share:.0%} of {count} answers right in the last two weeks."
    return Measured(1 - share, share, text)


def _success_fall(features: Features) -> Measured | Unknown:
    recent, before = features.success_share_recent, features.success_share_before
    if recent is None or before is None:
        return _FEW_GRADED
    if min(features.graded_recent, features.graded_before) < FEWEST_GRADED:
        return _FEW_GRADED
    text = f"{recent:.0%} of the answers right in the last two weeks, {before:.0%} before."
    return Measured(before - recent, recent, text, before)


def _low_marks(features: Features) -> Measured | Unknown:
    share = features.mark_share_recent
    if share is None or features.mark_count < FEWEST_MARKS:
        return Unknown(f"there are fewer than {FEWEST_MARKS} marks")
    text = f"{share:.0%} of the points reached in the last {min(3, features.mark_count)} marks."
    return Measured(1 - share, share, text)


def _mark_fall(features: Features) -> Measured | Unknown:
    recent, before = features.mark_share_recent, features.mark_share_before
    if recent is None or before is None:
        return Unknown("there are no marks before the last three")
    text = f"{recent:.0%} of the points reached in the last three marks, {before:.0%} before."
    return Measured(before - recent, recent, text, before)


def _plateau(features: Features) -> Measured | Unknown:
    days = features.plateau_days
    if days is None or features.questions_attempted < FEWEST_QUESTIONS:
        return Unknown(f"fewer than {FEWEST_QUESTIONS} questions were answered")
    if not features.graded_recent + features.graded_before:
        return Unknown("no answer is known to be right or wrong")
    text = f"For {days} days answers were sent in, but no further question was solved."
    return Measured(days, days, text)


def _attempts(features: Features) -> Measured | Unknown:
    attempts = features.attempts_per_question
    if attempts is None or features.questions_attempted < FEWEST_QUESTIONS:
        return Unknown(f"fewer than {FEWEST_QUESTIONS} questions were answered")
    return Measured(attempts, attempts, f"{attempts:.1f} attempts per question.")


def _hints(features: Features) -> Measured | Unknown:
    recent, before = features.hints_per_answer_recent, features.hints_per_answer_before
    if recent is None:
        return Unknown("no question was answered in the last two weeks")
    earlier = "" if before is None else f", {before:.1f} before"
    text = f"{recent:.1f} requests for help per answer in the last two weeks{earlier}."
    return Measured(recent, recent, text, before)


def _instability(features: Features) -> Measured | Unknown:
    stability, count = features.answer_stability, features.compared_answers
    if stability is None or count < FEWEST_COMPARED:
        return Unknown(f"there are fewer than {FEWEST_COMPARED} answers sent in again")
    text = f"{1 - stability:.0%} of {count} answers sent in again were changed."
    return Measured(1 - stability, stability, text)


SIGNS = (
    Sign(
        name="mark_share",
        part=DropoutType.COGNITIVE,
        weight=0.5,
        start=0.4,
        full=0.9,
        measure=_low_marks,
        advice="Go through the last marked work together and agree on one topic to repeat.",
    ),
    Sign(
        name="success_share",
        part=DropoutType.COGNITIVE,
        weight=0.5,
        start=0.4,
        full=0.9,
        measure=_wrong,
        advice="Work through two of the wrong answers together and give easier questions of the "
        "same topic.",
    ),
    Sign(
        name="mark_fall",
        part=DropoutType.COGNITIVE,
        weight=0.4,
        start=0.1,
        full=0.5,
        measure=_mark_fall,
        advice="Ask which topic became too hard since the better marks, and offer help with it.",
    ),
    Sign(
        name="success_fall",
        part=DropoutType.COGNITIVE,
        weight=0.4,
        start=0.1,
        full=0.5,
        measure=_success_fall,
        advice="Look up where the answers began to go wrong and explain that topic once more.",
    ),
    Sign(
        name="plateau_days",
        part=DropoutType.COGNITIVE,
        weight=0.25,
        start=7,
        full=28,
        measure=_plateau,
        advice="Sit down over the question that the student is stuck on, or skip it for now.",
    ),
    Sign(
        name="attempts_per_question",
        part=DropoutType.COGNITIVE,
        weight=0.2,
        start=2,
        full=5,
        measure=_attempts,
        advice="Let the student explain one solution aloud, to see where the guessing begins.",
    ),
    Sign(
        name="hints_per_answer",
        part=DropoutType.COGNITIVE,
        weight=0.2,
        start=0.5,
        full=2,
        measure=_hints,
        advice="Show one worked example of the topic that help is asked for most.",
    ),
    Sign(
        name="answer_changes",
        part=DropoutType.COGNITIVE,
        weight=0.15,
        start=0.5,
        full=1,
        measure=_instability,
        advice="Ask for a reason with each answer this week; it shows what is guessed.",
    ),
)
