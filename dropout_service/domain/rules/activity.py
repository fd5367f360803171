"""Counts of a student's events and marks at an instant, as computed by the database.

Windows are UTC days back from the day of `as_of`, which is day 0: recent is days 0 to 13, before
is days 14 to 97, rhythm is days 0 to 41. A gap belongs to the day that ends it. The plateau is the
time after the day of the last newly solved question. A judged submission names its question and
states whether it is correct; only such a submission shows whether a question was solved.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

RECENT_DAYS = 14
BEFORE_DAYS = 84
RHYTHM_DAYS = 42
# Number of the last marks that count as recent.
RECENT_MARKS = 3

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def epoch_day(instant: datetime) -> int:
    """Return the UTC day of an instant, in days since 1970-01-01."""
    return (instant - EPOCH) // timedelta(days=1)


@dataclass(frozen=True)
class Activity:
    """Counts of a student's events and marks by `as_of`; None without any of them.

    marks: None if they are unknown, as those of a class without subjects.
    """

    as_of: datetime
    first_event_at: datetime | None = None
    last_event_at: datetime | None = None
    events_recent: int = 0
    events_before: int = 0
    active_days_recent: int = 0
    active_days_before: int = 0
    submissions_recent: int = 0
    submissions_before: int = 0
    graded_recent: int = 0
    graded_before: int = 0
    correct_recent: int = 0
    correct_before: int = 0
    judged_recent: int = 0
    judged_before: int = 0
    submissions: int = 0
    judged: int = 0
    submissions_plateau: int = 0
    judged_plateau: int = 0
    answers: int = 0
    questions_attempted: int = 0
    questions_solved: int = 0
    solved_recent: int = 0
    solved_before: int = 0
    last_new_solution_day: int | None = None
    first_submission_day: int | None = None
    last_submission_day: int | None = None
    compared: int = 0
    kept: int = 0
    hints_recent: int = 0
    hints_before: int = 0
    sessions_recent: int = 0
    sessions_before: int = 0
    session_seconds_recent: float = 0.0
    session_seconds_before: float = 0.0
    gaps_recent: int = 0
    gap_days_recent: int = 0
    gaps_before: int = 0
    gap_days_before: int = 0
    gaps_rhythm: int = 0
    gap_days_rhythm: int = 0
    gap_squares_rhythm: int = 0
    longest_gap_rhythm: int | None = None
    marks: int | None = 0
    first_mark_at: datetime | None = None
    last_mark_at: datetime | None = None
    mark_share_recent: float | None = None
    mark_share_before: float | None = None

    def marks_only(self) -> "Activity":
        """Return the activity with the marks alone, as if there were no events."""
        return Activity(
            as_of=self.as_of,
            marks=self.marks,
            first_mark_at=self.first_mark_at,
            last_mark_at=self.last_mark_at,
            mark_share_recent=self.mark_share_recent,
            mark_share_before=self.mark_share_before,
        )
