"""Rows of enrolments, by column."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]
Column = NDArray[Any]


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

    def matrix(self, names: Sequence[str]) -> Floats:
        """Return these columns as numbers, one row per row."""
        return np.column_stack([self[name].astype(np.float64) for name in names])

    def where(self, chosen: Mask) -> Self:
        """Return only the rows that are chosen."""
        return type(self)({name: column[chosen] for name, column in self.columns.items()})

    def with_columns(self, **columns: Column) -> Self:
        """Return the rows with further columns."""
        return type(self)({**self.columns, **columns})

    @classmethod
    def joined(cls, parts: Sequence["EnrolmentRows"]) -> Self:
        """Return all parts, one after the other; they have the same columns."""
        names = parts[0].columns
        return cls({name: np.concatenate([part[name] for part in parts]) for name in names})
