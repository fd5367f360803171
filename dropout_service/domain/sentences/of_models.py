"""English texts of the sentences on the topics of a model, by code.

`usual` is the median of the course. A value that may be unknown has the type `float | None`.
"""

from collections.abc import Callable, Mapping

from dropout_service.domain.sentences.wording import beside_due, counted, days, percent, shown

Known = float | None


def _missed(missed: float, due: float, usual: Known) -> str:
    return _missed_of(missed, due, usual, "")


def _missed_last_two(missed: float, due: float, usual: Known) -> str:
    return _missed_of(missed, due, usual, ", the last two among them")


def _missed_of(missed: float, due: float, usual: Known, both: str) -> str:
    was = "assessment due was" if due == 1 else "assessments due were"
    return f"{missed:.0f} of {due:.0f} {was} missed{both} (course: {shown(usual)})."


def _done(done: float, usual: Known) -> str:
    return (
        f"{percent(done)} of the coursework is done, {percent(usual)} is usual in the course;"
        " nothing that was due was missed."
    )


def _late_mean(lead: float, late: Known, usual: Known) -> str:
    return (
        f"Work is handed in {beside_due(lead)} it is due on average{_usual_lead(usual)};"
        f" {shown(late)} came late."
    )


def _late_one(lead: float, usual: Known) -> str:
    return f"The one piece handed in came {beside_due(lead)} it was due{_usual_lead(usual)}."


def _usual_lead(usual: Known) -> str:
    return "" if usual is None else f" (course: {beside_due(usual)})"


def _since_submission(since: float, usual: Known) -> str:
    return f"The last work was handed in {days(since)} ago (course: {shown(usual)})."


def _mean_mark(mean: float, lowest: Known, usual: Known) -> str:
    return (
        f"The marks are {mean:.0f} on average (course: {shown(usual)}), the lowest is"
        f" {shown(lowest)}."
    )


def _one_mark(mark: float, usual: Known) -> str:
    return f"The one mark so far is {mark:.0f} (course: {shown(usual)})."


def _above(points: float) -> str:
    return f"The last mark is {counted(points, 'point', 'points')} above those before."


def _below(points: float) -> str:
    return f"The last mark is {counted(points, 'point', 'points')} below those before."


def _active_days(active: float, clicks: Known, usual: Known) -> str:
    return (
        f"Active on {active:.0f} of the last 14 days (course: {shown(usual)}), with"
        f" {counted(clicks, 'click', 'clicks')} a week."
    )


def _not_seen(since: float, usual: Known) -> str:
    return f"No activity was seen for {days(since)} (course: {shown(usual)})."


def _last_seen(since: float, usual: Known) -> str:
    return f"The last activity was {days(since)} ago (course: {shown(usual)})."


def _types(used: float, usual: Known) -> str:
    types = counted(used, "type of resources was", "types of resources were")
    return f"{types} used so far (course: {shown(usual)})."


def _answered(answered: float, right: Known) -> str:
    answers = counted(answered, "question was", "questions were")
    rightly = "" if right is None else f", {percent(right)} of the graded ones right"
    return f"{answers} answered in the last four weeks{rightly}."


def _credits(credits: Known, usual: Known) -> str:  # noqa: A002 - the name of the value
    return f"{shown(credits)} credits are studied at the same time (course: {shown(usual)})."


def _attempts(attempts: Known, carried_over: Known) -> str:
    return (
        f"Earlier attempts at the module: {shown(attempts)}; work carried over:"
        f" {shown(carried_over)}."
    )


def _registered(later: float) -> str:
    return f"{percent(later)} of the course registered later than the student."


def _fixed(text: str) -> Callable[[], str]:
    return lambda: text


TEXTS: Mapping[str, Callable[..., str]] = {
    "missed_work.missed": _missed,
    "missed_work.missed_last_two": _missed_last_two,
    "missed_work.done": _done,
    "missed_work.nothing_missed": _fixed("Nothing that was due was missed."),
    "pause.last_submission": _since_submission,
    "pause.nothing_handed_in": _fixed("Nothing was handed in yet."),
    "late_work.mean": _late_mean,
    "late_work.one_piece": _late_one,
    "late_work.no_due_day": _fixed("The work handed in has no due day."),
    "late_work.nothing_handed_in": _fixed("Nothing was handed in yet."),
    "marks.mean": _mean_mark,
    "marks.one_mark": _one_mark,
    "marks.unknown": _fixed("No mark is known yet."),
    "mark_trend.above": _above,
    "mark_trend.below": _below,
    "mark_trend.like_before": _fixed("The last mark is like those before."),
    "mark_trend.unknown": _fixed("There are too few marks for a trend."),
    "activity.active_days": _active_days,
    "activity.unknown": _fixed("No activity is known of this course."),
    "recency.last_activity": _last_seen,
    "recency.never": _not_seen,
    "recency.unknown": _fixed("No activity is known of this course."),
    "breadth.types": _types,
    "breadth.unknown": _fixed("The types of the resources used are not known."),
    "questions.answered": _answered,
    "questions.unknown": _fixed("Nobody in the course answered questions."),
    "load.credits": _credits,
    "repeating.attempts": _attempts,
    "registration.later": _registered,
    "registration.unknown": _fixed("It is not known when the student registered."),
}
