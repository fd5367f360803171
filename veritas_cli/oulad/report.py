"""What became of every row of an import: an exact account per file."""

import csv
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from shared_db.writes.idempotent_insert import Outcome
from veritas_cli.oulad.csv_files import OuladError

_MOST_SHOWN = 10
_REASONS = {
    Outcome.CONFLICT: "is stored with other content",
    Outcome.ERASED: "the student was deleted",
}

Refusal = Callable[[str, int, str], None]


@dataclass
class FileAccount:
    """One file's rows; of those refused all are counted and the first are kept."""

    name: str
    read: int = 0
    stored: int = 0
    repeated: int = 0
    refused: int = 0
    note: str = ""
    seconds: float = 0.0
    reasons: Counter[str] = field(default_factory=Counter)
    first: list[tuple[int, str]] = field(default_factory=list)
    tell: Refusal | None = None

    def settle(self, outcomes: Iterable[tuple[int, Outcome]]) -> None:
        """Count what became of rows, each given by its line."""
        for line, outcome in outcomes:
            if outcome is Outcome.STORED:
                self.stored += 1
            elif outcome is Outcome.REPEATED:
                self.repeated += 1
            else:
                self.refuse(line, _REASONS[outcome])

    def settle_all(self, outcome: Outcome, count: int) -> None:
        """Count rows that all were stored, or all were there."""
        self.stored += count if outcome is Outcome.STORED else 0
        self.repeated += count if outcome is Outcome.REPEATED else 0

    def refuse(self, line: int, reason: str) -> None:
        """Count a row that was refused."""
        self.refused += 1
        self.reasons[reason] += 1
        if len(self.first) < _MOST_SHOWN:
            self.first.append((line, reason))
        if self.tell is not None:
            self.tell(self.name, line, reason)


class RefusalFile:
    """A CSV file with every row that was refused: file, line, reason.

    Raises:
        OuladError: it cannot be written.

    """

    def __init__(self, path: Path) -> None:
        try:
            self._file = path.open("w", encoding="utf-8", newline="")
        except OSError as failure:
            raise OuladError(f"{path} cannot be written: {failure.strerror}.") from failure
        self._writer = csv.writer(self._file)
        self._writer.writerow(("file", "line", "reason"))

    def add(self, file: str, line: int, reason: str) -> None:
        """Note one row."""
        self._writer.writerow((file, line, reason))

    def close(self) -> None:
        """Write what is left."""
        with suppress(OSError):
            self._file.close()


def show_account(console: Console, accounts: Iterable[FileAccount]) -> None:
    """Print a row per file, then what was refused and why."""
    table = Table(box=SIMPLE_HEAD, show_edge=False, pad_edge=False)
    for column in ("File", "Read", "Stored", "Already there", "Refused", "Rows/s", ""):
        is_text = column in ("File", "")
        table.add_column(column, justify="left" if is_text else "right", no_wrap=not is_text)
    kept = list(accounts)
    for one in kept:
        rate = f"{one.read / one.seconds:,.0f}" if one.seconds and one.read else "-"
        counts = (f"{n:,}" for n in (one.read, one.stored, one.repeated, one.refused))
        table.add_row(one.name, *counts, rate, one.note)
    console.print(table)
    for one in kept:
        _show_refusals(console, one)


def _show_refusals(console: Console, account: FileAccount) -> None:
    for line, reason in account.first:
        console.print(f"{account.name}, line {line}: refused: {reason}.", soft_wrap=True)
    if account.refused > len(account.first):
        left = account.refused - len(account.first)
        why = ", ".join(f"{n} x {reason}" for reason, n in islice(account.reasons.items(), 5))
        console.print(f"{account.name}: {left} more refused; of all: {why}.", soft_wrap=True)
