"""An evaluation as Markdown, and as an HTML page with plots."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from dropout_service.learning.auditing import Drift
from dropout_service.learning.evaluation import (
    BASELINES,
    MODEL,
    DayEvaluation,
    Interval,
    PopulationFigures,
)
from dropout_service.learning.metrics import calibration_bins, precision_recall_at_share, roc_curve
from veritas_cli.evaluation.svg import Axis, Line, plot

HEADS = {
    "roc_auc": "ROC-AUC",
    "pr_auc": "PR-AUC",
    "brier_skill": "Brier skill",
    "calibration_error": "Calibration error",
    "precision": "Precision at 10 %",
    "recall": "Recall at 10 %",
}
# Of which the model's less a baseline's is shown: who comes first, and how likely it is.
_AHEAD_IN = ("roc_auc", "pr_auc", "brier_skill")
_MOST_DRIFTS = 8
_POINTS = 80
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>body{{font:15px sans-serif;max-width:72em;margin:2em auto;padding:0 1em}}
table{{border-collapse:collapse;margin:1em 0}}td,th{{border:1px solid #ccc;padding:.2em .5em}}
td{{text-align:right}}td:first-child,td:nth-child(2){{text-align:left}}
svg{{vertical-align:top}}</style></head><body>
{body}
</body></html>
"""


@dataclass(frozen=True)
class Table:
    """A heading, what to know before reading, and rows under heads."""

    title: str
    note: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Report:
    """Everything that an evaluation found, ready to be written down."""

    title: str
    about: Sequence[str]
    days: Sequence[DayEvaluation]
    drifts: Sequence[Drift]

    def tables(self) -> list[Table]:
        """Return all tables, in the order of the report."""
        seen_modules = [
            (day.day, day.seen_modules) for day in self.days if day.seen_modules is not None
        ]
        all_modules = [(day.day, day.all_modules) for day in self.days]
        tables = [_figures("All modules", all_modules), _ahead("All modules", all_modules)]
        if seen_modules:
            tables += [_figures("Only modules that training saw", seen_modules)]
            tables += [_ahead("Only modules that training saw", seen_modules)]
        return [*tables, _rules(self.days), _gaps(self.days), _drifts(self.drifts)]

    def markdown(self) -> str:
        """Return the report as Markdown."""
        parts = [f"# {self.title}", *self.about, *map(_markdown, self.tables())]
        return "\n\n".join(parts) + "\n"

    def html(self) -> str:
        """Return the report as one HTML page that needs no other file."""
        parts = [f"<h1>{escape(self.title)}</h1>", *(f"<p>{_plain(a)}</p>" for a in self.about)]
        parts += [*map(_html, self.tables()), *self._plots()]
        return _PAGE.format(title=escape(self.title), body="\n".join(parts))

    def _plots(self) -> Iterable[str]:
        yield "<h2>Risk over time</h2>"
        yield _over_time(self.days)
        for day in self.days:
            yield f"<h2>Day {day.day}</h2>"
            yield from (_roc(day), _capacity(day), _calibration(day))


def _plain(paragraph: str) -> str:
    return escape(paragraph.replace("**", "").replace("`", ""))


def shown(interval: Interval) -> str:
    """Return a figure with its interval."""
    return f"{interval.value:.3f} ({interval.low:.3f} to {interval.high:.3f})"


def _figures(title: str, days: Sequence[tuple[int, PopulationFigures]]) -> Table:
    rows = [
        [
            str(day),
            judge,
            str(of.rows),
            f"{of.positives / of.rows:.3f}",
            *(shown(figures[name]) for name in HEADS),
        ]
        for day, of in days
        for judge, figures in of.by_method.items()
    ]
    heads = ("Day", "By", "Enrolments", "Base rate", *HEADS.values())
    note = (
        "With the middle 95 % of resampling students. Chance adds to a calibration error, and "
        "resampling adds chance, so its interval may lie above it."
    )
    return Table(title, note, heads, rows)


def _ahead(title: str, days: Sequence[tuple[int, PopulationFigures]]) -> Table:
    rows = [
        [str(day), HEADS[name], *(shown(of.ahead_of[judge][name]) for judge in BASELINES)]
        for day, of in days
        for name in _AHEAD_IN
    ]
    note = (
        "The model's figure less that of the baseline, on the same resampled students. The two AUC "
        "ask who comes first; Brier skill asks also how near the risk as a probability is."
    )
    heads = ("Day", "In", *(f"Ahead of {judge}" for judge in BASELINES))
    return Table(f"{title}: how far ahead", note, heads, rows)


