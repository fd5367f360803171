"""Report of an evaluation: Markdown, and an HTML page with plots."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape

from dropout_service.learning.auditing import Drift
from dropout_service.learning.evaluation import BASELINES, LOGISTIC, MODEL, DayEvaluation
from dropout_service.learning.metrics import Interval
from veritas_cli.evaluation import plots

_MAX_DRIFTS = 5
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
    """Results of an evaluation.

    about: paragraphs before the tables. remarks: blocks of Markdown after them: headings, tables
    and paragraphs.
    """

    title: str
    about: Sequence[str]
    days: Sequence[DayEvaluation]
    drifts: Sequence[Drift]
    remarks: Sequence[str]

    def tables(self) -> list[Table]:
        """Return all tables, in the order of the report."""
        return [_within(self.days), _pooled(self.days), _gaps(self.days), _drifts(self.drifts)]

    def markdown(self) -> str:
        """Return the report as Markdown."""
        tables = map(_markdown, self.tables())
        return "\n\n".join([f"# {self.title}", *self.about, *tables, *self.remarks]) + "\n"

    def html(self) -> str:
        """Return the report as one self-contained HTML page."""
        parts = [f"<h1>{escape(self.title)}</h1>", *map(_block, self.about)]
        parts += [*map(_html, self.tables()), *map(_block, self.remarks), *self._plots()]
        return _PAGE.format(title=escape(self.title), body="\n".join(parts))

    def _plots(self) -> Iterable[str]:
        yield "<h2>Risk over time</h2>"
        yield plots.risk_over_time(self.days)
        for day in self.days:
            yield f"<h2>Day {day.day}</h2>"
            yield from (plots.roc(day), plots.capacity(day), plots.calibration(day))


def _block(block: str) -> str:
    """Return a block of Markdown as HTML."""
    text = escape(block.replace("**", "").replace("`", ""))
    if block.startswith("|"):
        return f"<pre>{text}</pre>"
    return f"<h2>{text.lstrip('# ')}</h2>" if block.startswith("#") else f"<p>{text}</p>"


def shown(interval: Interval) -> str:
    """Return the text of a figure with its interval."""
    return f"{interval.value:.3f} ({interval.low:.3f} to {interval.high:.3f})"


def _within(days: Sequence[DayEvaluation]) -> Table:
    rows = [
        [
            str(day.day),
            str(day.within.courses),
            *(
                shown(figures[name])
                for name in ("roc_auc", "precision")
                for figures in (
                    day.within.by_method[MODEL],
                    *(day.within.ahead_of[baseline] for baseline in BASELINES),
                )
            ),
        ]
        for day in days
    ]
    ahead = [f"ahead of {baseline}" for baseline in BASELINES]
    heads = ("Day", "Courses", "ROC-AUC", *ahead, "Precision at 10 %", *ahead)
    note = (
        "Each course by itself, as staff see it; means weighted by size. ROC-AUC: the share of "
        "pairs of a leaver and another student in the right order, 0.5 by chance. Precision: the "
        "share of leavers among the tenth with the highest risk. In brackets: the middle 95 % of "
        "the resamples of courses and students. Ahead: the model's figure less the other's."
    )
    return Table("Within courses", note, heads, rows)


def _pooled(days: Sequence[DayEvaluation]) -> Table:
    rows = [
        [
            str(day.day),
            str(day.pooled.rows),
            f"{day.pooled.positives / day.pooled.rows:.3f}",
            shown(day.pooled.by_method[MODEL]["roc_auc"]),
            shown(day.pooled.ahead_of[LOGISTIC]["roc_auc"]),
            shown(day.pooled.by_method[MODEL]["brier_skill"]),
            shown(day.pooled.ahead_of[LOGISTIC]["brier_skill"]),
            shown(day.pooled.by_method[MODEL]["calibration_error"]),
            shown(day.pooled.by_method[MODEL]["precision"]),
        ]
        for day in days
    ]
    ahead = f"ahead of {LOGISTIC}"
    heads = ("Day", "Enrolments", "Left", "ROC-AUC", ahead, "Brier skill", ahead)
    note = (
        "All courses in one list, so how many leave each course counts too. Brier skill: 1 is "
        "perfect, 0 is as good as the mean rate for everybody. Calibration error: the mean "
        "distance of risk and share of leavers, in ten bins of equal count. In brackets: the "
        "middle 95 % of the resamples of students."
    )
    return Table(
        "All courses together", note, (*heads, "Calibration error", "Precision at 10 %"), rows
    )


def _gaps(days: Sequence[DayEvaluation]) -> Table:
    rows = [
        [
            str(day.day),
            gap.attribute,
            "; ".join(
                f"{name} {_share(rate)} of {gap.leavers[name]}" for name, rate in gap.missed.items()
            ),
            "-" if gap.gap is None else shown(gap.gap),
        ]
        for day in days
        for gap in day.gaps
    ]
    note = (
        "The share of each group's leavers outside the tenth of their course with the highest "
        "risk. No such attribute is a feature. An interval that contains 0 may be chance."
    )
    heads = ("Day", "Attribute", "Missed, of leavers", "Gap")
    return Table("Missed leavers by group", note, heads, rows)


def _drifts(drifts: Sequence[Drift]) -> Table:
    rows = [
        [drift.feature, f"{drift.index:.3f}", *(f"{share:.3f}" for share in drift.unknown)]
        for drift in [known for known in drifts if max(known.unknown) < 1][:_MAX_DRIFTS]
    ]
    note = (
        "Population stability index from training to test, over all days: below 0.1 small, above "
        "0.25 large. Features that are always unknown on one side are left out."
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
