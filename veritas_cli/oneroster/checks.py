"""Checks of an export: each row, and its references to other rows and to the database."""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from staffstuddash_service.datastore import StudentToStore
from staffstuddash_service.domain.roster import (
    Class,
    Course,
    Guardian,
    Identifier,
    Organisation,
    Person,
    Term,
)
from veritas_cli.oneroster import gradebook
from veritas_cli.oneroster.drafts import Draft, Need, Record, Reference
from veritas_cli.oneroster.gradebook import ResultDrafts
from veritas_cli.oneroster.reading.account import Account, FileAccount
from veritas_cli.oneroster.reading.cells import LeftOut, RowRefused
from veritas_cli.oneroster.reading.columns import File
from veritas_cli.oneroster.reading.manifest import Manifest, Mode
from veritas_cli.oneroster.reading.roles import STAFF, STUDENT
from veritas_cli.oneroster.reading.staging import StagedRow, Staging, State
from veritas_cli.oneroster.rostering import ROW_DRAFTS
from veritas_cli.oneroster.users import UserDrafts

Kind = type[Organisation | Term | Course | Class | Person | StudentToStore]
# Called with a kind of record and ids; returns those that the database has, ended or not.
Known = Callable[[Kind, Collection[str]], Collection[str]]
# Called with ids of students; returns those that were erased.
Erased = Callable[[Collection[str]], Collection[str]]

_KINDS: Mapping[File, tuple[Kind, ...]] = {
    File.ORGANISATIONS: (Organisation,),
    File.SESSIONS: (Term,),
    File.COURSES: (Course,),
    File.CLASSES: (Class,),
}
_KINDS_OF_USERS: Mapping[Need, tuple[Kind, ...]] = {
    Need.ANY: (StudentToStore, Person),
    Need.STUDENT: (StudentToStore,),
    Need.STAFF: (Person,),
}
_WITH_PARENTS = (File.ORGANISATIONS, File.SESSIONS)
# Rows of relations, which end with the rows to which they refer.
_RELATIONS = (File.ROLES, File.ENROLLMENTS, File.DEMOGRAPHICS, File.LINE_ITEMS, File.RESULTS)
_ENDS = "its status is tobedeleted"
_ENDS_WITH = "it refers to a row that ends or is left out"
_ERASED = "the student was erased"


