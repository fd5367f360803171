"""Sentences that explain a model's reasons to staff, as codes with values.

Each function takes the student's values and the course's medians, both by feature (None: unknown).
"""

from dropout_service.domain.sentences.sentence import Sentence, Values


def _sentence(code: str, **values: float | None) -> Sentence:
    return Sentence(code, values)


def explain_missed(student: Values, course: Values) -> Sentence:
    """Return the number of missed assessments, or the share of the coursework done."""
    last, missed, due = (
        student[name] for name in ("missed_last_two", "assessments_missed", "assessments_due")
    )
    if missed and due:
        are_last = due > 1 and last == 2  # noqa: PLR2004 - the code says two
        code = "missed_work.missed_last_two" if are_last else "missed_work.missed"
        return _sentence(code, missed=missed, due=due, usual=course["assessments_missed"])
    done = student["weight_done_share"]
    if done is None:
        return _sentence("missed_work.nothing_missed")
    return _sentence("missed_work.done", done=done, usual=course["weight_done_share"])


def explain_late(student: Values, course: Values) -> Sentence:
    """Return the lead before the due day, on average if there are several, and the late ones."""
    lead, late, count = (
        student[name] for name in ("mean_lead_days", "assessments_late", "assessments_handed_in")
    )
    if lead is None:
        return _sentence("late_work.no_due_day" if count else "late_work.nothing_handed_in")
    usual = course["mean_lead_days"]
    if count == 1:
        return _sentence("late_work.one_piece", lead=lead, usual=usual)
    return _sentence("late_work.mean", lead=lead, late=late, usual=usual)


def explain_pause(student: Values, course: Values) -> Sentence:
    """Return the days since the last submission."""
    since = student["days_since_submission"]
    if since is None:
        return _sentence("pause.nothing_handed_in")
    return _sentence("pause.last_submission", since=since, usual=course["days_since_submission"])


def explain_marks(student: Values, course: Values) -> Sentence:
    """Return the mean and the lowest mark, or the only one."""
    mean, usual = student["score_mean"], course["score_mean"]
    if mean is None:
        return _sentence("marks.unknown")
    # A trend needs two marks.
    if student["score_trend"] is None:
        return _sentence("marks.one_mark", mark=mean, usual=usual)
    return _sentence("marks.mean", mean=mean, lowest=student["lowest_score"], usual=usual)


def explain_trend(student: Values, _course: Values) -> Sentence:
    """Return the difference of the last mark from the earlier ones."""
    trend = student["score_trend"]
    if trend is None:
        return _sentence("mark_trend.unknown")
    if not round(trend):
        return _sentence("mark_trend.like_before")
    return _sentence("mark_trend.above" if trend > 0 else "mark_trend.below", points=abs(trend))


def explain_activity(student: Values, course: Values) -> Sentence:
    """Return the active days and clicks of the last two weeks."""
    days, clicks = student["active_days_14"], student["clicks_per_week_14"]
    if days is None:
        return _sentence("activity.unknown")
    usual = course["active_days_14"]
    return _sentence("activity.active_days", active=days, clicks=clicks, usual=usual)


def explain_recency(student: Values, course: Values) -> Sentence:
    """Return the days since the last activity, or since the stream began without any activity."""
    days = student["days_since_activity"]
    if days is None:
        return _sentence("recency.unknown")
    code = "recency.never" if student["clicks_total"] == 0 else "recency.last_activity"
    return _sentence(code, since=days, usual=course["days_since_activity"])


def explain_breadth(student: Values, course: Values) -> Sentence:
    """Return the number of types of resources used."""
    used = student["resource_types"]
    if used is None:
        return _sentence("breadth.unknown")
    return _sentence("breadth.types", used=used, usual=course["resource_types"])


def explain_questions(student: Values, _course: Values) -> Sentence:
    """Return the answers of the last four weeks, and the share of correct ones."""
    per_week, right = student["answers_per_week_28"], student["success_share_28"]
    if per_week is None:
        return _sentence("questions.unknown")
    return _sentence("questions.answered", answered=4 * per_week, right=right)


def explain_load(student: Values, course: Values) -> Sentence:
    """Return the credits studied at the same time."""
    return _sentence("load.credits", credits=student["credits"], usual=course["credits"])


def explain_repeating(student: Values, _course: Values) -> Sentence:
    """Return the earlier attempts and the work carried over."""
    attempts, carried_over = student["previous_attempts"], student["assessments_banked"]
    return _sentence("repeating.attempts", attempts=attempts, carried_over=carried_over)


def explain_registration(student: Values, _course: Values) -> Sentence:
    """Return the share of the course that registered later."""
    later = student["registration_lead_percentile"]
    if later is None:
        return _sentence("registration.unknown")
    return _sentence("registration.later", later=later)
