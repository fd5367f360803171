"""Report of an import of a table: counts of the outcomes, and refused rows with their reasons."""

import csv
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console

from shared_db.results import Outcome
from veritas_cli.errors import CommandFailure

_MOST_EXAMPLES = 20

# Called with the line, the column or None, the field and the reason.
OnRefusal = Callable[[int, int | None, str, str], object]


@dataclass
class TableReport:
    """Counts of the rows of a table.

    examples: the first refusals. on_refusal: called for each of them.
    """

    read: int = 0
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    on_refusal: OnRefusal | None = None

    @property
    def refused(self) -> int:
        """Number of refused rows."""
        return self.outcomes[Outcome.REFUSED]

    def refuse(self, line: int, column: int | None, name: str, reason: str) -> None:
        """Count a refused row."""
        self.outcomes[Outcome.REFUSED] += 1
        if len(self.examples) < _MOST_EXAMPLES:
            place = f"line {line}" if column is None else f"line {line}, column {column}"
            self.examples.append(f"{place}: {name}: {reason}")
        if self.on_refusal is not None:
            self.on_refusal(line, column, name, reason)

    def print(self, console: Console, name: str, *, is_dry: bool) -> None:
        """Print the refusals and the counts, and the result of the import."""
        for example in self.examples:
            console.print(f"{name}, {example}", soft_wrap=True)
        if more := self.refused - len(self.examples):
            console.print(f"{name}: {more:,} more rows refused; --refused FILE has all of them.")
        counts = (
            f"{self.outcomes[Outcome.STORED]:,} stored, {self.outcomes[Outcome.CHANGED]:,} changed,"
            f" {self.outcomes[Outcome.REPEATED]:,} already there, {self.refused:,} refused"
        )
        console.print(f"{name}: {self.read:,} rows read: {counts}.", soft_wrap=True)
        if self.refused:
            console.print("Nothing was stored: correct the refused rows and import the file again.")
        elif is_dry:
            console.print("Nothing was stored: it was a dry run.")


@contextmanager
def refusal_table(path: Path) -> Iterator[OnRefusal]:
    """Write the refused rows to a CSV file: line, column, field, reason.

    Raises:
        CommandFailure: the file cannot be written.

    """
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(("line", "column", "field", "reason"))
            yield lambda *row: writer.writerow(row)
    except OSError as failure:
        raise CommandFailure(f"{path} cannot be written: {failure.strerror}.") from failure
