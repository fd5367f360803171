"""Sentences that explain a model's reasons to staff.

Each function takes the student's values and the course's medians, both by feature (None: unknown).
"""

from collections.abc import Mapping

Values = Mapping[str, float | None]

_NO_ACTIVITY = "No activity is known of this course."


def _shown(value: float | None, digits: int = 0) -> str:
    return "not known" if value is None else f"{value:.{digits}f}"


def _percent(share: float | None) -> str:
    return "not known" if share is None else f"{100 * share:.0f} %"


def _counted(value: float | None, one: str, more: str) -> str:
    return f"{_shown(value)} {one if _shown(value) == '1' else more}"


def _days(count: float) -> str:
    return _counted(count, "day", "days")


def _beside_due(lead: float) -> str:
    """Return the text for a lead in days before the due day; a negative lead is after it."""
    if not round(lead):
        return "on the day"
    return f"{_days(abs(lead))} {'before' if lead > 0 else 'after'}"


def _ago(feature: str, event: str, unknown: str, student: Values, course: Values) -> str:
    days = student[feature]
    if days is None:
        return unknown
    return f"The last {event} {_days(days)} ago (course: {_shown(course[feature])})."


def explain_missed(student: Values, course: Values) -> str:
    """Return the number of missed assessments, or the share of the coursework done."""
    last, missed, due = (
        student[name] for name in ("missed_last_two", "assessments_missed", "assessments_due")
    )
    if missed and due:
        was = "assessment due was" if due == 1 else "assessments due were"
        both = ", the last two among them" if due > 1 and last == 2 else ""  # noqa: PLR2004 - it says two
        beside = _shown(course["assessments_missed"])
        return f"{missed:.0f} of {due:.0f} {was} missed{both} (course: {beside})."
    done, usual = student["weight_done_share"], course["weight_done_share"]
    if done is None:
        return "Nothing that was due was missed."
    return (
        f"{_percent(done)} of the coursework is done, {_percent(usual)} is usual in the course;"
        " nothing that was due was missed."
    )


def explain_late(student: Values, course: Values) -> str:
    """Return the lead before the due day, on average if there are several, and the late ones."""
    lead, late, count = (
        student[name] for name in ("mean_lead_days", "assessments_late", "assessments_handed_in")
    )
    if lead is None:
        return "The work handed in has no due day." if count else "Nothing was handed in yet."
    usual = course["mean_lead_days"]
    beside = "" if usual is None else f" (course: {_beside_due(usual)})"
    if count == 1:
        return f"The one piece handed in came {_beside_due(lead)} it was due{beside}."
    return (
        f"Work is handed in {_beside_due(lead)} it is due on average{beside};"
        f" {_shown(late)} came late."
    )


def explain_pause(student: Values, course: Values) -> str:
    """Return the days since the last submission."""
    unknown = "Nothing was handed in yet."
    return _ago("days_since_submission", "work was handed in", unknown, student, course)


def explain_marks(student: Values, course: Values) -> str:
    """Return the mean and the lowest mark, or the only one."""
    mean = student["score_mean"]
    if mean is None:
        return "No mark is known yet."
    usual = _shown(course["score_mean"])
    # A trend needs two marks.
    if student["score_trend"] is None:
        return f"The one mark so far is {mean:.0f} (course: {usual})."
    lowest = _shown(student["lowest_score"])
    return f"The marks are {mean:.0f} on average (course: {usual}), the lowest is {lowest}."


def explain_trend(student: Values, _course: Values) -> str:
    """Return the difference of the last mark from the earlier ones."""
    trend = student["score_trend"]
    if trend is None:
        return "There are too few marks for a trend."
    if not round(trend):
        return "The last mark is like those before."
    way = "above" if trend > 0 else "below"
    points = _counted(abs(trend), "point", "points")
    return f"The last mark is {points} {way} those before."


def explain_activity(student: Values, course: Values) -> str:
    """Return the active days and clicks of the last two weeks."""
    days, clicks = student["active_days_14"], student["clicks_per_week_14"]
    if days is None:
        return _NO_ACTIVITY
    usual = _shown(course["active_days_14"])
    return (
        f"Active on {days:.0f} of the last 14 days (course: {usual}), with"
        f" {_counted(clicks, 'click', 'clicks')} a week."
    )


def explain_recency(student: Values, course: Values) -> str:
    """Return the days since the last activity, or since the stream began without any activity."""
    days = student["days_since_activity"]
    if days is not None and student["clicks_total"] == 0:
        usual = _shown(course["days_since_activity"])
        return f"No activity was seen for {_days(days)} (course: {usual})."
    return _ago("days_since_activity", "activity was", _NO_ACTIVITY, student, course)


def explain_breadth(student: Values, course: Values) -> str:
    """Return the number of types of resources used."""
    used, usual = student["resource_types"], _shown(course["resource_types"])
    if used is None:
        return "The types of the resources used are not known."
    types = _counted(used, "type of resources was", "types of resources were")
    return f"{types} used so far (course: {usual})."


def explain_questions(student: Values, _course: Values) -> str:
    """Return the answers of the last four weeks, and the share of correct ones."""
    per_week, right = student["answers_per_week_28"], student["success_share_28"]
    if per_week is None:
        return "Nobody in the course answered questions."
    answers = _counted(4 * per_week, "question was", "questions were")
    rightly = "" if right is None else f", {_percent(right)} of the graded ones right"
    return f"{answers} answered in the last four weeks{rightly}."


def explain_load(student: Values, course: Values) -> str:
    """Return the credits studied at the same time."""
    usual = _shown(course["credits"])
    return f"{_shown(student['credits'])} credits are studied at the same time (course: {usual})."


def explain_repeating(student: Values, _course: Values) -> str:
    """Return the earlier attempts and the work carried over."""
    attempts, banked = student["previous_attempts"], student["assessments_banked"]
    return (
        f"Earlier attempts at the module: {_shown(attempts)}; work carried over: {_shown(banked)}."
    )


def explain_registration(student: Values, _course: Values) -> str:
    """Return the share of the course that registered later."""
    share = student["registration_lead_percentile"]
    if share is None:
        return "It is not known when the student registered."
    return f"{_percent(share)} of the course registered later than the student."
