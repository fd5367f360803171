"""Plots of an evaluation, as SVG elements for an HTML page.

matplotlib is in the extra `learn`, so it is imported only when something is drawn.
"""

import io
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from dropout_service.learning.evaluation import MODEL, DayEvaluation
from dropout_service.learning.metrics import calibration_bins, precision_recall_at_share, roc_curve

_INCHES = (4.6, 4.2)
_STYLE: dict[Any, Any] = {
    "axes.prop_cycle": "cycler('color', ['1b4965', 'ca6702', '6a994e', '9b2226', '7b5ea7'])",
    "axes.titlesize": 10,
    "font.sans-serif": ["DejaVu Sans"],  # comes with matplotlib
    "font.size": 8,
    "lines.linewidth": 1.3,
    "lines.markersize": 4,
    "svg.fonttype": "none",  # text stays text
}
# Without metadata, the file depends on nothing but the figures.
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))
_POINTS = 80


def roc(day: DayEvaluation) -> str:
    """Return the ROC curves of a day, one for each judge."""
    places = np.linspace(0, 1, _POINTS)
    lines = {
        judge: (places, np.interp(places, *roc_curve(day.labels, risk)))
        for judge, risk in day.risks.items()
    }
    axes = {"False alarms": (0, 1), "Found": (0, 1)}
    return line_plot(f"ROC, day {day.day}", axes, lines, diagonal=True)


def capacity(day: DayEvaluation) -> str:
    """Return the precision by the share of students that staff see, one line for each judge."""
    shares = np.linspace(0.01, 0.5, 30)
    lines = {
        judge: (
            shares,
            [precision_recall_at_share(day.labels, risk, float(share))[0] for share in shares],
        )
        for judge, risk in day.risks.items()
    }
    axes = {"Share of students that staff see": (0, 0.5), "Precision": (0, 1)}
    return line_plot(f"Precision at capacity, day {day.day}", axes, lines)


def calibration(day: DayEvaluation) -> str:
    """Return the model's predicted probability and the observed share, by bin."""
    predicted, observed, _ = zip(*calibration_bins(day.labels, day.risks[MODEL]), strict=True)
    most = max(*predicted, *observed) * 1.05
    axes = {"Predicted": (0, most), "Happened": (0, most)}
    lines = {MODEL: (predicted, observed)}
    return line_plot(f"Calibration, day {day.day}", axes, lines, diagonal=True, marker="o")


def risk_over_time(days: Sequence[DayEvaluation]) -> str:
    """Return the model's mean risk on each day, of leavers and of stayers, and the base rate."""
    at = [day.day for day in days]
    means = {
        "who left": [day.risks[MODEL][day.labels == 1].mean() for day in days],
        "who stayed": [day.risks[MODEL][day.labels == 0].mean() for day in days],
        "base rate": [day.labels.mean() for day in days],
    }
    axes = {
        "Day of the course": (at[0], max(at[-1], at[0] + 1)),
        "Mean risk": (0, 1.1 * max(max(line) for line in means.values())),
    }
    lines = {name: (at, line) for name, line in means.items()}
    return line_plot("Mean predicted risk over time", axes, lines, marker="o")


def line_plot(
    title: str,
    axes: Mapping[str, tuple[float, float]],
    lines: Mapping[str, tuple[Any, Any]],
    *,
    marker: str = "",
    diagonal: bool = False,
) -> str:
    """Return an SVG element with lines by name, and a legend below.

    axes: the limits of the horizontal and then of the vertical axis, by name. diagonal: draw a
    line from corner to corner.
    """
    from matplotlib import rc_context  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415

    (across, x_limits), (up, y_limits) = axes.items()
    # The salt makes the ids the same in every run, and different in each plot of a page.
    with rc_context({**_STYLE, "svg.hashsalt": title}):
        figure = Figure(figsize=_INCHES, layout="constrained")
        plot = figure.subplots()
        plot.set(title=title, xlabel=across, ylabel=up, xlim=x_limits, ylim=y_limits)
        if diagonal:
            plot.plot(x_limits, y_limits, color="#bbb", linestyle="--")
        for name, (x, y) in lines.items():
            plot.plot(x, y, label=name, marker=marker)
        figure.legend(loc="outside lower left", frameon=False)
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Title": title, **_NO_METADATA})
    text = file.getvalue()
    # The declarations before the element are for a file that is nothing but SVG.
    return text[text.index("<svg") :].replace("<svg", '<svg role="img"', 1)
