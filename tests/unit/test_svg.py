"""Plots: whatever is written lies inside, and covers nothing."""

from collections.abc import Sequence
from xml.etree import ElementTree as ET

import pytest

from dropout_service.learning.evaluation import BASELINES, MODEL
from veritas_cli.evaluation.svg import Axis, Line, plot

# Of a sans-serif of size 10, with room to spare.
LETTER, ABOVE, BELOW = 5.5, 8, 3
SPACE = "{http://www.w3.org/2000/svg}"


def drawn(names: Sequence[str]) -> ET.Element:
    lines = [Line(name, [(0, 0), (1, 1)]) for name in names]
    made = plot("Title", Axis("Across", 0, 1), Axis("Up", 0, 1), lines)
    return ET.fromstring(made)  # noqa: S314 - our own


def texts(picture: ET.Element) -> dict[str, ET.Element]:
    return {text.text or "": text for text in picture.iter(f"{SPACE}text")}


@pytest.mark.parametrize("names", [[MODEL], [MODEL, *BASELINES], [*BASELINES, "a & b", "e"]])
def test_the_legend_lies_inside_and_below_everything_else(names: Sequence[str]) -> None:
    picture = drawn(names)
    width, height = float(picture.attrib["width"]), float(picture.attrib["height"])
    assert picture.attrib["viewBox"] == f"0 0 {width:.0f} {height:.0f}"
    assert picture.attrib.get("font-size") == "10"
    written = texts(picture)
    end = float(written["Across"].attrib["y"]) + BELOW

    for name in names:
        x, y = (float(written[name].attrib[of]) for of in "xy")
        assert x + LETTER * len(name) <= width
        assert end <= y - ABOVE
        end = y + BELOW
    assert end <= height
