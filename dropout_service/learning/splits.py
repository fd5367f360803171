"""Splits for validation, by time and by course; each student is on one side only."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dropout_service.learning.rows import EnrolmentRows, Mask

# A split with fewer training rows per held-out row would not represent the model.
MIN_TRAINING_SHARE = 0.25
STUDENT_FOLDS = 5
# Courses or modules beyond that number are held out several at a time: a school has many classes.
MAX_FOLDS = 25


@dataclass(frozen=True)
class Split:
    """Rows to train on, and held-out rows of other students."""

    training: Mask
    held_out: Mask


def validation_splits(rows: EnrolmentRows, population: Mask) -> list[Split]:
    """Return splits by time (train on earlier courses, test on later ones) and by module.

    Each module is held out once, to measure the performance on an unseen module. If neither is
    possible, the students are split. population: the rows that may be held out.
    """
    starts = np.unique(rows["starts_on"])
    later = [(rows["starts_on"] < start, rows["starts_on"] == start) for start in starts[1:]]
    splits = _usable(rows, population, [*later, *_leave_one_out(rows, "module")])
    return splits or _by_student(rows, population)


def calibration_splits(rows: EnrolmentRows, population: Mask) -> list[Split]:
    """Return splits that hold out each course once, as a substitute for a new presentation.

    More than `MAX_FOLDS` courses are held out several at a time.
    """
    splits = _usable(rows, population, _leave_one_out(rows, "course"))
    return splits or _by_student(rows, population)


def _leave_one_out(rows: EnrolmentRows, column: str) -> list[tuple[Mask, Mask]]:
    values, number = np.unique(rows[column], return_inverse=True)
    chosen = [number % MAX_FOLDS == fold for fold in range(min(MAX_FOLDS, len(values)))]
    return [(~held_out, held_out) for held_out in chosen]


def _usable(
    rows: EnrolmentRows, population: Mask, sides: Sequence[tuple[Mask, Mask]]
) -> list[Split]:
    splits = []
    for training, candidates in sides:
        held_out = candidates & population
        others = training & ~np.isin(rows["student_id"], rows["student_id"][held_out])
        if held_out.any() and others.sum() >= MIN_TRAINING_SHARE * held_out.sum():
            splits.append(Split(others, held_out))
    return splits


def _by_student(rows: EnrolmentRows, population: Mask) -> list[Split]:
    _, number = np.unique(rows["student_id"], return_inverse=True)
    folds = [number % STUDENT_FOLDS == fold for fold in range(STUDENT_FOLDS)]
    return [Split(~fold, fold & population) for fold in folds if (fold & population).any()]
