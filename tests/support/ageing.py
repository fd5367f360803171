"""Rows of a chosen age, and deletions by age with the counts that were announced."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from shared_db.clock import utc_now


def ago(days: float) -> datetime:
    """Return noon so many days ago: it is as many whole days old."""
    return utc_now().replace(hour=12, minute=0, second=0, microsecond=0) - timedelta(days=days)


def announced(manager: Any, days: dict[str, int]) -> dict[str, int]:
    """Return the counts of a dry run by table, without zeros."""
    counts = Counter[str]()
    for one in manager.retention.account(days):
        counts[one.table] += one.due
    return dict(+counts)


def deleted(manager: Any, days: dict[str, int], **options: Any) -> dict[str, int]:
    """Run and return the counts by table, without zeros, which must be those of a dry run."""
    before = announced(manager, days)
    report = manager.retention.run(days, **options)
    assert report.is_complete
    found = dict(+report.deleted)
    assert found == before
    assert announced(manager, days) == {}
    return found
