"""Learning state of a student: in a concept, and over all subjects."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from staffstuddash_service.domain.performance import Mark, by_subject, in_order, mean

MIN_MARKS = 3
NOTABLE_CHANGE = 5.0
LOW_LEVEL = 50.0
STRONG_LEVEL = 80.0


class LearningState(StrEnum):
    """Direction of the marks, from the earlier to the later ones."""

    PROGRESSING = "PROGRESSING"
    PLATEAU = "PLATEAU"
    STALLED = "STALLED"


@dataclass(frozen=True)
class Movement:
    """Movement of marks: `change` of -100 to 100 points, and the later `level` of 0 to 100."""

    change: float
    level: float

    @property
    def state(self) -> LearningState:
        """PROGRESSING from 5 points up; STALLED from 5 down, or below 50 without progress."""
        if self.change >= NOTABLE_CHANGE:
            return LearningState.PROGRESSING
        if self.change <= -NOTABLE_CHANGE or self.level < LOW_LEVEL:
            return LearningState.STALLED
        return LearningState.PLATEAU


@dataclass(frozen=True)
class ConceptPerformance:
    """Performance in one concept of a subject; the state is None below three marks.

    The field names are those of the columns of `concept_performances`.
    """

    subject: str
    concept: str
    assessment_count: int
    mean_percentage: float
    change_points: float | None
    learning_state: LearningState | None
    last_submitted_at: datetime


def movement_of(percentages: Sequence[float]) -> Movement | None:
    """Return the mean of the later half less that of the earlier half, and the later mean.

    percentages: 0 to 100 in order of time. If their number is odd, the middle one belongs to
    neither half. None below three.
    """
    if len(percentages) < MIN_MARKS:
        return None
    half = len(percentages) // 2
    level = mean(percentages[-half:])
    return Movement(level - mean(percentages[:half]), level)


def learning_state_of(marks: Iterable[Mark]) -> LearningState | None:
    """Return the state over all subjects, or None if no subject has three marks.

    Change and level are the means of the subjects' own, weighted by their number of marks. So the
    late start of a hard subject is no fall.
    """
    moved = [
        (len(group), movement)
        for group in by_subject(marks).values()
        if (movement := movement_of([mark.percentage for mark in group])) is not None
    ]
    if not moved:
        return None
    total = sum(count for count, _ in moved)
    change = sum(count * movement.change for count, movement in moved) / total
    level = sum(count * movement.level for count, movement in moved) / total
    return Movement(change, level).state


def concept_performances(marks: Iterable[Mark]) -> list[ConceptPerformance]:
    """Return the performance in each concept with marks."""
    grouped: dict[tuple[str, str], list[Mark]] = {}
    for mark in in_order(marks):
        if mark.concept is not None:
            grouped.setdefault((mark.subject, mark.concept), []).append(mark)
    return [_concept_performance(*place, grouped[place]) for place in sorted(grouped)]


def _concept_performance(subject: str, concept: str, marks: list[Mark]) -> ConceptPerformance:
    percentages = [mark.percentage for mark in marks]
    movement = movement_of(percentages)
    return ConceptPerformance(
        subject=subject,
        concept=concept,
        assessment_count=len(marks),
        mean_percentage=mean(percentages),
        change_points=movement.change if movement else None,
        learning_state=movement.state if movement else None,
        last_submitted_at=marks[-1].submitted_at,
    )
