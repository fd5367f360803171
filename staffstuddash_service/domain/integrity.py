"""Hint for a talk with a student about the origin of a text; never a verdict."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

NEEDS_REVIEW_BELOW = 0.5
NOTE = "A hint for a talk with the student, never a verdict."


class IntegrityLabel(StrEnum):
    """Result of the hint."""

    CONSISTENT = "CONSISTENT"
    NEEDS_REVIEW = "NEEDS_REVIEW"


@dataclass(frozen=True)
class RevisionStep:
    """Revision of an assignment: the share it kept (0 to 1); is_jump is None if unknown."""

    assignment_id: str
    retained_share: float
    is_jump: bool | None


@dataclass(frozen=True)
class AssignmentIntegrity:
    """Hint on one assignment of at least two versions; the score is 0 to 1.

    sudden_jump_flag: None while no revision can be judged.
    """

    assignment_id: str
    revision_count: int
    integrity_score: float
    integrity_label: IntegrityLabel
    sudden_jump_flag: bool | None


@dataclass(frozen=True)
class Integrity:
    """Hint on all assignments: the one with the lowest score; None without a revision.

    sudden_jump_flag: None while no revision can be judged.
    """

    integrity_score: float | None
    integrity_label: IntegrityLabel | None
    sudden_jump_flag: bool | None
    assignments: tuple[AssignmentIntegrity, ...]


def step_score(retained_share: float, *, is_jump: bool | None) -> float:
    """Return the score, 0 to 1, of one revision.

    It is the mean of the retained share and of 0 for a jump, 1 otherwise. While the pace is
    unknown (`is_jump` is None) it is the retained share alone.
    """
    if is_jump is None:
        return retained_share
    return (retained_share + (0.0 if is_jump else 1.0)) / 2


def integrity_of(steps: Iterable[RevisionStep]) -> Integrity:
    """Return the hint; an assignment's score is the lowest of its revisions.

    NEEDS_REVIEW below 0.5; None without a revision.
    """
    grouped: dict[str, list[RevisionStep]] = {}
    for step in steps:
        grouped.setdefault(step.assignment_id, []).append(step)
    assignments = tuple(_assignment(name, grouped[name]) for name in sorted(grouped))
    score = min((a.integrity_score for a in assignments), default=None)
    return Integrity(
        integrity_score=score,
        integrity_label=None if score is None else _label(score),
        sudden_jump_flag=_any_known(a.sudden_jump_flag for a in assignments),
        assignments=assignments,
    )


def _assignment(name: str, steps: list[RevisionStep]) -> AssignmentIntegrity:
    score = min(step_score(step.retained_share, is_jump=step.is_jump) for step in steps)
    return AssignmentIntegrity(
        assignment_id=name,
        revision_count=len(steps),
        integrity_score=score,
        integrity_label=_label(score),
        sudden_jump_flag=_any_known(step.is_jump for step in steps),
    )


def _any_known(jumps: Iterable[bool | None]) -> bool | None:
    """Return True if one is a jump, False if none of the known ones is, None if none is known."""
    known = [jump for jump in jumps if jump is not None]
    return any(known) if known else None


def _label(score: float) -> IntegrityLabel:
    is_low = score < NEEDS_REVIEW_BELOW
    return IntegrityLabel.NEEDS_REVIEW if is_low else IntegrityLabel.CONSISTENT
