"""Performance of a student: mean percentages and trends, per subject and over all subjects."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from staffstuddash_service.domain.scores import stored_score
from staffstuddash_service.domain.trend import slope_per_30_days


@dataclass(frozen=True)
class Mark:
    """Mark of a piece of work that counts.

    percentage: score / max_score x 100, 0 to 100, with extra credit to 200.
    """

    subject: str
    percentage: float
    submitted_at: datetime
    concept: str | None = None


@dataclass(frozen=True)
class SubjectPerformance:
    """Performance in one subject: mean and latest percentage of one or more marks."""

    subject: str
    mean_percentage: float
    count: int
    last_percentage: float
    last_submitted_at: datetime
    trend_per_30_days: float | None


@dataclass(frozen=True)
class Performance:
    """Performance in all subjects, sorted by name; the mean is None without a mark."""

    subjects: tuple[SubjectPerformance, ...]
    mean_percentage: float | None
    assessment_count: int
    trend_per_30_days: float | None


def percentage(score: float, max_score: float) -> float:
    """Return score / max_score x 100.

    score: 0 to max_score, with extra credit to twice of it. max_score: above 0.

    Raises:
        ValueError: the score or max_score is out of range.

    """
    stored_score(score, max_score, extra_credit=True)
    # Divided first, because 100 times the largest floats is infinite.
    return 100 * (score / max_score)


def in_order(marks: Iterable[Mark]) -> list[Mark]:
    """Return the marks in order of submission."""
    return sorted(marks, key=lambda mark: (mark.submitted_at, mark.subject, mark.percentage))


def by_subject(marks: Iterable[Mark]) -> dict[str, list[Mark]]:
    """Return each subject's marks in order of time, the subjects by name."""
    grouped: dict[str, list[Mark]] = {}
    for mark in in_order(marks):
        grouped.setdefault(mark.subject, []).append(mark)
    return {name: grouped[name] for name in sorted(grouped)}


def summarise(marks: Iterable[Mark]) -> Performance:
    """Return the performance from the marks.

    The mean over all subjects is the mean of all marks, so a subject counts by its number of
    marks. The trend over all subjects runs within each subject, so the start of a hard subject is
    no fall. Without marks the means are None: unknown, which is not zero.
    """
    groups = by_subject(marks)
    percentages = [mark.percentage for group in groups.values() for mark in group]
    return Performance(
        subjects=tuple(_subject(name, group) for name, group in groups.items()),
        mean_percentage=mean(percentages) if percentages else None,
        assessment_count=len(percentages),
        trend_per_30_days=slope_per_30_days([_points(group) for group in groups.values()]),
    )


def mean(values: Sequence[float]) -> float:
    """Return the mean of at least one value; rounding never moves it out of their range."""
    return min(max(values), max(min(values), sum(values) / len(values)))


def _subject(name: str, marks: list[Mark]) -> SubjectPerformance:
    last = marks[-1]
    return SubjectPerformance(
        subject=name,
        mean_percentage=mean([mark.percentage for mark in marks]),
        count=len(marks),
        last_percentage=last.percentage,
        last_submitted_at=last.submitted_at,
        trend_per_30_days=slope_per_30_days([_points(marks)]),
    )


def _points(marks: Iterable[Mark]) -> list[tuple[datetime, float]]:
    return [(mark.submitted_at, mark.percentage) for mark in marks]
