"""Bands, signed numbers and the chart of intervals on the pages."""

from zoneinfo import ZoneInfo

import pytest

from veritas_web.domain.bands import band_of
from veritas_web.domain.charts import Box, spans
from veritas_web.formats import formats


@pytest.mark.parametrize(
    ("place", "bands", "ranked", "expected"),
    [
        (12, {"size": 5, "last_place": 200}, 100, (11, 15)),
        (15, {"size": 5, "last_place": 200}, 100, (11, 15)),
        (12, {"size": 5, "last_place": 200}, 13, (11, 13)),
        (201, {"size": 5, "last_place": 200}, 300, None),
        (12, None, 100, None),
        (None, {"size": 5, "last_place": 200}, 100, None),
    ],
)
def test_a_place_stands_for_its_band(
    place: int | None,
    bands: dict[str, int] | None,
    ranked: int,
    expected: tuple[int, int] | None,
) -> None:
    assert band_of(place, bands, ranked) == expected


def test_dots_stand_on_their_intervals_within_the_chart() -> None:
    box = Box(width=100, height=40, left=10, top=5)
    first, second = spans([(50, 25, 75), (100, 90, 120)], 0, 100, box)

    assert (first.low, first.value, first.high, first.y) == (35, 60, 85, 15)
    assert (second.low, second.value, second.high, second.y) == (100, 110, 110, 35)
    assert spans([], 0, 100, box) == []


def test_differences_have_a_sign() -> None:
    english, german = (formats(code, ZoneInfo("UTC"))["signed"] for code in ("en", "de"))

    assert [english(value) for value in (4.6, -4.6, 0.2, -0.2)] == ["+5", "-5", "0", "0"]
    assert german(1.25, 1) == "+1,2"
