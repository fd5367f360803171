"""Comparison of students with an intervention with similar ones."""

from datetime import date, timedelta

import pytest

from staffstuddash_service.domain.follow_ups.comparison import WeekPlace, compare, wilson

MONDAY = date(2026, 3, 2)
WEEK = timedelta(days=7)


def a_place(student: str, rank: int, week: int = 0, reason: str | None = None) -> WeekPlace:
    return WeekPlace(student, MONDAY + week * WEEK, rank, 100, reason)


def places(students: int, *, moves: int = 0, leaves: int = 0) -> list[WeekPlace]:
    """Return pairs of neighbours: the first ones move by some places, the last of them leave."""
    found = []
    for number in range(students):
        first, second = f"a{number:02}", f"b{number:02}"
        found += [a_place(first, 2 * number + 1), a_place(second, 2 * number + 2)]
        if number < students - leaves:
            found.append(a_place(first, 2 * number + 1 + moves + number % 2, 4))
        found.append(a_place(second, 2 * number + 2, 4))
    return found


CONTACTS = {f"a{number:02}": [MONDAY + timedelta(days=2)] for number in range(30)}


def test_both_groups_have_what_followed() -> None:
    found = compare(places(30, moves=10, leaves=6), CONTACTS, MONDAY)

    assert not found.too_few
    assert (found.contacted.n, found.others.n, found.unmatched) == (30, 30, 0)
    assert (found.contacted.still_active, found.others.still_active) == (24, 30)
    assert found.contacted.share == 0.8
    assert found.contacted.share_low == pytest.approx(0.627, abs=0.001)
    assert found.contacted.share_high == pytest.approx(0.905, abs=0.001)
    assert found.contacted.place_change == pytest.approx(10.5)
    assert found.contacted.place_change_low is not None
    assert 10 < found.contacted.place_change_low < 10.5
    assert (found.others.place_change, found.others.share) == (0, 1)


def test_small_groups_have_no_figures() -> None:
    found = compare(places(19), CONTACTS, MONDAY)

    assert found.too_few
    assert (found.contacted.n, found.contacted.share, found.others.place_change) == (19, None, None)


def test_a_reason_counts_before_the_distance() -> None:
    near = [
        a_place("a", 20, reason="pause"),
        a_place("b", 21, reason="marks"),
        a_place("c", 25, reason="pause"),
        a_place("d", 90, reason="pause"),
        *(a_place(name, rank, 4) for name, rank in (("a", 1), ("b", 21), ("c", 90))),
    ]
    alone = compare(near, {"a": [MONDAY]}, MONDAY)
    # The one with the same reason was contacted, too, two weeks later.
    contacts = {"a": [MONDAY], "c": [MONDAY + 2 * WEEK]}

    assert (alone.contacted.n, alone.unmatched) == (1, 0)
    assert compare(near, contacts, MONDAY).others.n == 1
    assert compare([one for one in near if one.student_id != "b"], contacts, MONDAY).unmatched == 1


def test_only_the_first_contact_with_four_weeks_after_it_counts() -> None:
    rows = [a_place(name, rank, week) for week in range(8) for name, rank in (("a", 1), ("b", 2))]

    def contacted(*weeks: int, since: date = MONDAY) -> int:
        days = [MONDAY + week * WEEK for week in weeks]
        return compare(rows, {"a": days}, since).contacted.n

    assert contacted(0, 1, 2) == 1
    assert contacted(3) == 1
    assert contacted(4) == 0
    assert contacted(0, since=MONDAY + WEEK) == 0
    assert compare([], {}, MONDAY).too_few


@pytest.mark.parametrize(("successes", "n"), [(0, 20), (20, 20), (7, 21)])
def test_an_interval_contains_its_share(successes: int, n: int) -> None:
    low, high = wilson(successes, n)

    assert 0 <= low <= successes / n <= high <= 1
