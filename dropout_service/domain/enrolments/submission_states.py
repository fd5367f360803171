"""States of a piece of work of a student."""

from enum import StrEnum


class SubmissionState(StrEnum):
    """State of a piece of work."""

    HANDED_IN = "handed_in"
    LATE = "late"
    MISSING = "missing"
    NOT_DUE = "not_due"
    EXCUSED = "excused"


def submission_state(
    due_day: int | None, submitted_day: int | None, today: int, *, is_banked: bool
) -> SubmissionState:
    """Return the state at the end of the day `today` of the course.

    is_banked: carried over from an earlier attempt, so nothing had to be handed in.
    """
    if is_banked:
        return SubmissionState.EXCUSED
    if submitted_day is not None:
        is_late = due_day is not None and submitted_day > due_day
        return SubmissionState.LATE if is_late else SubmissionState.HANDED_IN
    is_due = due_day is not None and due_day <= today
    return SubmissionState.MISSING if is_due else SubmissionState.NOT_DUE
