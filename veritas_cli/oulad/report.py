"""Report of an import: counts per file, and every refused row with its reason."""

import csv
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from shared_db.results import Outcome
from veritas_cli.oulad.csv_files import OuladError

_MAX_EXAMPLES = 10
_REASONS = {
    Outcome.CONFLICT: "is stored with other content",
    Outcome.ERASED: "the student was deleted",
}

# Called with the file, the line and the reason.
OnRefusal = Callable[[str, int, str], object]


@dataclass
class FileReport:
    """Counts of one file's rows.

    examples: line and reason of the first refused rows. on_refusal: called for each of them.
    """

    name: str
    read: int = 0
    stored: int = 0
    repeated: int = 0
    refused: int = 0
    note: str = ""
    seconds: float = 0.0
    reasons: Counter[str] = field(default_factory=Counter)
    examples: list[tuple[int, str]] = field(default_factory=list)
    on_refusal: OnRefusal | None = None

    def count(self, outcomes: Iterable[tuple[int, Outcome]]) -> None:
        """Count outcomes; each comes with the line of its row."""
        for line, outcome in outcomes:
            if outcome is Outcome.STORED:
                self.stored += 1
            elif outcome is Outcome.REPEATED:
                self.repeated += 1
            else:
                self.refuse(line, _REASONS[outcome])

    def count_all(self, outcome: Outcome, count: int) -> None:
        """Count rows with one outcome, STORED or REPEATED."""
        self.stored += count if outcome is Outcome.STORED else 0
        self.repeated += count if outcome is Outcome.REPEATED else 0

    def refuse(self, line: int, reason: str) -> None:
        """Count a refused row."""
        self.refused += 1
        self.reasons[reason] += 1
        if len(self.examples) < _MAX_EXAMPLES:
            self.examples.append((line, reason))
        if self.on_refusal is not None:
            self.on_refusal(self.name, line, reason)


@contextmanager
def refusal_file(path: Path) -> Iterator[OnRefusal]:
    """Write the refused rows to a CSV file: file, line, reason.

    Raises:
        OuladError: the file cannot be written.

    """
    try:
        file = path.open("w", encoding="utf-8", newline="")
    except OSError as failure:
        raise OuladError(f"{path} cannot be written: {failure.strerror}.") from failure
    try:
        writer = csv.writer(file)
        writer.writerow(("file", "line", "reason"))
        yield lambda *row: writer.writerow(row)
    finally:
        with suppress(OSError):
            file.close()


def print_reports(console: Console, reports: Collection[FileReport]) -> None:
    """Print a row per file, then the refused rows and their reasons."""
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in ("File", "Read", "Stored", "Already there", "Refused", "Rows/s", ""):
        is_text = column in ("File", "")
        table.add_column(column, justify="left" if is_text else "right", no_wrap=not is_text)
    for one in reports:
        rate = f"{one.read / one.seconds:,.0f}" if one.seconds and one.read else "-"
        counts = (f"{n:,}" for n in (one.read, one.stored, one.repeated, one.refused))
        table.add_row(one.name, *counts, rate, one.note)
    console.print(table)
    for one in reports:
        _print_refusals(console, one)


def _print_refusals(console: Console, report: FileReport) -> None:
    for line, reason in report.examples:
        console.print(f"{report.name}, line {line}: refused: {reason}.", soft_wrap=True)
    if more := report.refused - len(report.examples):
        why = ", ".join(f"{n} x {reason}" for reason, n in islice(report.reasons.items(), 5))
        console.print(f"{report.name}: {more} more refused; of all: {why}.", soft_wrap=True)
