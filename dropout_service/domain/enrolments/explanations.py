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
    """Return the mean lead before the due day, and the number of late submissions."""
    lead, late = student["mean_lead_days"], student["assessments_late"]
    if lead is None:
        return "Nothing was handed in yet."
    usual = course["mean_lead_days"]
    beside = "" if usual is None else f" (course: {_beside_due(usual)})"
    return (
        f"Work is handed in {_beside_due(lead)} it is due on average{beside};"
        f" {_shown(late)} came late."
    )


def explain_pause(student: Values, course: Values) -> str:
    """Return the days since the last submission."""
    unknown = "Nothing was handed in yet."
    return _ago("days_since_submission", "work was handed in", unknown, student, course)


def explain_marks(student: Values, course: Values) -> str:
    """Return the mean and the lowest score."""
    mean = student["score_mean"]
    if mean is None:
        return "No score is known yet."
    usual = _shown(course["score_mean"])
    lowest = _shown(student["lowest_score"])
    return f"The scores are {mean:.0f} on average (course: {usual}), the lowest is {lowest}."


def explain_trend(student: Values, _course: Values) -> str:
    """Return the difference of the last score from the earlier ones."""
    trend = student["score_trend"]
    if trend is None:
        return "There are too few scores for a trend."
    if not round(trend):
        return "The last score is like those before."
    way = "above" if trend > 0 else "below"
    points = _counted(abs(trend), "point", "points")
    return f"The last score is {points} {way} those before."


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


def explain_change(student: Values, _course: Values) -> str:
    """Return the direction of the change of activity."""
    change = student["clicks_change"]
    if change is None:
        return _NO_ACTIVITY
    if not change:
        return "The last two weeks had as much activity as the two before."
    way = "fell" if change < 0 else "rose"
    return f"Activity {way} over the last two weeks beside the two before."


def explain_breadth(student: Values, course: Values) -> str:
    """Return the number of types of resources used."""
    used, usual = student["resource_types"], _shown(course["resource_types"])
    if used is None:
        return "The types of the resources used are not known."
    types = _counted(used, "type of resources was", "types of resources were")
    return f"{types} used so far (course: {usual})."


def explain_rhythm(student: Values, course: Values) -> str:
    """Return the regularity of the active days."""
    regularity = student["regularity"]
    if regularity is None:
        return "There are too few active days for a rhythm."
    usual = _shown(course["regularity"], 2)
    return f"The rhythm of the active days has a regularity of {regularity:.2f} (course: {usual})."


def explain_questions(student: Values, _course: Values) -> str:
    """Return the answers per week, and the share of correct ones."""
    answers, right = student["answers_per_week_28"], student["success_share_28"]
    if answers is None:
        return "Nobody in the course answered questions."
    asked = _counted(answers, "question a week is", "questions a week are")
    rightly = "" if right is None else f", {_percent(right)} of them right"
    return f"{asked} answered{rightly}."


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
