"""Results of the predictions of many students."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from dropout_service.models import DropoutPrediction
from shared_db.columns import Row
from shared_db.results import InsertResult, Outcome

MAX_EXAMPLES = 3


@dataclass(frozen=True)
class BatchResult:
    """Result of one batch, or of several batches together.

    last: the id after which the next batch begins, None at the end. students: number assessed by
    the rules; enrolments: number assessed by a model. classes_by_rules, classes_by_model: numbers
    of classes of the roster. incomplete: number predicted while rows of the student waited.
    not_assessable: number; examples: some of these students with the reason.
    restricted: ids of the students who are not to be assessed, skipped.
    highest: the highest risks, the highest first. versions: of the rules or the model, sorted.
    """

    last: str | None
    students: int = 0
    enrolments: int = 0
    classes_by_rules: int = 0
    classes_by_model: int = 0
    stored: int = 0
    unchanged: int = 0
    incomplete: int = 0
    not_assessable: int = 0
    restricted: frozenset[str] = frozenset()
    examples: tuple[tuple[str, str], ...] = ()
    highest: tuple[DropoutPrediction, ...] = ()
    versions: tuple[str, ...] = ()

    @classmethod
    def of_inserts(
        cls, rows: Sequence[Row], results: Sequence[InsertResult], keep: int
    ) -> "BatchResult":
        """Return the result of inserted predictions, with the `keep` highest risks."""
        outcomes = Counter(result.outcome for result in results)
        highest = sorted(rows, key=lambda row: (-row["risk_score"], row["student_id"]))[:keep]
        return cls(
            last=None,
            stored=outcomes[Outcome.STORED],
            unchanged=outcomes[Outcome.REPEATED],
            incomplete=sum(bool(row["pending_rows"]) for row in rows),
            highest=tuple(DropoutPrediction(**row) for row in highest),
            versions=tuple(sorted({row["version"] for row in rows})),
        )

    @classmethod
    def of_not_assessable(
        cls, enrolments: Sequence[tuple[str, str]], restricted: frozenset[str]
    ) -> "BatchResult":
        """Return the result of enrolments that are not assessable: students with the reason."""
        examples = tuple(enrolments[:MAX_EXAMPLES])
        count = len(enrolments)
        return cls(
            last=None,
            enrolments=count,
            not_assessable=count,
            examples=examples,
            restricted=restricted,
        )

    @classmethod
    def of_class(
        cls, students: Mapping[str, str], restricted: frozenset[str], *, is_by_model: bool
    ) -> "BatchResult":
        """Return the result of students of a class who are not assessable, with the reason."""
        absent = cls.of_not_assessable(tuple(students.items()), restricted)
        if is_by_model:
            return replace(absent, classes_by_model=1)
        return replace(absent, classes_by_rules=1, students=absent.enrolments, enrolments=0)

    def merge(self, following: "BatchResult", *, keep: int) -> "BatchResult":
        """Return the result of both batches, with the `keep` highest risks."""
        highest = sorted(
            (*self.highest, *following.highest), key=lambda row: (-row.risk_score, row.student_id)
        )
        return BatchResult(
            last=following.last,
            students=self.students + following.students,
            enrolments=self.enrolments + following.enrolments,
            classes_by_rules=self.classes_by_rules + following.classes_by_rules,
            classes_by_model=self.classes_by_model + following.classes_by_model,
            stored=self.stored + following.stored,
            unchanged=self.unchanged + following.unchanged,
            incomplete=self.incomplete + following.incomplete,
            not_assessable=self.not_assessable + following.not_assessable,
            restricted=self.restricted | following.restricted,
            examples=(self.examples + following.examples)[:MAX_EXAMPLES],
            highest=tuple(highest[:keep]),
            versions=tuple(sorted({*self.versions, *following.versions})),
        )
