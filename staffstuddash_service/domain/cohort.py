"""Figures of a whole school that a single student's figures cannot show."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from zoneinfo import ZoneInfo

from staffstuddash_service.domain.learning import MIN_MARKS, STRONG_LEVEL, LearningState

MIN_STUDENTS = 5
MATERIAL_SHARE = 0.6
FALL_POINTS = 5.0


@dataclass(frozen=True)
class MaterialHint:
    """Hint on a subject: most students fell together; None if too few can be compared."""

    subject: str
    compared: int
    fallen: int
    fallen_share: float | None
    is_material: bool | None
    text: str


@dataclass(frozen=True)
class WeekMark:
    """Percentage of a student in one of two weeks; is_new: in the later one."""

    subject: str
    student_id: str
    percentage: float
    is_new: bool


@dataclass(frozen=True)
class Weeks:
    """Means of all marks of the later and the earlier week, and the hints by subject."""

    mean: float | None
    mean_before: float | None
    hints: Sequence[MaterialHint]


@dataclass(frozen=True)
class Standing:
    """Standing of a student at a concept; the state is None below three marks."""

    student_id: str
    subject: str
    concept: str
    assessment_count: int
    mean_percentage: float
    learning_state: LearningState | None

    @property
    def is_tutor(self) -> bool:
        """Return True if the student is strong enough to help others."""
        return (
            self.learning_state in {LearningState.PROGRESSING, LearningState.PLATEAU}
            and self.mean_percentage >= STRONG_LEVEL
            and self.assessment_count >= MIN_MARKS
        )


def weeks_of(marks: Iterable[WeekMark]) -> Weeks:
    """Return the figures of two weeks: a student counts in a hint with marks in both."""
    by_place: dict[tuple[str, str], tuple[list[float], list[float]]] = {}
    for mark in marks:
        new, old = by_place.setdefault((mark.subject, mark.student_id), ([], []))
        (new if mark.is_new else old).append(mark.percentage)
    compared: dict[str, list[bool]] = {}
    for (subject, _), (new, old) in by_place.items():
        if new and old:
            fell = sum(new) / len(new) <= sum(old) / len(old) - FALL_POINTS
            compared.setdefault(subject, []).append(fell)
    hints = [material_hint(name, len(fallen), sum(fallen)) for name, fallen in compared.items()]
    return Weeks(
        mean_or_none([value for new, _ in by_place.values() for value in new]),
        mean_or_none([value for _, old in by_place.values() for value in old]),
        sorted(hints, key=lambda hint: (-(hint.fallen_share or 0), hint.subject)),
    )


def pairs_of(
    standings: Iterable[Standing], most: int
) -> list[tuple[str, str, str, float, str, float]]:
    """Return subject, concept, tutor and learner with their means, the weakest learners first.

    At each concept the best tutors are paired with the weakest learners, at most so many.
    """

    def place(one: Standing) -> tuple[str, str]:
        return one.subject, one.concept

    pairs = []
    for (subject, concept), group in groupby(sorted(standings, key=place), place):
        those = list(group)
        tutors = [one for one in those if one.is_tutor]
        learners = [one for one in those if one.learning_state == LearningState.STALLED]
        tutors.sort(key=lambda one: (-one.mean_percentage, one.student_id))
        learners.sort(key=lambda one: (one.mean_percentage, one.student_id))
        pairs += [
            (
                subject,
                concept,
                tutor.student_id,
                tutor.mean_percentage,
                learner.student_id,
                learner.mean_percentage,
            )
            for tutor, learner in zip(tutors[:most], learners, strict=False)
        ]
    return sorted(pairs, key=lambda pair: (pair[5], pair[0], pair[1], pair[4]))


def mean_or_none(values: Sequence[float]) -> float | None:
    """Return the mean, or None without a value."""
    return sum(values) / len(values) if values else None


def material_hint(subject: str, compared: int, fallen: int) -> MaterialHint:
    """Return the hint that the material, not the students, is the problem.

    compared: students with marks of the subject in both weeks. fallen: those of them with a mean
    that fell by at least 5 points. The hint holds from a share of 0.6 of at least five students.

    Raises:
        ValueError: fallen is negative or above compared.

    """
    if not 0 <= fallen <= compared:
        raise ValueError("those who fell are some of those compared")
    if compared < MIN_STUDENTS:
        text = f"Fewer than {MIN_STUDENTS} students have marks in both weeks: not assessable."
        return MaterialHint(subject, compared, fallen, None, None, text)
    share = fallen / compared
    is_material = share >= MATERIAL_SHARE
    fall = f"{fallen} of {compared} students fell by {FALL_POINTS:.0f} points or more"
    text = (
        f"{fall}: look at the material of {subject} before the students."
        if is_material
        else f"{fall}: no sign that the material is the problem."
    )
    return MaterialHint(subject, compared, fallen, share, is_material, text)


def change(now: float | None, before: float | None) -> float | None:
    """Return now less before, or None if one of them is unknown."""
    return None if now is None or before is None else now - before


def start_of_day(now: datetime, zone: ZoneInfo | None) -> datetime:
    """Return the last midnight before `now` in the zone, by default UTC."""
    local = now.astimezone(zone or UTC)
    # The first of two midnights, where clocks are set back over midnight.
    return local.replace(hour=0, minute=0, second=0, microsecond=0, fold=0).astimezone(UTC)