def _rules(days: Sequence[DayEvaluation]) -> Table:
    rows = [
        [
            str(day.day),
            rule.name,
            str(rule.applicable) if rule.applicable else "not applicable (0)",
            str(rule.fired),
            _share(rule.precision),
            _share(rule.recall),
        ]
        for day in days
        for rule in day.rules
    ]
    note = "Each among the enrolments that it can be applied to; without clicks two cannot be."
    heads = ("Day", "Rule", "Applicable to", "Fires for", "Precision", "Recall")
    return Table("The four rules, one by one", note, heads, rows)


def _gaps(days: Sequence[DayEvaluation]) -> Table:
    rows = [
        [
            str(day.day),
            gap.attribute,
            "; ".join(
                f"{name} {_share(rate)} of {gap.leavers[name]}" for name, rate in gap.missed.items()
            ),
            _share(gap.gap),
        ]
        for day in days
        for gap in day.gaps
    ]
    note = (
        "The share of each group's leavers who are not among the tenth with the highest risk. "
        "None of these attributes is a feature."
    )
    heads = ("Day", "Attribute", "Overlooked, of leavers", "Gap")
    return Table("Who is overlooked", note, heads, rows)


def _drifts(drifts: Sequence[Drift]) -> Table:
    rows = [
        [drift.feature, f"{drift.index:.3f}", *(f"{share:.3f}" for share in drift.unknown)]
        for drift in drifts[:_MOST_DRIFTS]
    ]
    note = (
        "Population stability index from training to test, over all days: below 0.1 little, above "
        "0.25 much."
    )
    heads = ("Feature", "Index", "Unknown in training", "Unknown in test")
    return Table("The features that moved most", note, heads, rows)


def _share(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def _markdown(table: Table) -> str:
    lines = [f"## {table.title}", "", table.note, ""]
    lines += [_row(table.heads), _row(["---"] * len(table.heads)), *map(_row, table.rows)]
    return "\n".join(lines)


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _html(table: Table) -> str:
    def row(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    rows = "\n".join([row(table.heads, "th"), *(row(cells, "td") for cells in table.rows)])
    return f"<h2>{escape(table.title)}</h2>\n<p>{escape(table.note)}</p>\n<table>{rows}</table>"


def _thinned(across: Any, up: Any) -> list[tuple[float, float]]:
    places = np.linspace(0, 1, _POINTS)
    return [
        (float(x), float(y)) for x, y in zip(places, np.interp(places, across, up), strict=True)
    ]


def _roc(day: DayEvaluation) -> str:
    lines = [
        Line(judge, _thinned(*roc_curve(day.labels, risk))) for judge, risk in day.risks.items()
    ]
    axes = Axis("False alarms", 0, 1), Axis("Found", 0, 1)
    return plot(f"ROC, day {day.day}", *axes, lines, diagonal=True)


def _capacity(day: DayEvaluation) -> str:
    shares = np.linspace(0.01, 0.5, 30)
    lines = [
        Line(judge, [(s, precision_recall_at_share(day.labels, risk, float(s))[0]) for s in shares])
        for judge, risk in day.risks.items()
    ]
    axes = Axis("Share of students that staff see", 0, 0.5), Axis("Precision", 0, 1)
    return plot(f"Precision at capacity, day {day.day}", *axes, lines)


def _calibration(day: DayEvaluation) -> str:
    bins = calibration_bins(day.labels, day.risks[MODEL])
    most = max(max(risk, share) for risk, share, _ in bins) * 1.05
    line = Line(MODEL, [(risk, share) for risk, share, _ in bins], dots=True)
    axes = Axis("Predicted", 0, most), Axis("Happened", 0, most)
    return plot(f"Calibration, day {day.day}", *axes, [line], diagonal=True)


def _over_time(days: Sequence[DayEvaluation]) -> str:
    means = {
        "who left": [(float(d.day), float(d.risks[MODEL][d.labels == 1].mean())) for d in days],
        "who stayed": [(float(d.day), float(d.risks[MODEL][d.labels == 0].mean())) for d in days],
        "base rate": [(float(d.day), float(d.labels.mean())) for d in days],
    }
    most = max(value for line in means.values() for _, value in line) * 1.1
    lines = [Line(name, points, dots=True) for name, points in means.items()]
    axes = (
        Axis("Day of the course", days[0].day, max(days[-1].day, days[0].day + 1)),
        Axis("Mean risk", 0, most),
    )
    return plot("Mean predicted risk over time", *axes, lines)
