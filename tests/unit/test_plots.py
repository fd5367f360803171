"""Plots of the evaluation report."""

from xml.etree import ElementTree as ET

from dropout_service.learning.evaluation import BASELINES, MODEL
from veritas_cli.evaluation.plots import line_plot

SPACE = "{http://www.w3.org/2000/svg}"
NAMES = [MODEL, *BASELINES, "a & b"]


def drawn(names: list[str]) -> str:
    axes = {"Across": (0.0, 1.0), "Up": (0.0, 1.0)}
    return line_plot("A < B", axes, {name: ([0, 1], [0, 1]) for name in names}, diagonal=True)


def test_a_plot_is_one_element_with_a_legend_below_the_axis() -> None:
    picture = ET.fromstring(drawn(NAMES))  # noqa: S314 - our own
    texts = {text.text: text.attrib for text in picture.iter(f"{SPACE}text")}
    _, _, width, height = map(float, picture.attrib["viewBox"].split())

    assert picture.tag == f"{SPACE}svg"
    assert [title.text for title in picture.iter(f"{SPACE}title")] == ["A < B"]
    for name in NAMES:
        assert float(texts["Across"]["y"]) < float(texts[name]["y"]) < height
        assert 0 < float(texts[name]["x"]) < width / 2


def test_the_same_figures_give_the_same_plot() -> None:
    assert drawn(NAMES) == drawn(NAMES) != drawn(NAMES[:2])
