"""Splits for validation: by time and by course, with no student on both sides."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dropout_service.learning.rows import EnrolmentRows, Mask

# A side that teaches far less than is asked of it says nothing about the model.
FEWEST_TO_LEARN_FROM = 0.25
STUDENT_FOLDS = 5


@dataclass(frozen=True)
class Split:
    """Rows to learn from, and rows of other students to judge by."""

    learned: Mask
    judged: Mask


def validation_splits(rows: EnrolmentRows, population: Mask) -> list[Split]:
    """Return splits by time (earlier courses teach, later ones judge) and by module.

    Each module is left out once, for how well the model carries over to one never seen. Where
    nothing of this can be done the students are split. population: the rows that may judge.
    """
    starts = np.unique(rows["starts_on"])
    later = [(rows["starts_on"] < start, rows["starts_on"] == start) for start in starts[1:]]
    found = _usable(rows, population, [*later, *_each_left_out(rows, "module")])
    return found or _by_student(rows, population)


def calibration_splits(rows: EnrolmentRows, population: Mask) -> list[Split]:
    """Return splits that leave out each course once: what a new presentation will be like."""
    found = _usable(rows, population, _each_left_out(rows, "course"))
    return found or _by_student(rows, population)


def _each_left_out(rows: EnrolmentRows, column: str) -> list[tuple[Mask, Mask]]:
    chosen = [rows[column] == value for value in np.unique(rows[column])]
    return [(~judged, judged) for judged in chosen]


def _usable(
    rows: EnrolmentRows, population: Mask, sides: Sequence[tuple[Mask, Mask]]
) -> list[Split]:
    found = []
    for learned, of in sides:
        judged = of & population
        others = learned & ~np.isin(rows["student_id"], rows["student_id"][judged])
        if judged.any() and others.sum() >= FEWEST_TO_LEARN_FROM * judged.sum():
            found.append(Split(others, judged))
    return found


def _by_student(rows: EnrolmentRows, population: Mask) -> list[Split]:
    _, number = np.unique(rows["student_id"], return_inverse=True)
    folds = [number % STUDENT_FOLDS == fold for fold in range(STUDENT_FOLDS)]
    return [Split(~fold, fold & population) for fold in folds if (fold & population).any()]
