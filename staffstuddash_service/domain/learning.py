"""Whether a student gets on: in a concept, and over all subjects."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from staffstuddash_service.domain.performance import Mark, by_subject, in_order, mean

MARKS_NEEDED = 3
NOTABLE_CHANGE = 5.0
LOW_LEVEL = 50.0
STRONG_LEVEL = 80.0


class LearningState(StrEnum):
    """How marks move from the earlier to the later ones."""

    PROGRESSING = "PROGRESSING"
    PLATEAU = "PLATEAU"
    STALLED = "STALLED"


@dataclass(frozen=True)
class Movement:
    """How marks moved: `change` of -100 to 100 points, up to a later `level` of 0 to 100."""

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
class ConceptStanding:
    """How a student does at one concept of a subject; the state is None below three marks."""

    subject: str
    concept: str
    assessment_count: int
    mean_percentage: float
    change_points: float | None
    learning_state: LearningState | None
    last_submitted_at: datetime


def movement_of(percentages: Sequence[float]) -> Movement | None:
    """Return the mean of the later half less that of the earlier half, and the later mean.

    percentages: 0 to 100 in order of time; of an odd number the middle one belongs to neither
    half. None below three.
    """
    if len(percentages) < MARKS_NEEDED:
        return None
    half = len(percentages) // 2
    level = mean(percentages[-half:])
    return Movement(level - mean(percentages[:half]), level)


def learning_state_of(marks: Iterable[Mark]) -> LearningState | None:
    """Return the state over all subjects, or None when no subject has three marks.

    Change and level are the subjects' own, averaged by their number of marks: a hard subject that
    began late is no fall.
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


def concept_standings(marks: Iterable[Mark]) -> list[ConceptStanding]:
    """Return how the student does at each concept that marks were given for."""
    grouped: dict[tuple[str, str], list[Mark]] = {}
    for mark in in_order(marks):
        if mark.concept is not None:
            grouped.setdefault((mark.subject, mark.concept), []).append(mark)
    return [_standing(*place, grouped[place]) for place in sorted(grouped)]


def _standing(subject: str, concept: str, marks: list[Mark]) -> ConceptStanding:
    percentages = [mark.percentage for mark in marks]
    movement = movement_of(percentages)
    return ConceptStanding(
        subject=subject,
        concept=concept,
        assessment_count=len(marks),
        mean_percentage=mean(percentages),
        change_points=movement.change if movement else None,
        learning_state=movement.state if movement else None,
        last_submitted_at=marks[-1].submitted_at,
    )
