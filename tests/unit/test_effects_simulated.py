"""Estimates of effects on simulated schools, in which the effect of a talk is known.

Students have a need that no place shows in full. Staff see it, and talk first to those in need.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from math import exp
from random import Random
from statistics import fmean

from dropout_service.domain.drawn_order import Lottery
from dropout_service.domain.weeks import monday_of
from staffstuddash_service.domain.follow_ups.comparison import compare
from staffstuddash_service.domain.follow_ups.lottery import Drawn, contrast
from staffstuddash_service.domain.follow_ups.matching import PlaceAt, match

RUN = datetime(2026, 3, 2, 6, tzinfo=UTC)
# A list of 10 cuts the band of the places 9 to 12: lots decide who of these four is listed.
STUDENTS, BAND, TOP = 16, 4, 10
# Of a talk: places further from the top, and the part of those staying who would leave without it.
PLACES, STAYING = 5.0, 0.2


@dataclass(frozen=True)
class Pupil:
    """Student with the outcomes of both worlds: talked to or not, listed or not."""

    place: PlaceAt
    is_listed: bool
    talks_if_listed: bool
    talks_otherwise: bool
    stays: tuple[bool, bool]
    moves: tuple[int, int]

    @property
    def is_contacted(self) -> bool:
        """True if staff talked to the student."""
        return self.talks_if_listed if self.is_listed else self.talks_otherwise

    @property
    def move(self) -> int:
        """Places moved."""
        return self.moves[self.is_contacted]

    @property
    def effect_of_the_list(self) -> float:
        """Places moved because of being listed."""
        return float(self.moves[self.talks_if_listed] - self.moves[self.talks_otherwise])

    @property
    def staying_by_the_list(self) -> float:
        """Of being listed: 1 if it keeps the student, -1 if it drives the student away."""
        return float(self.stays[self.talks_if_listed]) - self.stays[self.talks_otherwise]


def school(seed: int, lists: int) -> list[Pupil]:
    """Return the students near the top of so many courses."""
    random, lottery = Random(seed), Lottery(BAND, f"secret {seed}")
    return [
        pupil for number in range(lists) for pupil in one_list(random, lottery, f"course {number}")
    ]


def one_list(random: Random, lottery: Lottery, course: str) -> list[Pupil]:
    needs = [random.gauss(0, 1) for _ in range(STUDENTS)]
    # The place shows the need, but not all of it.
    needs.sort(key=lambda need: need + random.gauss(0, 0.7), reverse=True)
    places = {f"{course}, {rank}": rank for rank in range(1, STUDENTS + 1)}
    positions = lottery.draw(course, monday_of(RUN)).positions(places)
    return [
        a_pupil(random, PlaceAt(id_, course, RUN, rank, STUDENTS, None), need, positions[id_])
        for (id_, rank), need in zip(places.items(), needs, strict=True)
    ]


def a_pupil(random: Random, place: PlaceAt, need: float, position: int) -> Pupil:
    wish, luck, strength = random.random(), random.gauss(0, 3), random.random()
    move = luck - 3 * need
    staying = 0.75 - 0.12 * need
    return Pupil(
        place,
        is_listed=position <= TOP,
        talks_if_listed=wish < 1 / (1 + exp(-0.5 - 1.5 * need)),
        talks_otherwise=wish < 0.1,
        stays=(strength < staying, strength < staying + STAYING),
        moves=(round(move), round(move + PLACES)),
    )


@cache
def large_school() -> list[Pupil]:
    return school(seed=1, lists=250)


def test_before_and_after_and_the_uncontacted_mislead() -> None:
    pupils = large_school()
    contacted = [one.move for one in pupils if one.is_contacted]
    others = [one.move for one in pupils if not one.is_contacted]

    assert fmean(contacted) < PLACES - 1
    assert fmean(contacted) - fmean(others) < PLACES - 2


def test_matching_reduces_the_bias_and_does_not_remove_it() -> None:
    pupils = large_school()
    contacts = {one.place.student_id: [RUN] for one in pupils if one.is_contacted}
    cases = [one.place for one in pupils if one.is_contacted]
    later = {
        (one.place.student_id, one.place.course, RUN): one.place.rank + one.move for one in pupils
    }
    pairs, _ = match(cases, [one.place for one in pupils], contacts)
    found = compare(pairs, later).place_difference
    naive = fmean(one.move for one in pupils if one.is_contacted) - fmean(
        one.move for one in pupils if not one.is_contacted
    )

    assert found is not None
    assert naive + 0.4 < found.value < PLACES - 0.4
    # The interval is about chance alone: it does not show the bias that is left.
    assert found.high < PLACES


def drawn(pupils: list[Pupil]) -> list[Drawn]:
    """Return the students of the cut bands as the log has them."""
    return [
        Drawn(
            stratum=one.place.course,
            is_inside=one.is_listed,
            is_contacted=one.is_contacted,
            is_active=one.stays[one.is_contacted],
            place_change=float(one.move),
        )
        for one in of_the_cut_band(pupils)
    ]


def of_the_cut_band(pupils: list[Pupil]) -> list[Pupil]:
    return [one for one in pupils if 9 <= one.place.rank <= 12]


def test_the_draw_recovers_the_effect_of_the_list() -> None:
    pupils = large_school()
    found = contrast(drawn(pupils))
    true = fmean(one.effect_of_the_list for one in of_the_cut_band(pupils))

    assert not found.too_few
    assert (found.inside.n, found.outside.n, found.draws) == (500, 500, 250)
    assert found.contacted is not None
    assert found.contacted.low > 0.2
    assert found.place_change is not None
    assert found.place_change.low < true < found.place_change.high
    assert found.place_change.low > 0.5
    # The effect of a talk, from that of the list and the share that it brought to a talk.
    assert abs(found.place_change.value / found.contacted.value - PLACES) < 1.5


def test_the_intervals_of_the_draw_hold_as_often_as_they_say() -> None:
    repetitions = 120
    places = staying = 0
    for seed in range(repetitions):
        pupils = school(seed=1000 + seed, lists=30)
        found, band = contrast(drawn(pupils)), of_the_cut_band(pupils)
        assert found.place_change is not None
        assert found.still_active is not None
        moved = fmean(one.effect_of_the_list for one in band)
        stayed = fmean(one.staying_by_the_list for one in band)
        places += found.place_change.low < moved < found.place_change.high
        staying += found.still_active.low < stayed < found.still_active.high

    # 95 %, give or take three standard errors.
    assert places / repetitions >= 0.89
    assert staying / repetitions >= 0.89


def test_a_draw_without_students_on_both_sides_tells_nothing() -> None:
    one_sided = [Drawn(number, True, True, True, 1.0) for number in range(40)]
    few = drawn(school(seed=7, lists=9))

    assert contrast(one_sided).draws == 0
    assert contrast([]).too_few
    assert contrast(few).too_few
    assert contrast(few).still_active is None
