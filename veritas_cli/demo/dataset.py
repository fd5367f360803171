"""Data of a demonstration, independent of their source."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Body = dict[str, Any]


@dataclass(frozen=True)
class Replacement:
    """Body of a PUT request to staffstuddash, and its path after `/api/v1/`."""

    path: str
    body: Body


@dataclass(frozen=True)
class Demonstration:
    """Request bodies for the services, and the outcomes of the students.

    predictions: the id of the prediction to make, by student. events: returns a new iterator each
    time, as there can be many. outcomes: a text per student, shown beside the prediction. lost: the
    students known to have left or failed; None if that is unknown. notes: sentences that a reader
    of the tables needs. resources: rows of the roster, those that others refer to first.
    relations: enrolments, teaching and advising. shown_class: a class whose risks are shown;
    class_predictions: the id of the prediction to make in it, by student. advisor: the id of a
    member of staff who sees a part of the students.
    """

    title: str
    as_of: datetime
    as_of_words: str
    students: Sequence[Body]
    assessments: Sequence[Body]
    event_count: int
    events: Callable[[], Iterator[Body]]
    predictions: Mapping[str, str]
    outcome_heading: str
    outcomes: Mapping[str, str]
    lost: frozenset[str] | None
    notes: Sequence[str]
    resources: Sequence[Replacement] = ()
    relations: Sequence[Replacement] = ()
    shown_class: str | None = None
    class_predictions: Mapping[str, str] = field(default_factory=dict)
    advisor: str | None = None

    def name_of(self, student_id: str) -> str:
        """Return the name of a student."""
        return self._names[student_id]

    @property
    def _names(self) -> dict[str, str]:
        return {student["id"]: student["name"] for student in self.students}