class Checks:
    """Drafts of an export's rows, without those that are refused or left out."""

    def __init__(self, staging: Staging, manifest: Manifest, known: Known, erased: Erased) -> None:
        self._staging = staging
        self._manifest = manifest
        self._known = known
        self._find_erased = erased
        self._erased: set[str] = set()

    def run(self, account: Account, advance: Callable[[int], object] | None = None) -> None:
        """Check all rows; the account counts those that are refused or left out.

        advance: called with the number of rows checked since the last call.
        """
        for file in self._manifest.present:
            counted = account.of(file.filename)
            for rows in self._staging.batches(file):
                drafts = self._checked(file, rows, counted)
                self._staging.add_identifiers(_identifiers(drafts))
                if advance is not None:
                    advance(len(rows))
            if file in _WITH_PARENTS:
                self._refuse_circles(file, counted)
        if shared := self._staging.shared_identifier_count():
            account.notes.append(
                f"{shared} identifiers are left out: several students have the same."
            )

    def drafts(self, file: File) -> Iterator[list[Draft]]:
        """Yield the drafts of a file in the order of ids, after checks that refused no row.

        Results come by student, so that the record of a student is computed once or twice.
        """
        is_of_students = file is File.RESULTS
        staging = self._staging
        batches = (
            staging.results_by_student() if is_of_students else staging.batches(file, State.STORED)
        )
        for rows in batches:
            drafts = list(map(self._builder(file, rows), rows))
            yield self._storable(drafts) if file is File.USERS else drafts

    def ending(self, file: File) -> Iterator[list[StagedRow]]:
        """Yield the rows with the status `tobedeleted`."""
        return self._staging.batches(file, State.ENDING)

    def _checked(self, file: File, rows: Sequence[StagedRow], account: FileAccount) -> list[Draft]:
        """Return the drafts of the valid rows; those that are left out are marked as such."""
        draft_of = self._builder(file, rows)
        drafts, left_out = [], list[str]()
        for row in rows:
            try:
                if row.is_ending:
                    account.left_out[_ENDS] += 1
                else:
                    drafts.append(draft_of(row))
            except LeftOut as reason:
                account.left_out[str(reason)] += 1
                left_out.append(row.id)
            except RowRefused as refusal:
                account.refuse(row.line, refusal.column, refusal.reason)
        if file is File.USERS:
            drafts = self._without_erased(drafts, account, left_out)
        valid = self._with_valid_references(file, drafts, account, left_out)
        self._staging.leave_out(file, left_out)
        return valid

    def _without_erased(
        self, drafts: Sequence[Draft], account: FileAccount, left_out: list[str]
    ) -> list[Draft]:
        students = [
            one.id
            for draft in drafts
            for one in draft.records
            if isinstance(one, StudentToStore) and one.id is not None
        ]
        erased = set(self._find_erased(students)) if students else set[str]()
        self._erased |= erased
        if erased:
            account.left_out[_ERASED] += len(erased)
            left_out += erased
        return [draft for draft in drafts if draft.row.id not in erased]

    def _builder(self, file: File, rows: Sequence[StagedRow]) -> Callable[[StagedRow], Draft]:
        is_delta = self._manifest.mode(file) is Mode.DELTA
        match file:
            case File.USERS:
                # A delta file repeats no role that has not changed.
                students = self._known(StudentToStore, [row.id for row in rows]) if is_delta else ()
                return UserDrafts(self._staging, rows, students).draft
            case File.RESULTS:
                return ResultDrafts(self._staging, rows, is_delta=is_delta).draft
            case File.LINE_ITEMS:
                return lambda row: gradebook.line_item(row, is_delta=is_delta)
            case File.CATEGORIES:
                return gradebook.category
            case _:
                return ROW_DRAFTS[file]

    def _with_valid_references(
        self, file: File, drafts: Sequence[Draft], account: FileAccount, left_out: list[str]
    ) -> list[Draft]:
        wanted: dict[tuple[File, Need], set[str]] = defaultdict(set)
        for draft in drafts:
            for one in draft.references:
                wanted[one.file, one.need].update(one.ids)
        found = {key: self._found(*key, ids) for key, ids in wanted.items()}
        valid = []
        for draft in drafts:
            try:
                for one in draft.references:
                    _check(one, found[one.file, one.need], is_relation=file in _RELATIONS)
                valid.append(draft)
            except LeftOut as reason:
                account.left_out[str(reason)] += 1
                left_out.append(draft.row.id)
            except RowRefused as refusal:
                account.refuse(draft.row.line, refusal.column, refusal.reason)
        return valid

    def _found(self, file: File, need: Need, ids: Collection[str]) -> dict[str, bool]:
        """Return the ids that exist, each with True if its row ends or is left out."""
        states = self._staging.states(file, ids)
        found = {id_: state is not State.STORED for id_, state in states.items()}
        if need is not Need.ANY:
            roles = self._staging.roles(found)
            found = {
                id_: is_over
                for id_, is_over in found.items()
                if is_over or any(_is(need, one.role) for one in roles.get(id_, ()))
            }
        kinds = _KINDS_OF_USERS[need] if file is File.USERS else _KINDS.get(file, ())
        for kind in kinds:
            if missing := [id_ for id_ in ids if id_ not in found]:
                found.update(dict.fromkeys(self._known(kind, missing), False))
        return found

    def _storable(self, drafts: Sequence[Draft]) -> list[Draft]:
        """Return the drafts of users without records that only all rows together rule out.

        These are identifiers that several students have, and guardians of erased students.
        """
        shared = self._staging.shared_identifiers(key for key, _ in _identifiers(drafts))

        def is_storable(one: Record) -> bool:
            if isinstance(one, Identifier):
                return _key(one) not in shared
            return not isinstance(one, Guardian) or one.student_id not in self._erased

        return [
            replace(draft, records=tuple(filter(is_storable, draft.records))) for draft in drafts
        ]

    def _refuse_circles(self, file: File, account: FileAccount) -> None:
        rows = [row for batch in self._staging.batches(file) for row in batch]
        parents = {row.id: row.cells.get("parentSourcedId") for row in rows}
        for row in rows:
            above, passed = parents.get(row.id), set[str]()
            while above is not None and above not in passed and above != row.id:
                passed.add(above)
                above = parents.get(above)
            if above == row.id != parents[row.id]:
                account.refuse(row.line, "parentSourcedId", "leads back to the row itself")


def _identifiers(drafts: Iterable[Draft]) -> Iterator[tuple[str, str]]:
    """Yield the key and the student of each identifier."""
    for draft in drafts:
        for one in draft.records:
            if isinstance(one, Identifier):
                yield _key(one), one.student_id


def _key(one: Identifier) -> str:
    return "\n".join((one.system, one.kind.value, one.value))


def _is(need: Need, role: str) -> bool:
    return role == STUDENT if need is Need.STUDENT else role in STAFF


def _check(one: Reference, found: Mapping[str, bool], *, is_relation: bool) -> None:
    if not all(id_ in found for id_ in one.ids):
        of_role = "" if one.need is Need.ANY else f" of a {one.need}"
        reason = f"names no row of {one.file.filename}{of_role}, nor a stored one"
        if one.is_optional:
            raise LeftOut(f"{one.column} {reason}")
        raise RowRefused(one.column, reason)
    if not one.may_end and any(found[id_] for id_ in one.ids):
        if is_relation:
            raise LeftOut(_ENDS_WITH)
        raise RowRefused(one.column, "names a row that ends")
