"""Report of an evaluation: Markdown, and an HTML page with plots."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from dropout_service.learning.auditing import Drift
from dropout_service.learning.evaluation import (
    BASELINES,
    DayEvaluation,
    PopulationFigures,
)
from dropout_service.learning.metrics import Interval
from veritas_cli.evaluation import plots

HEADS = {
    "roc_auc": "ROC-AUC",
    "pr_auc": "PR-AUC",
    "brier_skill": "Brier skill",
    "calibration_error": "Calibration error",
    "precision": "Precision at 10 %",
    "recall": "Recall at 10 %",
}
_COMPARED = ("roc_auc", "pr_auc", "brier_skill")
_MAX_DRIFTS = 8
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
    """Table with a heading, a note and column heads."""

    title: str
    note: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Report:
    """Results of an evaluation; about: paragraphs before the tables."""

    title: str
    about: Sequence[str]
    days: Sequence[DayEvaluation]
    drifts: Sequence[Drift]

    def tables(self) -> list[Table]:
        """Return all tables, in the order of the report."""
        seen = [(day.day, day.seen_modules) for day in self.days if day.seen_modules is not None]
        everybody = [(day.day, day.all_modules) for day in self.days]
        tables = [_figures("All modules", everybody), _differences("All modules", everybody)]
        if seen:
            title = "Only modules of the training presentations"
            tables += [_figures(title, seen), _differences(title, seen)]
        return [*tables, _rules(self.days), _gaps(self.days), _drifts(self.drifts)]

    def markdown(self) -> str:
        """Return the report as Markdown."""
        parts = [f"# {self.title}", *self.about, *map(_markdown, self.tables())]
        return "\n\n".join(parts) + "\n"

    def html(self) -> str:
        """Return the report as one self-contained HTML page."""
        parts = [f"<h1>{escape(self.title)}</h1>", *(f"<p>{_plain(a)}</p>" for a in self.about)]
        parts += [*map(_html, self.tables()), *self._plots()]
        return _PAGE.format(title=escape(self.title), body="\n".join(parts))

    def _plots(self) -> Iterable[str]:
        yield "<h2>Risk over time</h2>"
        yield plots.risk_over_time(self.days)
        for day in self.days:
            yield f"<h2>Day {day.day}</h2>"
            yield from (plots.roc(day), plots.capacity(day), plots.calibration(day))


def _plain(paragraph: str) -> str:
    return escape(paragraph.replace("**", "").replace("`", ""))


def shown(interval: Interval) -> str:
    """Return the text of a figure with its interval."""
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
        "In brackets: the middle 95 % of the resamples of students. Chance increases a calibration "
        "error, and resampling adds chance, so the interval may lie above the figure."
    )
    return Table(title, note, heads, rows)


def _differences(title: str, days: Sequence[tuple[int, PopulationFigures]]) -> Table:
    rows = [
        [str(day), HEADS[name], *(shown(of.ahead_of[judge][name]) for judge in BASELINES)]
        for day, of in days
        for name in _COMPARED
    ]
    note = (
        "The model's figure less the baseline's, on the same resamples of students. Both AUC "
        "measure the ranking; Brier skill also measures how accurate the risk is as a probability."
    )
    heads = ("Day", "Figure", *(f"Ahead of {judge}" for judge in BASELINES))
    return Table(f"{title}: difference to the baselines", note, heads, rows)


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
    note = "Each rule on the enrolments to which it applies; two rules need clicks."
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
        "The share of each group's leavers outside the tenth with the highest risk. None of these "
        "attributes is a feature."
    )
    heads = ("Day", "Attribute", "Missed, of leavers", "Gap")
    return Table("Missed leavers by group", note, heads, rows)


def _drifts(drifts: Sequence[Drift]) -> Table:
    rows = [
        [drift.feature, f"{drift.index:.3f}", *(f"{share:.3f}" for share in drift.unknown)]
        for drift in drifts[:_MAX_DRIFTS]
    ]
    note = (
        "Population stability index from training to test, over all days: below 0.1 small, above "
        "0.25 large."
    )
    heads = ("Feature", "Index", "Unknown in training", "Unknown in test")
    return Table("Features with the largest drift", note, heads, rows)


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
