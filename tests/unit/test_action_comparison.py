"""Comparison of students with an intervention with similar ones."""

from datetime import UTC, datetime, timedelta

import pytest

from staffstuddash_service.domain.follow_ups.comparison import Comparison, compare
from staffstuddash_service.domain.follow_ups.intervals import paired_shares, t_factor, wilson
from staffstuddash_service.domain.follow_ups.matching import PlaceAt, match

RUN = datetime(2026, 3, 2, 6, tzinfo=UTC)
DAY = timedelta(days=1)


def a_place(student: str, rank: int, reason: str | None = None, day: int = 0) -> PlaceAt:
    return PlaceAt(student, "art", RUN + day * DAY, rank, 100, reason)


def compared(students: int, *, moves: int = 0, leaves: int = 0) -> Comparison:
    """Compare neighbours: the first of each pair moves by some places, the last of these leave."""
    pairs, later = [], {}
    for number in range(students):
        first, second = (a_place(f"{group}{number:02}", 2 * number + 1) for group in "ab")
        pairs.append((first, second))
        later[second.student_id, "art", RUN] = second.rank
        if number < students - leaves:
            later[first.student_id, "art", RUN] = first.rank + moves + number % 2
    return compare(pairs, later, unmatched=3)


def test_both_groups_have_what_followed_and_their_difference() -> None:
    found = compared(30, moves=10, leaves=6)

    assert not found.too_few
    assert (found.contacted.n, found.others.n, found.unmatched) == (30, 30, 3)
    assert (found.contacted.still_active, found.others.still_active) == (24, 30)
    assert (found.contacted.share_low, found.contacted.share_high) == pytest.approx(
        (0.627, 0.905), abs=0.001
    )
    assert found.contacted.place_change == pytest.approx(10.5)
    assert found.contacted.place_change_low is not None
    assert 10 < found.contacted.place_change_low < 10.5
    assert (found.others.place_change, found.others.share) == (0, 1)
    shares, places = found.share_difference, found.place_difference
    assert shares is not None
    # Bonett and Price: (1 - 7) / 32, and 1.96 times the root of (8 - 36 / 32) / 32 / 32.
    assert (shares.value, shares.low, shares.high) == pytest.approx(
        (-0.2, -0.348, -0.027), abs=0.001
    )
    assert places is not None
    assert (places.value, places.n) == (10.5, 24)
    assert 10.2 < places.low < 10.5 < places.high < 10.8


def test_small_groups_have_no_figures() -> None:
    found, few_places = compared(19), compared(25, leaves=6)

    assert found.too_few
    assert (found.contacted.n, found.contacted.share, found.share_difference) == (19, None, None)
    assert (few_places.too_few, few_places.place_difference) == (False, None)
    assert few_places.contacted.place_change is None


def test_a_comparable_student_has_the_same_reason_at_the_nearest_place() -> None:
    case = a_place("a", 20, "pause")
    near = [
        case,
        a_place("b", 21, "marks"),
        a_place("c", 25, "pause"),
        a_place("d", 29, "pause"),
        a_place("e", 31, "pause"),
    ]

    def other(contacts: dict[str, list[datetime]]) -> str | None:
        pairs, _ = match([case], near, contacts)
        return pairs[0][1].student_id if pairs else None

    assert other({"a": [RUN]}) == "c"
    # Contacted four weeks before or after, it cannot stand for those who were not.
    assert other({"c": [RUN + 34 * DAY]}) == other({"c": [RUN - 28 * DAY]}) == "d"
    assert other({"c": [RUN + 35 * DAY]}) == "c"
    assert match([case], near, {"c": [RUN], "d": [RUN]}) == ([], 1)


def test_nobody_is_compared_twice_in_a_week() -> None:
    cases = [a_place("a", 1), a_place("b", 2), a_place("a", 1, day=7)]
    near = [*cases, a_place("c", 3), a_place("c", 3, day=7)]
    pairs, unmatched = match(cases, near, {"a": [RUN], "b": [RUN]})

    assert [(case.student_id, other.student_id) for case, other in pairs] == [
        ("a", "c"),
        ("a", "c"),
    ]
    assert unmatched == 1


@pytest.mark.parametrize(("successes", "n"), [(0, 20), (20, 20), (7, 21)])
def test_an_interval_contains_its_share(successes: int, n: int) -> None:
    low, high = wilson(successes, n)

    assert 0 <= low <= successes / n <= high <= 1


@pytest.mark.parametrize(("freedom", "expected"), [(10, 2.2281), (19, 2.0930), (200, 1.9719)])
def test_student_s_factor_is_that_of_the_tables(freedom: int, expected: float) -> None:
    assert t_factor(freedom) == pytest.approx(expected, abs=0.0005)


@pytest.mark.parametrize("pair", [(True, True), (False, False), (True, False)])
def test_equal_pairs_have_an_interval_with_a_width(pair: tuple[bool, bool]) -> None:
    found = paired_shares([pair] * 20)

    assert -1 <= found.low <= found.value <= found.high <= 1
    assert found.low < found.high
