"""Staleness of the data of a course: rules on the gaps between days with data."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from itertools import pairwise
from statistics import median

# Fewer instants do not show a rhythm.
MIN_INSTANTS = 5
MAX_INSTANTS = 30
MIN_GAP = timedelta(days=3)
GAPS = 3


class DataKind(StrEnum):
    """Kind of data of a course."""

    EVENTS = "events"
    SUBMISSIONS = "submissions"
    PREDICTIONS = "predictions"
    MARKS = "marks"
    ENROLMENTS = "enrolments"


def is_stale_by_gaps(instants: Sequence[datetime], as_of: datetime) -> bool | None:
    """Return True if the last instant is older than three times the median gap between them.

    A gap counts at least three days. None: too few instants. instants: the latest first.
    """
    if len(instants) < MIN_INSTANTS:
        return None
    gaps = [(late - early).total_seconds() for early, late in pairwise(reversed(instants))]
    return as_of - instants[0] > max(MIN_GAP, GAPS * timedelta(seconds=median(gaps)))


def is_stale_by_due_days(last_day: int | None, due_days: Sequence[int], today: int) -> bool | None:
    """Return True if work was due after the last submission, and three days ago or earlier.

    Days of the course. None: no work was due by then.
    """
    due = [day for day in due_days if day <= today - MIN_GAP.days]
    if not due:
        return None
    return last_day is None or max(due) > last_day
