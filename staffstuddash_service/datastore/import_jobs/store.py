"""Import jobs: their files in pieces, their progress, and their account."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Unpack

from sqlalchemy import ColumnElement, Exists, and_, delete, exists, or_, select
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.columns import Row
from shared_db.ids import new_id
from shared_db.queries.pagination import Keyset, Page, PageOptions
from shared_db.repository import Repository
from shared_db.results import OnConflict
from shared_db.retention.turn import turn
from staffstuddash_service.datastore.table_import import TableKind
from staffstuddash_service.domain.follow_ups.jobs import ImportState
from staffstuddash_service.errors import ImportNotChecked, ImportNotFound
from staffstuddash_service.models import ImportJob, ImportPiece

CANCELLED = "It was cancelled. Nothing was stored."
INTERRUPTED = "The service stopped three times while it ran. Nothing was stored."
LOST = "Its file was not received as a whole."
UNCONFIRMED = "Nobody confirmed it within two hours. Nothing was stored."
MOST_ATTEMPTS = 3
KEPT_FOR = timedelta(days=30)
# A file that is received for longer was given up by its sender.
_RECEIVED_WITHIN = timedelta(hours=1)
_CONFIRMED_WITHIN = timedelta(hours=2)
_NO_RESULTS = {"stored": 0, "changed": 0, "repeated": 0, "refused": 0, "rows_read": 0}
_LATEST_FIRST = Keyset("imports", (ImportJob.id,), is_descending=True)


@dataclass(frozen=True)
class NewImport:
    """Import to receive; requested_by: the name of the caller."""

    kind: TableKind
    requested_by: str
    column_map: str | None = None
    on_conflict: OnConflict = OnConflict.REFUSE
    dry_run: bool = False
    needs_confirmation: bool = False


@dataclass(frozen=True)
class ImportStep:
    """Next step of a checked import; requested_by: the name of the caller."""

    requested_by: str
    column_map: str | None
    on_conflict: OnConflict
    dry_run: bool


class ImportJobRepository(Repository):
    """Import jobs."""

    def begin(self, new: NewImport) -> str:
        """Insert a job whose file is being received; return its id."""
        job = ImportJob(
            **vars(new),
            id=new_id(),
            state=ImportState.RECEIVING,
            rows_read=0,
            stored=0,
            changed=0,
            repeated=0,
            refused=0,
            problems=[],
            attempts=0,
            is_cancelled=False,
            created_at=utc_now(),
        )
        self.write(lambda session: session.add(job))
        return job.id

    def add_piece(self, job_id: str, number: int, content: bytes) -> None:
        """Insert the next part of the file."""
        piece = ImportPiece(job_id=job_id, number=number, content=content)
        self.write(lambda session: session.add(piece))

    def received(self, job_id: str) -> ImportJob:
        """Let the job wait for its turn, now that its file is complete."""
        return self.write(lambda session: _set(session, job_id, {"state": ImportState.WAITING}))

    def get(self, job_id: str) -> ImportJob:
        """Return the job.

        Raises:
            ImportNotFound: no import has that id.

        """
        return self.read(lambda session: _found(session, job_id))

    def search(self, **options: Unpack[PageOptions]) -> Page[ImportJob]:
        """Return a page of the jobs, the latest first."""
        return self.page(_LATEST_FIRST, select(ImportJob), **options)

    def continue_checked(self, job_id: str, step: ImportStep) -> tuple[ImportJob, bool]:
        """Let a checked job wait for its next run. Return True for a replay.

        Raises:
            ImportNotFound: no import has that id.
            ImportNotChecked: it is not checked, and this step is not the one that it takes.

        """
        return self.write(lambda session: _continue(session, job_id, step))

    def cancel(self, job_id: str) -> tuple[ImportJob, bool]:
        """Cancel a job; a running one ends with its next batch. Return True for a replay.

        Raises:
            ImportNotFound: no import has that id.

        """
        return self.write(lambda session: _cancel(session, job_id))

    def turn(self) -> AbstractContextManager[bool]:
        """Return the context in which this process alone runs jobs, if it yields True."""
        return turn(self.database, "imports of staffstuddash")

    def is_due(self) -> bool:
        """Return True if there is a job to begin, or to delete; nothing is written."""
        return bool(self.read(lambda session: session.scalar(select(_due(utc_now())))))

    def take(self) -> ImportJob | None:
        """Begin the job that has waited longest, or one that was interrupted; None: no job waits.

        The caller has the turn. A job that was interrupted three times has failed.
        """
        return self.write(_take)

    def delete_old(self) -> int:
        """Delete jobs that ended 30 days ago; jobs without a whole file have failed."""
        return self.write(_delete_old)

    def pieces(self, job_id: str) -> Iterator[bytes]:
        """Yield the parts of the file, each read for itself."""
        number = 0
        while (content := self._piece(job_id, number)) is not None:
            yield content
            number += 1

    def _piece(self, job_id: str, number: int) -> bytes | None:
        piece = ImportPiece
        query = select(piece.content).where(piece.job_id == job_id, piece.number == number)
        return self.read(lambda session: session.scalar(query))

    def report(self, job_id: str, figures: Row) -> bool:
        """Store the progress of a running job; return False if it was cancelled."""
        return self.write(lambda session: not _set(session, job_id, figures).is_cancelled)

    def keep_checked(self, job_id: str, figures: Row) -> None:
        """Store the account of a dry run, and keep the file for the next step."""
        self.write(lambda session: _keep(session, job_id, figures))

    def end(self, job_id: str, state: ImportState, figures: Row) -> None:
        """Store the account of a job, and delete its file."""
        self.write(lambda session: _end(session, job_id, state, figures))


def _found(session: Session, job_id: str, *, lock: bool = False) -> ImportJob:
    job = session.get(ImportJob, job_id, with_for_update=lock)
    if job is None:
        raise ImportNotFound(job_id)
    return job


def _set(session: Session, job_id: str, figures: Row) -> ImportJob:
    job = _found(session, job_id, lock=True)
    for name, value in figures.items():
        setattr(job, name, value)
    session.flush()
    return job


def _keep(session: Session, job_id: str, figures: Row) -> None:
    if _set(session, job_id, {**figures, "state": ImportState.CHECKED}).is_cancelled:
        _end(session, job_id, ImportState.FAILED, {"reason": CANCELLED})


def _continue(session: Session, job_id: str, step: ImportStep) -> tuple[ImportJob, bool]:
    job, figures = _found(session, job_id, lock=True), vars(step)
    if job.state is ImportState.CHECKED:
        begun = {**_NO_RESULTS, "state": ImportState.WAITING, "problems": [], "attempts": 0}
        return _set(session, job_id, {**figures, **begun, "reason": None}), False
    is_same = all(getattr(job, name) == value for name, value in figures.items())
    is_begun = job.needs_confirmation and job.state is not ImportState.RECEIVING
    if is_begun and is_same and not job.is_cancelled:
        return job, True
    raise ImportNotChecked(job_id, job.state)


def _end(session: Session, job_id: str, state: ImportState, figures: Row) -> ImportJob:
    session.execute(delete(ImportPiece).where(ImportPiece.job_id == job_id))
    return _set(
        session, job_id, {**figures, "state": state, "ended_at": utc_now(), "columns": None}
    )


def _cancel(session: Session, job_id: str) -> tuple[ImportJob, bool]:
    job = _found(session, job_id, lock=True)
    if job.state.is_final or job.is_cancelled:
        return job, True
    if job.state is ImportState.RUNNING:
        return _set(session, job_id, {"is_cancelled": True}), False
    figures = {"is_cancelled": True, "reason": CANCELLED}
    return _end(session, job_id, ImportState.FAILED, figures), False


def _take(session: Session) -> ImportJob | None:
    begun = (ImportState.RUNNING, ImportState.WAITING)
    query = select(ImportJob).where(ImportJob.state.in_(begun)).order_by(ImportJob.id).limit(1)
    while (job := session.scalar(query.with_for_update())) is not None:
        if job.is_cancelled:
            _end(session, job.id, ImportState.FAILED, {"reason": CANCELLED})
        elif job.attempts >= MOST_ATTEMPTS:
            _end(session, job.id, ImportState.FAILED, {"reason": INTERRUPTED})
        else:
            figures = {"attempts": job.attempts + 1, "started_at": utc_now(), "rows_read": 0}
            return _set(session, job.id, {**figures, "state": ImportState.RUNNING})
    return None


def _due(now: datetime) -> Exists:
    begun = ImportJob.state.in_((ImportState.RUNNING, ImportState.WAITING))
    return exists().where(
        or_(begun, _is_lost(now), _is_left(now), ImportJob.ended_at < now - KEPT_FOR)
    )


def _is_lost(now: datetime) -> ColumnElement[bool]:
    is_late = ImportJob.created_at < now - _RECEIVED_WITHIN
    return and_(ImportJob.state == ImportState.RECEIVING, is_late)


def _is_left(now: datetime) -> ColumnElement[bool]:
    is_late = ImportJob.started_at < now - _CONFIRMED_WITHIN
    return and_(ImportJob.state == ImportState.CHECKED, is_late)


def _delete_old(session: Session) -> int:
    now, job = utc_now(), ImportJob
    for condition, reason in ((_is_lost(now), LOST), (_is_left(now), UNCONFIRMED)):
        for id_ in session.scalars(select(job.id).where(condition)).all():
            _end(session, id_, ImportState.FAILED, {"reason": reason})
    old = delete(job).where(job.ended_at < now - KEPT_FOR)
    return len(session.scalars(old.returning(job.id)).all())
