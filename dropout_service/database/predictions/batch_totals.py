"""What became of the predictions of one batch of students, or of several together."""

from collections.abc import Sequence
from dataclasses import dataclass

from dropout_service.models import DropoutPrediction

MOST_EXAMPLES = 3


@dataclass(frozen=True)
class CohortBatch:
    """What became of one batch, or of several together.

    last: the id after which the next batch begins, None when the cohort is through.
    students: how many by the rules; enrolments: how many of courses that a model judged.
    incomplete: how many were predicted while rows of the student waited.
    not_assessable: how many; examples: some of them with what is missing.
    highest: the highest risks, the highest first. versions: of the rules or the model, sorted.
    """

    last: str | None
    students: int = 0
    enrolments: int = 0
    stored: int = 0
    unchanged: int = 0
    incomplete: int = 0
    not_assessable: int = 0
    examples: tuple[tuple[str, str], ...] = ()
    highest: tuple[DropoutPrediction, ...] = ()
    versions: tuple[str, ...] = ()

    def and_then(self, following: "CohortBatch", *, keep: int) -> "CohortBatch":
        """Return both batches as one, keeping that many of the highest risks."""
        return CohortBatch(
            last=following.last,
            students=self.students + following.students,
            enrolments=self.enrolments + following.enrolments,
            stored=self.stored + following.stored,
            unchanged=self.unchanged + following.unchanged,
            incomplete=self.incomplete + following.incomplete,
            not_assessable=self.not_assessable + following.not_assessable,
            examples=(self.examples + following.examples)[:MOST_EXAMPLES],
            highest=highest_of((*self.highest, *following.highest), keep),
            versions=tuple(sorted({*self.versions, *following.versions})),
        )


def highest_of(rows: Sequence[DropoutPrediction], keep: int) -> tuple[DropoutPrediction, ...]:
    """Return that many of the highest risks, the highest first."""
    return tuple(sorted(rows, key=lambda row: (-row.risk_score, row.student_id))[:keep])


def incomplete_among(rows: Sequence[DropoutPrediction]) -> int:
    """Return how many were made while rows of the student waited."""
    return sum(bool(row.pending_rows) for row in rows)
