"""Features of synthetic students, for tests of the rules."""

from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from dropout_service.domain.rules.activity import Activity
from dropout_service.domain.rules.features import Features, features_of
from tests.support.factories import NOON

ABSENT = features_of(Activity(as_of=NOON))

HEALTHY = Features(
    known_for_days=98.0,
    baseline_weeks=12.0,
    days_since_activity=1.0,
    events_per_week_recent=30.0,
    events_per_week_before=30.0,
    active_days_per_week_recent=4.0,
    active_days_per_week_before=4.0,
    answers_per_week_recent=10.0,
    answers_per_week_before=10.0,
    questions_attempted=120,
    questions_correct=110,
    attempts_per_question=1.2,
    velocity_recent=1.3,
    velocity_before=1.3,
    plateau_days=0,
    success_share_recent=0.9,
    success_share_before=0.9,
    graded_recent=20,
    graded_before=100,
    answer_stability=0.8,
    compared_answers=10,
    hints_per_answer_recent=0.1,
    hints_per_answer_before=0.1,
    sessions_per_week_recent=4.0,
    sessions_per_week_before=4.0,
    session_minutes_recent=25.0,
    session_minutes_before=25.0,
    mean_gap_days_recent=1.75,
    mean_gap_days_before=1.75,
    gap_growth=1.0,
    longest_gap_days=3,
    gap_variation=0.4,
    regularity=1 / 1.4,
    mark_count=6,
    mark_share_recent=0.85,
    mark_share_before=0.85,
    days_since_mark=6.0,
)

_SHARE = st.none() | st.floats(0, 1)
_RATE = st.none() | st.floats(0, 200)
_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "days_since_activity": st.none() | st.floats(0, 400),
    "events_per_week_recent": _RATE,
    "events_per_week_before": _RATE,
    "active_days_per_week_recent": st.none() | st.floats(0, 7),
    "active_days_per_week_before": st.none() | st.floats(0, 7),
    "answers_per_week_recent": _RATE,
    "answers_per_week_before": _RATE,
    "questions_attempted": st.integers(0, 500),
    "attempts_per_question": st.none() | st.floats(1, 20),
    "velocity_recent": _RATE,
    "velocity_before": _RATE,
    "plateau_days": st.none() | st.integers(0, 400),
    "success_share_recent": _SHARE,
    "success_share_before": _SHARE,
    "graded_recent": st.integers(0, 100),
    "graded_before": st.integers(0, 100),
    "answer_stability": _SHARE,
    "compared_answers": st.integers(0, 50),
    "hints_per_answer_recent": st.none() | st.floats(0, 20),
    "hints_per_answer_before": st.none() | st.floats(0, 20),
    "sessions_per_week_recent": _RATE,
    "sessions_per_week_before": _RATE,
    "session_minutes_recent": st.none() | st.floats(0, 600),
    "session_minutes_before": st.none() | st.floats(0, 600),
    "mean_gap_days_recent": st.none() | st.floats(1, 90),
    "mean_gap_days_before": st.none() | st.floats(1, 90),
    "gap_growth": st.none() | st.floats(0, 50),
    "longest_gap_days": st.none() | st.integers(1, 42),
    "gap_variation": st.none() | st.floats(0, 6),
    "mark_count": st.integers(0, 30),
    "mark_share_recent": _SHARE,
    "mark_share_before": _SHARE,
    "days_since_mark": st.none() | st.floats(0, 400),
}


def features() -> st.SearchStrategy[Features]:
    """Return a strategy for features that are assessable, consistent or not."""
    return st.fixed_dictionaries(_VALUES).map(lambda values: replace(HEALTHY, **values))
