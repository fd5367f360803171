"""How a student does: a mean percentage per subject and over all subjects."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Mark:
    """One assessed piece of work; `percentage` is score / max_score x 100, in 0 to 100."""

    subject: str
    percentage: float
    submitted_at: datetime


@dataclass(frozen=True)
class SubjectPerformance:
    """One subject: mean and latest percentage (0 to 100) of `count` marks, at least one."""

    subject: str
    mean_percentage: float
    count: int
    last_percentage: float
    last_submitted_at: datetime


@dataclass(frozen=True)
class Performance:
    """All subjects of one student by name; the mean is None when there is no mark."""

    subjects: tuple[SubjectPerformance, ...]
    mean_percentage: float | None
    assessment_count: int


def percentage(score: float, max_score: float) -> float:
    """Return score / max_score x 100.

    score: 0 to max_score. max_score: above 0.
    """
    if not 0 <= score <= max_score or max_score <= 0:
        raise ValueError("a score lies between 0 and max_score, which is above 0")
    return 100 * score / max_score


def summarise(marks: Iterable[Mark]) -> Performance:
    """Return the performance that the marks show.

    The mean over all subjects is the mean of all marks, so a subject counts by its number of
    marks. Without marks the means are None: nothing is known, which is not zero.
    """
    by_subject: dict[str, list[Mark]] = {}
    for mark in sorted(marks, key=lambda mark: (mark.submitted_at, mark.subject)):
        by_subject.setdefault(mark.subject, []).append(mark)
    every = [mark.percentage for marks in by_subject.values() for mark in marks]
    return Performance(
        subjects=tuple(_subject(name, by_subject[name]) for name in sorted(by_subject)),
        mean_percentage=_mean(every) if every else None,
        assessment_count=len(every),
    )


def _subject(name: str, marks: list[Mark]) -> SubjectPerformance:
    last = marks[-1]
    return SubjectPerformance(
        subject=name,
        mean_percentage=_mean([mark.percentage for mark in marks]),
        count=len(marks),
        last_percentage=last.percentage,
        last_submitted_at=last.submitted_at,
    )


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
