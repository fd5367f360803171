"""Splits for validation: by time and by course, with no student on both sides."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from dropout_service.learning.rows import EnrolmentRows, Mask

# A side that teaches far less than is asked of it says nothing about the model.
FEWEST_TO_LEARN_FROM = 0.25
STUDENT_FOLDS = 5


@dataclass(frozen=True)
class Split:
    """Rows to learn from, and rows of other students to judge by."""

    name: str
    learned: Mask
    judged: Mask


def validation_splits(rows: EnrolmentRows) -> list[Split]:
    """Return splits by time (earlier courses teach, later ones judge) and by module.

    Each module is left out once, for how well the model carries over to one never seen. Where
    nothing of this can be done the students are split.
    """
    splits = [*_by_time(rows), *_each_left_out(rows, "module")]
    return splits or _by_student(rows)


def calibration_splits(rows: EnrolmentRows) -> list[Split]:
    """Return splits that leave out each course once: what a new presentation will be like."""
    return _each_left_out(rows, "course") or _by_student(rows)


def _by_time(rows: EnrolmentRows) -> Iterator[Split]:
    starts = np.unique(rows["starts_on"])
    for start in starts[1:]:
        judged = rows["starts_on"] == start
        yield from _usable(rows, f"begins {start}", rows["starts_on"] < start, judged)


def _each_left_out(rows: EnrolmentRows, column: str) -> list[Split]:
    found: list[Split] = []
    for value in np.unique(rows[column]):
        judged = rows[column] == value
        found.extend(_usable(rows, f"without {value}", ~judged, judged))
    return found


def _usable(rows: EnrolmentRows, name: str, learned: Mask, judged: Mask) -> Iterator[Split]:
    others = learned & ~np.isin(rows["student_id"], rows["student_id"][judged])
    if others.sum() >= FEWEST_TO_LEARN_FROM * judged.sum():
        yield Split(name, others, judged)


def _by_student(rows: EnrolmentRows) -> list[Split]:
    _, number = np.unique(rows["student_id"], return_inverse=True)
    folds = [number % STUDENT_FOLDS == fold for fold in range(STUDENT_FOLDS)]
    return [Split(f"fold {n}", ~fold, fold) for n, fold in enumerate(folds) if fold.any()]
