"""Rows of enrolments as columns, and the names of the columns that models use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from dropout_service.domain.enrolments.enrolment_features import DAY, ENROLMENT_FEATURES

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Column = NDArray[Any]

# The known direction of each input: 1, -1 or 0.
DIRECTIONS = {DAY: 0, **{feature.name: feature.direction for feature in ENROLMENT_FEATURES}}
INPUTS = tuple(DIRECTIONS)
NEED_ACTIVITY = frozenset(feature.name for feature in ENROLMENT_FEATURES if feature.needs_activity)
INPUTS_WITHOUT_ACTIVITY = tuple(name for name in INPUTS if name not in NEED_ACTIVITY)

_NOT_TRAINED_ON = {feature.name for feature in ENROLMENT_FEATURES if not feature.is_trained_on}
# The inputs of the two variants of a model.
WITH_ACTIVITY = tuple(name for name in INPUTS if name not in _NOT_TRAINED_ON)
WITHOUT_ACTIVITY = tuple(name for name in INPUTS_WITHOUT_ACTIVITY if name not in _NOT_TRAINED_ON)

# Beginning of the ids of enrolments in classes of the roster, which have no ids of their own there.
CLASS_ENROLMENT = "class-"

# The column of the labels: 1 if the enrolment ended as the target says, else 0.
LABEL = "label"


@dataclass(frozen=True)
class EnrolmentRows:
    """One row per enrolment and cut-off day; an unknown feature is NaN."""

    columns: Mapping[str, Column]

    def __post_init__(self) -> None:
        if len({len(column) for column in self.columns.values()}) > 1:
            raise ValueError("the columns differ in length")

    def __len__(self) -> int:
        return len(self["enrolment_id"])

    def __getitem__(self, name: str) -> Column:
        return self.columns[name]

    @property
    def labels(self) -> Floats:
        """The labels, 0 or 1."""
        return self[LABEL].astype(np.float64)

    def matrix(self, names: Sequence[str]) -> Floats:
        """Return these columns as one matrix of numbers."""
        return np.column_stack([self[name].astype(np.float64) for name in names])

    def where(self, chosen: Mask) -> Self:
        """Return the chosen rows."""
        return type(self)({name: column[chosen] for name, column in self.columns.items()})

    def with_columns(self, **columns: Column) -> Self:
        """Return the rows with added or replaced columns."""
        return type(self)({**self.columns, **columns})

    @classmethod
    def joined(cls, parts: Sequence["EnrolmentRows"]) -> Self:
        """Return all parts, one after the other; they have the same columns."""
        names = parts[0].columns
        return cls({name: np.concatenate([part[name] for part in parts]) for name in names})
