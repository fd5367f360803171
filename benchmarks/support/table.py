"""Lines of a table of rates, and measurements in turns.

Values to be compared are measured in turns, because the load of the machine by others changes.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from statistics import median

TURNS = 3
# A load that ends leaves requests behind, which would slow the next measurement.
_SETTLING_SECONDS = 1.5


@dataclass(frozen=True)
class Line:
    """One line of the table: a rate, latencies in ms, CPU time in us, and the limits beside it."""

    label: str
    per_second: float
    p50: float | None = None
    p99: float | None = None
    cpu: float | None = None
    refused: float = 0
    limits: Sequence["Line"] = field(default=())

    def __str__(self) -> str:
        latencies = "".join(
            f"{'-' if ms is None else f'{ms:.1f}':>9}" for ms in (self.p50, self.p99)
        )
        spread = f"{self.p99 / self.p50:.1f}" if self.p50 and self.p99 else "-"
        cpu = "-" if self.cpu is None else f"{self.cpu:.0f}"
        ratios = [
            f"{self.per_second / limit.per_second:.2f} of {limit.label}" for limit in self.limits
        ]
        notes = [f"{self.refused:.0%} refused"] if self.refused else []
        return (
            f"{self.label:<42}{self.per_second:>10,.0f}{latencies}{spread:>9}{cpu:>9}"
            f"   {', '.join([*ratios, *notes])}"
        ).rstrip()


Measure = Callable[[], Line]


def print_head(title: str, rate: str) -> None:
    """Print the title and the names of the columns."""
    print(f"\n{title}")
    heads = ("p50 ms", "p99 ms", "p99/p50", "CPU us")
    print(f"{'':<42}{rate:>10}{''.join(f'{head:>9}' for head in heads)}")


def in_turns(*measures: Measure) -> Iterator[Line]:
    """Yield a line for each, the medians of several turns; the others are limits of the last."""
    turns = [[_settled(measure) for measure in measures] for _ in range(TURNS)]
    *limits, ours = [_median(lines) for lines in zip(*turns, strict=True)]
    ratios = [
        median(turn[-1].per_second / turn[place].per_second for turn in turns)
        for place in range(len(limits))
    ]
    yield from limits
    scaled = [
        replace(limit, per_second=ours.per_second / ratio)
        for limit, ratio in zip(limits, ratios, strict=True)
    ]
    yield replace(ours, limits=scaled)


def _settled(measure: Measure) -> Line:
    time.sleep(_SETTLING_SECONDS)
    return measure()


def _median(lines: Sequence[Line]) -> Line:
    def middle(name: str) -> float | None:
        found = [getattr(line, name) for line in lines]
        return None if None in found else median(found)

    rate = median(line.per_second for line in lines)
    refused = max(line.refused for line in lines)
    return Line(lines[0].label, rate, middle("p50"), middle("p99"), middle("cpu"), refused)
