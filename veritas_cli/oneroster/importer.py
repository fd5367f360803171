"""Import of a OneRoster export into staffstuddash: all of it in one transaction, or nothing."""

import gc
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.progress import Progress
from sqlalchemy import text
from sqlalchemy.orm import Session

from shared_db.connection.database import Database
from shared_db.repository import Repository
from staffstuddash_service.datastore import AssessmentToStore, DatastoreManager, StudentToStore
from staffstuddash_service.datastore.roster.tables import TABLES
from staffstuddash_service.domain.roster import (
    Class,
    Course,
    Demographics,
    Enrolment,
    Guardian,
    Identifier,
    Organisation,
    Person,
    RosterKind,
    Teaching,
    Term,
)
from veritas_cli.oneroster.checks import Checks, Kind
from veritas_cli.oneroster.drafts import Draft
from veritas_cli.oneroster.effects import SOURCE, EffectCounter
from veritas_cli.oneroster.reading.account import Account, Effect, FileAccount
from veritas_cli.oneroster.reading.archive import Archive, OneRosterError
from veritas_cli.oneroster.reading.columns import File
from veritas_cli.oneroster.reading.manifest import Manifest, Mode, read_manifest
from veritas_cli.oneroster.reading.reader import read_files
from veritas_cli.oneroster.reading.staging import Staging

# A full file that ends more of a kind is taken for a broken export.
MAX_ENDING_SHARE = 0.1
MIN_ENDING = 5
# Key of the lock that two imports cannot have at once; released with the transaction.
LOCK_KEY = 0x6F6E6572
_LOCK = text("SELECT pg_try_advisory_xact_lock(:key)")
# The repositories' batches do not wait for the disk; the commit of all of them does.
_WAIT_FOR_DISK = text("SET LOCAL synchronous_commit = on")
# A batch makes tens of thousands of objects, hardly any of them in reference cycles.
_GC_THRESHOLD = 50_000
_WITH_PARENTS = (File.ORGANISATIONS, File.SESSIONS)
# Steps of each file: records are stored before those that refer to them.
_STEPS: dict[File, tuple[tuple[type, ...], ...]] = {
    File.ORGANISATIONS: ((Organisation,),),
    File.SESSIONS: ((Term,),),
    File.COURSES: ((Course,),),
    File.CLASSES: ((Class,),),
    # Guardians come last: the row of their student may follow theirs.
    File.USERS: ((StudentToStore, Person, Identifier), (Guardian,)),
    File.ENROLLMENTS: ((Enrolment, Teaching),),
    File.DEMOGRAPHICS: ((Demographics,),),
    File.RESULTS: ((AssessmentToStore,),),
}
# Kinds that a full file ends, relations first.
_ENDED: dict[File, tuple[RosterKind, ...]] = {
    File.ENROLLMENTS: (RosterKind.ENROLMENT, RosterKind.TEACHING),
    File.DEMOGRAPHICS: (RosterKind.DEMOGRAPHICS,),
    File.USERS: (RosterKind.IDENTIFIER, RosterKind.GUARDIAN, RosterKind.PERSON),
    File.CLASSES: (RosterKind.CLASS,),
    File.COURSES: (RosterKind.COURSE,),
    File.SESSIONS: (RosterKind.TERM,),
    File.ORGANISATIONS: (RosterKind.ORGANISATION,),
}


@dataclass(frozen=True)
class Outcome:
    """Account of an import, and True if it was committed.

    too_many: the kinds of which too many rows would end, as sentences; nothing is stored then.
    """

    account: Account
    is_stored: bool
    too_many: Sequence[str] = ()


class _RolledBack(Exception):
    """Account is complete and nothing shall be stored; too_many: as in `Outcome`."""

    def __init__(self, too_many: Sequence[str]) -> None:
        super().__init__("nothing is stored")
        self.too_many = too_many


def import_export(
    database: Database,
    path: Path,
    progress: Progress,
    *,
    is_dry: bool = False,
    allow_ending: bool = False,
) -> Outcome:
    """Import a zip or folder; refused rows, or too many that would end, store nothing.

    is_dry: do everything and roll it back, so that the account is exact.

    Raises:
        OneRosterError: the export is unusable, or another import runs.

    """
    archive, account = Archive(path), Account()
    manifest = read_manifest(archive)
    account.notes += manifest.notes
    with (
        TemporaryDirectory(prefix="veritas-oneroster-") as name,
        Staging.opened(Path(name)) as staging,
    ):
        sizes = [archive.members[file.filename.lower()].size for file in manifest.present]
        with _step(progress, "Reading files", sum(sizes)) as advance:
            read_files(archive, manifest, staging, account, advance)

        def change(session: Session) -> None:
            if not session.scalar(_LOCK, {"key": LOCK_KEY}):
                raise OneRosterError("Another import of OneRoster runs. Start this one after it.")
            seconds = database.store.statement_timeout_seconds
            # The units of work of the repositories become savepoints of this one.
            joined = Database.for_bind(session.connection(), statement_timeout_seconds=seconds)
            task = _Import(joined, staging, manifest, account, progress)
            too_many = task.run(allow_ending=allow_ending)
            if is_dry or account.refused or too_many:
                raise _RolledBack(too_many)
            session.execute(_WAIT_FOR_DISK)

        try:
            with _without_old_garbage():
                Repository(database).write(change)
        except _RolledBack as reason:
            return Outcome(account, is_stored=False, too_many=reason.too_many)
    return Outcome(account, is_stored=True)


