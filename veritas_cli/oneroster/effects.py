"""Storing of drafts by the repositories of staffstuddash, with the effect of each row."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from shared_db.clock import utc_now
from shared_db.errors import ServiceError
from shared_db.results import Outcome
from staffstuddash_service.datastore import AssessmentToStore, DatastoreManager, StudentToStore
from staffstuddash_service.datastore.roster.changes import RosterOutcome
from staffstuddash_service.datastore.roster.tables import kind_of
from staffstuddash_service.domain.roster import Identifier, RosterKind, record_key
from staffstuddash_service.domain.roster import Record as RosterRecord
from staffstuddash_service.errors import (
    AssessmentDeleted,
    AssessmentExists,
    AssessmentNotFound,
    IdentifierExists,
    StudentMerged,
)
from veritas_cli.oneroster.drafts import Draft
from veritas_cli.oneroster.reading.account import Effect, FileAccount
from veritas_cli.oneroster.reading.staging import BATCH_ROWS

SOURCE = "oneroster"
STUDENTS, ASSESSMENTS = "students", "assessments"
_REASON = "changed by an import of OneRoster"
_EFFECTS = {
    RosterOutcome.STORED: Effect.NEW,
    RosterOutcome.CHANGED: Effect.CHANGED,
    RosterOutcome.REPEATED: Effect.SAME,
}
_DELETED = "the assessment was deleted here"
_MERGED = "the student was merged into another id"
_TAKEN = "an identifier is stored for another student"

T = TypeVar("T")


class EffectCounter:
    """Stores drafts and counts their effects.

    present: keys of the records of each kind that the export has. taken: identifiers that are
    stored for another student, each with the line of its row.
    """

    def __init__(self, datastore: DatastoreManager) -> None:
        self._datastore = datastore
        self.present: dict[RosterKind, set[str]] = defaultdict(set)
        self.taken: list[tuple[int, Identifier]] = []

    def store(self, drafts: Sequence[Draft], account: FileAccount, *types: type) -> None:
        """Store the records of some types; the account counts the effects and refusals."""
        if StudentToStore in types:
            self._store_students(list(_of_type(drafts, StudentToStore)), account)
        by_kind: dict[RosterKind, list[tuple[int, RosterRecord]]] = defaultdict(list)
        for draft in drafts:
            for record in draft.records:
                if not isinstance(record, types):
                    continue
                if not isinstance(record, StudentToStore | AssessmentToStore):
                    by_kind[kind_of(record)].append((draft.row.line, record))
        for kind, records in by_kind.items():
            self.apply(kind, records, account)
        if AssessmentToStore in types:
            self._store_assessments(list(_of_type(drafts, AssessmentToStore)), account)

    def apply(
        self,
        kind: RosterKind,
        records: Sequence[tuple[int, RosterRecord]],
        account: FileAccount,
    ) -> None:
        """Store records of the roster, each with the line of its row."""
        self.present[kind].update(record_key(record) for _, record in records)
        for start in range(0, len(records), BATCH_ROWS):
            batch = records[start : start + BATCH_ROWS]
            results = self._datastore.roster.apply(kind, [record for _, record in batch], SOURCE)
            for (line, record), result in zip(batch, results, strict=True):
                if isinstance(result.refusal, IdentifierExists) and isinstance(record, Identifier):
                    self.taken.append((line, record))
                elif result.refusal is not None:
                    account.refuse(line, None, _title(result.refusal))
                else:
                    account.count(kind.value, _EFFECTS[result.outcome])

    def move_taken(self, account: FileAccount, *, is_bulk: bool) -> None:
        """Store the identifiers that another student of this source had; leave out the others."""
        taken, self.taken = self.taken, []
        kind = RosterKind.IDENTIFIER
        if is_bulk and taken:
            kept = self.present[kind] - {record_key(record) for _, record in taken}
            self._datastore.roster.end_absent(kind, SOURCE, kept)
            self.apply(kind, taken, account)
            taken, self.taken = self.taken, []
        if taken:
            account.left_out[_TAKEN] += len(taken)

    def delete_assessments(self, ids: Iterable[str], account: FileAccount) -> None:
        """Delete assessments; those that are not there are no error."""
        for id_ in ids:
            try:
                _, is_replay = self._datastore.assessments.delete(id_, actor=SOURCE, reason=_REASON)
            except AssessmentNotFound:
                continue
            if not is_replay:
                account.count(ASSESSMENTS, Effect.ENDED)

    def _store_students(
        self, students: Sequence[tuple[int, StudentToStore]], account: FileAccount
    ) -> None:
        results = self._datastore.students.add_many([student for _, student in students])
        for (line, student), result in zip(students, results, strict=True):
            if result.outcome is Outcome.CONFLICT:
                changes = {"name": student.name, "email": student.email}
                try:
                    self._datastore.students.update(result.id, changes, actor=SOURCE)
                except StudentMerged:
                    account.left_out[_MERGED] += 1
                    continue
                account.count(STUDENTS, Effect.CHANGED)
            elif result.refusal is not None:
                account.refuse(line, None, _title(result.refusal))
            else:
                account.count(STUDENTS, Effect.NEW if result.is_stored else Effect.SAME)

    def _store_assessments(
        self, assessments: Sequence[tuple[int, AssessmentToStore]], account: FileAccount
    ) -> None:
        results = self._datastore.assessments.add_many([one for _, one in assessments])
        for (line, one), result in zip(assessments, results, strict=True):
            if result.outcome is Outcome.CONFLICT:
                self._correct(line, one, account)
            elif isinstance(result.refusal, AssessmentDeleted):
                account.left_out[_DELETED] += 1
            elif result.refusal is not None:
                account.refuse(line, None, _title(result.refusal))
            else:
                account.count(ASSESSMENTS, Effect.NEW if result.is_stored else Effect.SAME)

    def _correct(self, line: int, one: AssessmentToStore, account: FileAccount) -> None:
        changes = {
            "type": one.type,
            "subject": one.subject,
            "score": one.score,
            "max_score": one.max_score,
            "extra_credit": one.extra_credit,
            "excused": one.excused,
            "timestamp": one.timestamp,
        }
        if one.id is None:
            raise ValueError("an imported assessment has an id")
        started = utc_now()
        try:
            stored = self._datastore.assessments.update(
                one.id, changes, actor=SOURCE, reason=_REASON
            )
        except AssessmentDeleted:
            account.left_out[_DELETED] += 1
            return
        if one.student_id not in self._datastore.students.ids_of(stored.student_id):
            account.refuse(line, "studentSourcedId", _title(AssessmentExists(one.id)))
            return
        # Content that was changed before, sent again under a former id of the student, is the same.
        is_changed = stored.corrected_at is not None and stored.corrected_at >= started
        account.count(ASSESSMENTS, Effect.CHANGED if is_changed else Effect.SAME)


def _of_type(drafts: Iterable[Draft], type_: type[T]) -> Iterator[tuple[int, T]]:
    for draft in drafts:
        for record in draft.records:
            if isinstance(record, type_):
                yield draft.row.line, record


def _title(refusal: ServiceError) -> str:
    """Return the title of a refusal, which has no id, within a sentence."""
    return refusal.title[0].lower() + refusal.title[1:]
