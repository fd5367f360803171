"""Rule for stale data."""

from datetime import timedelta

import pytest

from shared_db.queries.freshness import DAYS, is_stale, recent_days
from tests.support.factories import NOON


@pytest.mark.parametrize(
    ("ages", "stale"),
    [
        ([], None),
        ([9, 10, 11, 12], None),
        ([0, 1, 2, 3, 4], False),
        ([3, 4, 5, 6, 7], False),
        ([4, 5, 6, 7, 8], True),
        ([20, 27, 34, 41, 48], False),
        ([22, 29, 36, 43, 50], True),
        # The median of the gaps: one long break changes nothing.
        ([4, 5, 6, 26, 27, 28], True),
    ],
)
def test_data_are_stale_after_three_usual_gaps(ages: list[int], stale: bool | None) -> None:
    days = [NOON.date() - timedelta(days=age) for age in ages]

    assert is_stale(days, NOON) is stale


def test_the_latest_days_come_first() -> None:
    days = recent_days(NOON)

    assert (days[0], len(days)) == (NOON.date(), DAYS)
    assert days == sorted(days, reverse=True)
