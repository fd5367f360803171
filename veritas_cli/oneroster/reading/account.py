"""Account of an import: rows of each file, effects of each kind, and refusals with their place."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice

MAX_EXAMPLES = 10


class Effect(StrEnum):
    """Effect of one row on the database."""

    NEW = "new"
    CHANGED = "changed"
    SAME = "same"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Refusal:
    """Refused row: its line, the column at fault, if it is one, and the reason."""

    line: int
    column: str | None
    reason: str

    def __str__(self) -> str:
        """Return the place and the reason."""
        place = f"line {self.line}" if self.column is None else f"line {self.line}, {self.column}"
        return f"{place}: refused: {self.reason}."


@dataclass
class FileAccount:
    """Rows of one file.

    left_out: rows that are valid and not imported, by reason. examples: the first refusals.
    """

    name: str
    read: int = 0
    refused: int = 0
    left_out: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    examples: list[Refusal] = field(default_factory=list)
    effects: dict[str, Counter[Effect]] = field(default_factory=dict)

    def refuse(self, line: int, column: str | None, reason: str) -> None:
        """Count a refused row; the first ones by line are kept."""
        self.refused += 1
        self.reasons[reason if column is None else f"{column}: {reason}"] += 1
        self.examples.append(Refusal(line, column, reason))
        if len(self.examples) > 2 * MAX_EXAMPLES:
            self._shorten()

    def count(self, kind: str, effect: Effect, number: int = 1) -> None:
        """Count the effect of rows on one kind of record."""
        self.effects.setdefault(kind, Counter())[effect] += number

    def total(self, effect: Effect) -> int:
        """Return the number of records of all kinds with this effect."""
        return sum(counts[effect] for counts in self.effects.values())

    def first_refusals(self) -> list[Refusal]:
        """Return the first refusals, by line."""
        self._shorten()
        return self.examples

    def _shorten(self) -> None:
        self.examples.sort(key=lambda refusal: refusal.line)
        del self.examples[MAX_EXAMPLES:]


@dataclass
class Account:
    """Accounts of the files by name, in the order of reading, and notes on the export."""

    files: dict[str, FileAccount] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def of(self, name: str) -> FileAccount:
        """Return the account of a file."""
        return self.files.setdefault(name, FileAccount(name))

    @property
    def refused(self) -> int:
        """The number of refused rows of all files."""
        return sum(file.refused for file in self.files.values())


def refusal_lines(accounts: Iterable[FileAccount]) -> Iterator[str]:
    """Yield the lines that name the refused rows: the first ones, and the number of the others."""
    for one in accounts:
        first = one.first_refusals()
        yield from (f"{one.name}, {refusal}" for refusal in first)
        if more := one.refused - len(first):
            often = islice(one.reasons.most_common(), 5)
            reasons = ", ".join(f"{count} x {reason}" for reason, count in often)
            yield f"{one.name}: {more} more refused; of all: {reasons}."
