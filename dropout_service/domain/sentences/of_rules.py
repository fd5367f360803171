"""English texts of the sentences on the indicators of the rules, by code.

`recent` is a figure of the last two weeks, `before` the same of the student's weeks before.
"""

from collections.abc import Callable, Mapping

# The number of marks that the share of points is of, at most.
MARKS_COUNTED = 3


def _of_two_weeks(unit: str, start: str = "") -> Callable[..., str]:
    def text(recent: float, before: float) -> str:
        return f"{start}{recent:.1f} {unit} in the last two weeks, {before:.1f} before."

    return text


def _while_active(unit: str) -> Callable[..., str]:
    def text(active: float, recent: float, before: float) -> str:
        start = f"Still active {active:.1f} days a week, but "
        return _of_two_weeks(unit, start)(recent, before)

    return text


def _no_activity(days: float) -> str:
    return f"No activity for {days:.0f} days."


def _no_mark(days: float) -> str:
    return f"Nothing handed in that was marked for {days:.0f} days."


def _longest_gap(days: int) -> str:
    return f"In the last six weeks {days} days passed from one active day to the next."


def _gap_growth(recent: float, before: float) -> str:
    return f"{recent:.1f} days from one active day to the next of late, {before:.1f} before."


def _gap_variation(variation: float) -> str:
    return f"The gaps between active days vary by {variation:.1f} times their mean."


def _mark_share(share: float, marks: int) -> str:
    return f"{share:.0%} of the points reached in the last {marks} marks."


def _success_share(share: float, answers: int) -> str:
    return f"{share:.0%} of {answers} answers right in the last two weeks."


def _mark_fall(recent: float, before: float) -> str:
    return f"{recent:.0%} of the points reached in the last three marks, {before:.0%} before."


def _success_fall(recent: float, before: float) -> str:
    return f"{recent:.0%} of the answers right in the last two weeks, {before:.0%} before."


def _plateau(days: int) -> str:
    return f"For {days} days answers were sent in, but no further one is known to solve a question."


def _attempts(attempts: float) -> str:
    return f"{attempts:.1f} attempts per question."


def _hints(recent: float, before: float | None) -> str:
    earlier = "" if before is None else f", {before:.1f} before"
    return f"{recent:.1f} requests for help per answer in the last two weeks{earlier}."


def _changes(share: float, answers: int) -> str:
    return f"{share:.0%} of {answers} answers sent in again were changed."


TEXTS: Mapping[str, Callable[..., str]] = {
    "days_since_activity.days": _no_activity,
    "days_since_mark.days": _no_mark,
    "effort_fall.events": _of_two_weeks("learning events a week"),
    "session_time_fall.minutes": _of_two_weeks("minutes of sessions a week"),
    "longest_gap_days.days": _longest_gap,
    "gap_growth.days": _gap_growth,
    "gap_variation.times": _gap_variation,
    "mark_share.points": _mark_share,
    "success_share.answers": _success_share,
    "mark_fall.points": _mark_fall,
    "success_fall.answers": _success_fall,
    "plateau_days.days": _plateau,
    "attempts_per_question.attempts": _attempts,
    "hints_per_answer.requests": _hints,
    "answer_changes.answers": _changes,
    "output_fall.questions": _while_active("questions answered a week"),
    "velocity_fall.questions": _while_active("questions newly solved a week"),
}
