"""A student's features: what the counts mean, per week, per question, against the weeks before."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import sqrt

from dropout_service.domain.rules.activity import BEFORE_DAYS, RECENT_DAYS, Activity, day_of

FEATURES_VERSION = "features-1"

# Below these a figure would speak of chance.
FEWEST_BASELINE_WEEKS = 2
FEWEST_BASELINE_EVENTS = 5
FEWEST_GAPS_RECENT = 2
FEWEST_GAPS_BEFORE = 3
FEWEST_GAPS_RHYTHM = 5

_WEEK = 7
_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Features:
    """Features at an instant; `docs/scores.md` has each formula. None: there is too little for it.

    `..._recent` is of the last 14 days, `..._before` of the at most 12 weeks before them.
    Shares are 0 to 1; days may have fractions where an instant is known.
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
    questions_correct: int
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
    mark_count: int
    mark_share_recent: float | None
    mark_share_before: float | None
    days_since_mark: float | None


def features_of(seen: Activity) -> Features:
    """Return the features of what was seen by its `as_of`."""
    recent, before = _observed_weeks(seen)
    variation = _gap_variation(seen)
    mean_recent = _share(seen.gap_days_recent, seen.gaps_recent, FEWEST_GAPS_RECENT)
    mean_before = _share(seen.gap_days_before, seen.gaps_before, FEWEST_GAPS_BEFORE)
    return Features(
        known_for_days=_days_since(_earliest(seen), seen.as_of),
        baseline_weeks=before,
        days_since_activity=_days_since(_latest_activity(seen), seen.as_of),
        events_per_week_recent=_rate(seen.events_recent, recent),
        events_per_week_before=_baseline(seen, seen.events_before, before),
        active_days_per_week_recent=_rate(seen.active_days_recent, recent),
        active_days_per_week_before=_baseline(seen, seen.active_days_before, before),
        answers_per_week_recent=_rate(seen.submissions_recent, recent),
        answers_per_week_before=_baseline(seen, seen.submissions_before, before),
        questions_attempted=seen.questions_attempted,
        questions_correct=seen.questions_solved,
        attempts_per_question=_share(seen.answers, seen.questions_attempted),
        velocity_recent=_rate(seen.solved_recent, recent * _WEEK),
        velocity_before=_baseline(seen, seen.solved_before / _WEEK, before),
        plateau_days=_plateau_days(seen),
        success_share_recent=_share(seen.correct_recent, seen.graded_recent),
        success_share_before=_share(seen.correct_before, seen.graded_before),
        graded_recent=seen.graded_recent,
        graded_before=seen.graded_before,
        answer_stability=_share(seen.kept, seen.compared),
        compared_answers=seen.compared,
        hints_per_answer_recent=_share(seen.hints_recent, seen.submissions_recent),
        hints_per_answer_before=_share(seen.hints_before, seen.submissions_before),
        sessions_per_week_recent=_rate(seen.sessions_recent, recent),
        sessions_per_week_before=_baseline(seen, seen.sessions_before, before),
        session_minutes_recent=_share(seen.session_seconds_recent / 60, seen.sessions_recent),
        session_minutes_before=_share(seen.session_seconds_before / 60, seen.sessions_before),
        mean_gap_days_recent=mean_recent,
        mean_gap_days_before=mean_before,
        gap_growth=None if not mean_before or mean_recent is None else mean_recent / mean_before,
        longest_gap_days=seen.longest_gap_rhythm,
        gap_variation=variation,
        regularity=None if variation is None else 1 / (1 + variation),
        mark_count=seen.marks,
        mark_share_recent=seen.mark_share_recent,
        mark_share_before=seen.mark_share_before,
        days_since_mark=_days_since(seen.last_mark_at, seen.as_of),
    )


def _earliest(seen: Activity) -> datetime | None:
    known = [at for at in (seen.first_event_at, seen.first_mark_at) if at is not None]
    return min(known, default=None)


def _latest_activity(seen: Activity) -> datetime | None:
    """Return the latest event or mark; None without events, as missing is not zero."""
    if seen.last_event_at is None or seen.last_mark_at is None:
        return seen.last_event_at
    return max(seen.last_event_at, seen.last_mark_at)


def _days_since(moment: datetime | None, as_of: datetime) -> float | None:
    return None if moment is None else (as_of - moment) / _DAY


def _observed_weeks(seen: Activity) -> tuple[float, float]:
    """Return how many weeks of the recent days and of those before the student had begun."""
    if seen.first_event_at is None:
        return 0.0, 0.0
    days = day_of(seen.as_of) - day_of(seen.first_event_at) + 1
    recent = min(days, RECENT_DAYS)
    return recent / _WEEK, min(days - recent, BEFORE_DAYS) / _WEEK


def _rate(count: float, per: float) -> float | None:
    return count / per if per > 0 else None


def _baseline(seen: Activity, count: float, weeks: float) -> float | None:
    is_enough = weeks >= FEWEST_BASELINE_WEEKS and seen.events_before >= FEWEST_BASELINE_EVENTS
    return count / weeks if is_enough else None


def _share(part: float, whole: int, fewest: int = 1) -> float | None:
    return part / whole if whole >= fewest else None


def _plateau_days(seen: Activity) -> int | None:
    """Return from the last question newly solved, else the first answer, to the last answer."""
    if seen.last_submission_day is None or seen.first_submission_day is None:
        return None
    since = seen.last_new_solution_day
    return max(
        0, seen.last_submission_day - (seen.first_submission_day if since is None else since)
    )


def _gap_variation(seen: Activity) -> float | None:
    """Return the coefficient of variation: the standard deviation of the gaps over their mean."""
    count, total = seen.gaps_rhythm, seen.gap_days_rhythm
    if count < FEWEST_GAPS_RHYTHM:
        return None
    mean = total / count
    return sqrt(max(0.0, seen.gap_squares_rhythm / count - mean**2)) / mean
