"""Features of a student: counts per week, per question, and against the weeks before."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt
from typing import TypeVar

from dropout_service.domain.rules.activity import BEFORE_DAYS, RECENT_DAYS, Activity, epoch_day

FEATURES_VERSION = "features-2"

# With less data a figure would depend on chance.
MIN_BASELINE_WEEKS = 2
MIN_BASELINE_EVENTS = 5
MIN_GAPS_RECENT = 2
MIN_GAPS_BEFORE = 3
MIN_GAPS_RHYTHM = 5
# With fewer judged submissions, the unknown ones alone could look like a fall of solved questions.
MIN_JUDGED_SHARE = 0.75

_WEEK = 7
_DAY = timedelta(days=1)

N = TypeVar("N", int, float)


@dataclass(frozen=True)
class Features:
    """Features at an instant; `docs/scores.md` has each formula. None: too little data.

    `..._recent` covers the last 14 days, `..._before` at most the 12 weeks before them. Shares are
    0 to 1; days are fractional if they count from an instant.
    """

    known_for_days: float | None
    baseline_weeks: float
    days_since_activity: float | None
    events_per_week_recent: float | None
    events_per_week_before: float | None
    active_days_per_week_recent: float | None
    active_days_per_week_before: float | None
    answers_per_week_recent: float | None
    answers_per_week_before: float | None
    questions_attempted: int
    questions_correct: int | None
    attempts_per_question: float | None
    velocity_recent: float | None
    velocity_before: float | None
    plateau_days: int | None
    success_share_recent: float | None
    success_share_before: float | None
    graded_recent: int
    graded_before: int
    answer_stability: float | None
    compared_answers: int
    hints_per_answer_recent: float | None
    hints_per_answer_before: float | None
    sessions_per_week_recent: float | None
    sessions_per_week_before: float | None
    session_minutes_recent: float | None
    session_minutes_before: float | None
    mean_gap_days_recent: float | None
    mean_gap_days_before: float | None
    gap_growth: float | None
    longest_gap_days: int | None
    gap_variation: float | None
    regularity: float | None
    mark_count: int | None
    mark_share_recent: float | None
    mark_share_before: float | None
    days_since_mark: float | None


def features_of(activity: Activity) -> Features:
    """Return the features at the instant of the activity."""
    recent, before = _observed_weeks(activity)
    variation = _gap_variation(activity)
    mean_recent = _share(activity.gap_days_recent, activity.gaps_recent, MIN_GAPS_RECENT)
    mean_before = _share(activity.gap_days_before, activity.gaps_before, MIN_GAPS_BEFORE)
    return Features(
        known_for_days=_days_since(_earliest(activity), activity.as_of),
        baseline_weeks=before,
        days_since_activity=_days_since(_latest_activity(activity), activity.as_of),
        events_per_week_recent=_rate(activity.events_recent, recent),
        events_per_week_before=_baseline(activity, activity.events_before, before),
        active_days_per_week_recent=_rate(activity.active_days_recent, recent),
        active_days_per_week_before=_baseline(activity, activity.active_days_before, before),
        answers_per_week_recent=_rate(activity.submissions_recent, recent),
        answers_per_week_before=_baseline(activity, activity.submissions_before, before),
        questions_attempted=activity.questions_attempted,
        questions_correct=_if_judged(
            activity.questions_solved, activity.judged, activity.submissions
        ),
        attempts_per_question=_share(activity.answers, activity.questions_attempted),
        velocity_recent=_if_judged(
            _rate(activity.solved_recent, recent * _WEEK),
            activity.judged_recent,
            activity.submissions_recent,
        ),
        velocity_before=_if_judged(
            _baseline(activity, activity.solved_before / _WEEK, before),
            activity.judged_before,
            activity.submissions_before,
        ),
        plateau_days=_if_judged(
            _plateau_days(activity), activity.judged_plateau, activity.submissions_plateau
        ),
        success_share_recent=_share(activity.correct_recent, activity.graded_recent),
        success_share_before=_share(activity.correct_before, activity.graded_before),
        graded_recent=activity.graded_recent,
        graded_before=activity.graded_before,
        answer_stability=_share(activity.kept, activity.compared),
        compared_answers=activity.compared,
        hints_per_answer_recent=_share(activity.hints_recent, activity.submissions_recent),
        hints_per_answer_before=_share(activity.hints_before, activity.submissions_before),
        sessions_per_week_recent=_rate(activity.sessions_recent, recent),
        sessions_per_week_before=_baseline(activity, activity.sessions_before, before),
        session_minutes_recent=_share(
            activity.session_seconds_recent / 60, activity.sessions_recent
        ),
        session_minutes_before=_share(
            activity.session_seconds_before / 60, activity.sessions_before
        ),
        mean_gap_days_recent=mean_recent,
        mean_gap_days_before=mean_before,
        gap_growth=None if not mean_before or mean_recent is None else mean_recent / mean_before,
        longest_gap_days=activity.longest_gap_rhythm,
        gap_variation=variation,
        regularity=None if variation is None else 1 / (1 + variation),
        mark_count=activity.marks,
        mark_share_recent=activity.mark_share_recent,
        mark_share_before=activity.mark_share_before,
        days_since_mark=_days_since(activity.last_mark_at, activity.as_of),
    )


def _earliest(activity: Activity) -> datetime | None:
    known = [at for at in (activity.first_event_at, activity.first_mark_at) if at is not None]
    return min(known, default=None)


def _latest_activity(activity: Activity) -> datetime | None:
    """Return the latest event or mark; None without events, as missing is not zero."""
    if activity.last_event_at is None or activity.last_mark_at is None:
        return activity.last_event_at
    return max(activity.last_event_at, activity.last_mark_at)


def _days_since(instant: datetime | None, as_of: datetime) -> float | None:
    return None if instant is None else (as_of - instant) / _DAY


def _observed_weeks(activity: Activity) -> tuple[float, float]:
    """Return the weeks since the first event, within the recent window and the one before."""
    if activity.first_event_at is None:
        return 0.0, 0.0
    days = epoch_day(activity.as_of) - epoch_day(activity.first_event_at) + 1
    recent = min(days, RECENT_DAYS)
    return recent / _WEEK, min(days - recent, BEFORE_DAYS) / _WEEK


def _rate(count: float, per: float) -> float | None:
    return count / per if per > 0 else None


def _baseline(activity: Activity, count: float, weeks: float) -> float | None:
    is_enough = weeks >= MIN_BASELINE_WEEKS and activity.events_before >= MIN_BASELINE_EVENTS
    return count / weeks if is_enough else None


def _share(part: float, whole: int, fewest: int = 1) -> float | None:
    return part / whole if whole >= fewest else None


def _if_judged(figure: N | None, judged: int, submissions: int) -> N | None:
    """Return the figure of solved questions, or None if too few submissions are judged."""
    return figure if judged >= MIN_JUDGED_SHARE * submissions else None


def _plateau_days(activity: Activity) -> int | None:
    """Return the days from the last newly solved question, else the first answer, to the last."""
    if activity.last_submission_day is None or activity.first_submission_day is None:
        return None
    since = activity.last_new_solution_day
    return max(
        0,
        activity.last_submission_day - (activity.first_submission_day if since is None else since),
    )


def _gap_variation(activity: Activity) -> float | None:
    """Return the coefficient of variation: the standard deviation of the gaps over their mean."""
    count, total = activity.gaps_rhythm, activity.gap_days_rhythm
    if count < MIN_GAPS_RHYTHM:
        return None
    mean = total / count
    return sqrt(max(0.0, activity.gap_squares_rhythm / count - mean**2)) / mean