class _Import:
    """One import within a transaction of the caller."""

    def __init__(
        self,
        database: Database,
        staging: Staging,
        manifest: Manifest,
        account: Account,
        progress: Progress,
    ) -> None:
        self._staging = staging
        self._manifest = manifest
        self._account = account
        self._progress = progress
        self._datastore = DatastoreManager(database)
        self._lookups = self._datastore.roster_lookups
        self._counter = EffectCounter(self._datastore)
        self._checks = Checks(staging, manifest, self._known, self._datastore.students.erased_among)

    def run(self, *, allow_ending: bool) -> list[str]:
        """Check and store everything; return the kinds of which too many rows would end."""
        count = sum(file.read for file in self._account.files.values())
        with _step(self._progress, "Checking rows", count) as advance:
            self._checks.run(self._account, advance)
        if self._account.refused:
            return []
        with _step(self._progress, "Storing rows", count) as advance:
            for file in self._manifest.present:
                self._store(file, advance)
        return self._end(allow_ending=allow_ending)

    def _known(self, kind: Kind, ids: Collection[str]) -> Collection[str]:
        if kind is StudentToStore:
            return self._lookups.stored_students(ids)
        found = next(key for key, table in TABLES.items() if table.record is kind)
        return self._lookups.stored(found, ids)

    def _store(self, file: File, advance: Callable[[int], object]) -> None:
        account = self._account.of(file.filename)
        seen = set[type]()
        for number, types in enumerate(_STEPS.get(file, ())):
            if number > 0 and not seen.intersection(types):
                continue
            for drafts in self._drafts(file):
                self._counter.store(drafts, account, *types)
                if number == 0:
                    seen.update(type(record) for draft in drafts for record in draft.records)
                    advance(len(drafts))
        if file is File.USERS:
            is_bulk = self._manifest.mode(file) is Mode.BULK
            self._counter.move_taken(account, is_bulk=is_bulk)

    def _drafts(self, file: File) -> Iterator[list[Draft]]:
        if file not in _WITH_PARENTS:
            yield from self._checks.drafts(file)
            return
        drafts = [draft for batch in self._checks.drafts(file) for draft in batch]
        yield _parents_first(drafts)

    def _end(self, *, allow_ending: bool) -> list[str]:
        """End rows that are absent from full files, and those with the status `tobedeleted`."""
        too_many = []
        ended = {file: kinds for file, kinds in _ENDED.items() if file in self._manifest.present}
        for file, kinds in ended.items():
            if self._manifest.mode(file) is Mode.BULK:
                account = self._account.of(file.filename)
                found = (self._excess(kind, account) for kind in kinds)
                too_many += [excess for excess in found if excess is not None]
        for file, kinds in ended.items():
            account = self._account.of(file.filename)
            for kind in kinds:
                if self._manifest.mode(file) is Mode.BULK:
                    present = self._counter.present[kind]
                    absent = self._datastore.roster.end_absent(kind, SOURCE, present).absent
                    account.count(kind.value, Effect.ENDED, absent)
                else:
                    self._end_marked(file, kind, account)
        if File.RESULTS in self._manifest.present:
            account = self._account.of(File.RESULTS.filename)
            for rows in self._checks.ending(File.RESULTS):
                self._counter.delete_assessments([row.id for row in rows], account)
        return [] if allow_ending else too_many

    def _excess(self, kind: RosterKind, account: FileAccount) -> str | None:
        """Return the sentence on a kind of which too many rows would end."""
        present = self._counter.present[kind]
        found = self._datastore.roster.end_absent(kind, SOURCE, present, is_dry=True)
        before = found.stored - account.effects.get(kind.value, Counter())[Effect.NEW]
        if found.absent < MIN_ENDING or found.absent <= MAX_ENDING_SHARE * before:
            return None
        return f"{found.absent} of {before} rows of kind {kind} would end"

    def _end_marked(self, file: File, kind: RosterKind, account: FileAccount) -> None:
        for rows in self._checks.ending(file):
            ended = self._lookups.end_many(kind, [row.id for row in rows])
            account.count(kind.value, Effect.ENDED, ended)


def _parents_first(drafts: Sequence[Draft]) -> list[Draft]:
    """Return the drafts with each parent before its children; there are no circles."""
    waiting = {draft.row.id: draft for draft in drafts}
    ordered: dict[str, Draft] = {}
    for draft in drafts:
        above: list[Draft] = []
        next_ = waiting.get(draft.row.id)
        while next_ is not None and next_.row.id not in ordered:
            above.append(next_)
            next_ = waiting.get(next_.row.cells.get("parentSourcedId", ""))
        ordered |= {one.row.id: one for one in reversed(above)}
    return list(ordered.values())


@contextmanager
def _without_old_garbage() -> Iterator[None]:
    """Keep the collector from searching imported modules, and rows that are no garbage."""
    before = gc.get_threshold()
    gc.freeze()
    gc.set_threshold(_GC_THRESHOLD)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()


@contextmanager
def _step(progress: Progress, name: str, total: int) -> Iterator[Callable[[int], object]]:
    task = progress.add_task(name, total=total)
    yield lambda count: progress.advance(task, count)
    progress.update(task, total=total or 1, completed=total or 1)
