"""Import jobs run one at a time in the background, each in one transaction."""

import logging
from tempfile import TemporaryFile
from typing import IO, Any

from shared_db.errors import DatabaseBusy, DatabaseUnavailable, Overloaded, ServiceError
from shared_db.resilience.deadlines import time_limit
from shared_db.results import Outcome
from shared_web.requests.json_bodies import MAX_NAMES
from staffstuddash_service.datastore import DatastoreManager, TableKind
from staffstuddash_service.datastore.import_jobs.store import CANCELLED
from staffstuddash_service.domain.follow_ups.jobs import ImportState
from staffstuddash_service.importing.source import TableSource
from staffstuddash_service.importing.table_run import RefusedRow, TableRun
from staffstuddash_service.models import ImportJob

logger = logging.getLogger(__name__)

MOST_PROBLEMS = 100
_MOST_SECONDS = 3600
_NAME_LENGTH = 200
_OUTAGES = (DatabaseBusy, DatabaseUnavailable, Overloaded)
_FAULT = "The import failed by a fault of the service, which its log has. Nothing was stored."
_REFUSED = "Rows were refused, so nothing was stored. Correct them, and send the file again."


class _Cancelled(Exception):
    """The job was cancelled while it ran."""


def run_imports(datastore: DatastoreManager) -> int:
    """Run all waiting jobs, one after the other; return their number.

    Another process that runs jobs is left alone. Jobs of a process that ended begin again.

    Raises:
        ServiceError: the database is away; the job begins again with the next call.

    """
    jobs, count = datastore.import_jobs, 0
    if not jobs.is_due():
        return 0
    with jobs.turn() as is_ours:
        if not is_ours:
            return 0
        jobs.delete_old()
        while (job := jobs.take()) is not None:
            _JobRun(datastore, job).run()
            count += 1
    return count


class _JobRun:
    """Run of one job."""

    def __init__(self, datastore: DatastoreManager, job: ImportJob) -> None:
        self._datastore = datastore
        self._job = job
        self._problems: list[dict[str, Any]] = []
        self._table: TableRun | None = None

    def run(self) -> None:
        """Store the table, and the account of it.

        Raises:
            ServiceError: the database is away.

        """
        state, reason = ImportState.DONE, None
        try:
            with TemporaryFile() as file:
                self._store(file)
            if self._counts["refused"]:
                state, reason = ImportState.REFUSED, _REFUSED
        except _OUTAGES:
            raise
        except _Cancelled:
            state, reason = ImportState.FAILED, CANCELLED
        except ServiceError as refusal:
            state, reason = ImportState.REFUSED, refusal.detail
        except Exception as failure:  # noqa: BLE001 - it is logged, and the next job runs
            # The text of the failure may have data of the file.
            logger.error("an import failed: %s", type(failure).__name__)  # noqa: TRY400 - likewise
            state, reason = ImportState.FAILED, _FAULT
        figures = {**self._counts, "problems": self._problems, "reason": reason}
        if self._waits_after(state):
            figures["reason"] = None if reason == _REFUSED else reason
            self._datastore.import_jobs.keep_checked(self._job.id, figures)
        else:
            self._datastore.import_jobs.end(self._job.id, state, figures)

    def _waits_after(self, state: ImportState) -> bool:
        is_check = self._job.needs_confirmation and self._job.dry_run
        return is_check and state is not ImportState.FAILED

    def _store(self, file: IO[bytes]) -> None:
        job = self._job
        for piece in self._datastore.import_jobs.pieces(job.id):
            file.write(piece)
        source = TableSource(file, "The file")
        self._table = TableRun(
            source,
            TableKind(job.kind),
            job.requested_by,
            job.column_map,
            job.on_conflict,
            job.dry_run,
            on_batch=self._report,
            on_refusal=self._refuse,
        )
        rows = source.rows()
        header = next(rows, None)
        known: dict[str, Any] = {"encoding": source.encoding}
        if job.needs_confirmation and header is not None:
            known["columns"] = [cell[:_NAME_LENGTH] for cell in header.cells[:MAX_NAMES]]
        self._report_figures(known)
        self._report_figures({"rows_total": sum(1 for _ in rows)})
        with time_limit(_MOST_SECONDS):
            self._table.store(self._datastore)

    def _report_figures(self, figures: dict[str, Any]) -> None:
        if not self._datastore.import_jobs.report(self._job.id, figures):
            raise _Cancelled

    def _report(self) -> None:
        # The in-memory store has one writer, and this is within its transaction.
        if self._datastore.use_fallback:
            return
        with time_limit(_MOST_SECONDS):
            self._report_figures(self._counts)

    def _refuse(self, row: RefusedRow) -> None:
        if len(self._problems) < MOST_PROBLEMS:
            place = {"line": row.line, "column": row.column}
            self._problems.append({**place, "field": row.field, "message": row.title})

    @property
    def _counts(self) -> dict[str, Any]:
        if self._table is None:
            return {"rows_read": 0, "stored": 0, "changed": 0, "repeated": 0, "refused": 0}
        found = self._table.outcomes
        return {
            "rows_read": self._table.read,
            "stored": found[Outcome.STORED],
            "changed": found[Outcome.CHANGED],
            "repeated": found[Outcome.REPEATED],
            "refused": found[Outcome.REFUSED],
        }
