"""What a demonstration sends and shows, wherever it comes from."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Body = dict[str, Any]


@dataclass(frozen=True)
class Demonstration:
    """Bodies for the services, and what is known of the students beside them.

    predictions: the id of the prediction to make, by student. events: gives the bodies anew with
    each call, as there can be many. outcomes: a word on each student, shown beside the prediction.
    lost: the students of whom it is known that they left or failed, or None when nothing is.
    notes: what the reader of the tables must know, a sentence each.
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

    def name_of(self, student_id: str) -> str:
        """Return the name of one of the students."""
        return self._names[student_id]

    @property
    def _names(self) -> dict[str, str]:
        return {student["id"]: student["name"] for student in self.students}
