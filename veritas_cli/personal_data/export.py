"""Export of one student from both services and the spools of this machine, in one ZIP."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import IO
from zipfile import ZipFile

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from dropout_service.database import DropoutDatabaseManager
from dropout_service.database.export import PART as DROPOUT
from shared_db.connection.database import Database
from shared_db.row_export.archive import new_zip, write_rows, write_text
from shared_db.row_export.page import PAGE_END, link, page_begin
from shared_db.spool.export import lines_of_subjects
from shared_db.spool.queue import Spool
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.datastore.export import PART as STAFFSTUDDASH
from staffstuddash_service.errors import StudentErased, StudentMerged, StudentNotFound

ACTOR = "veritas export"
_PARTS = (STAFFSTUDDASH, DROPOUT)
_FIGURES = (
    "Everything that Veritas stores of one student. Risks and other figures are computed from the "
    "rows beside them, as docs/scores.md of Veritas describes; a person decides, no figure."
)
_SPOOLS = "Spools hold rows that came while the database was unavailable and are not stored yet."


@dataclass(frozen=True)
class StudentExport:
    """Export of a student, known under all of these ids."""

    student_id: str
    ids: Sequence[str]

    @classmethod
    def of(
        cls, database: Database, student_id: str, spools: Mapping[str, Spool]
    ) -> "StudentExport":
        """Return the export of a student who is known to a service, or waits in a spool.

        Raises:
            StudentErased: the student was erased.
            StudentNotFound: no service and no spool of this machine has a row of the student.

        """
        datastore, dropout = DatastoreManager(database), DropoutDatabaseManager(database)
        ids = {*datastore.students.ids_of(student_id), *dropout.students.ids_of(student_id)}
        if datastore.students.erased_among(ids) or dropout.students.erased_among(ids):
            raise StudentErased(student_id)
        export = cls(student_id, sorted(ids))
        if not export.is_stored(database) and not any(export.waiting(spools)):
            raise StudentNotFound(student_id)
        return export

    def is_stored(self, database: Database) -> bool:
        """Return True if a service has a row of the student."""
        conditions = [one for part in _PARTS for one in part.owned(self.ids).values()]
        query = select(or_(*(exists().where(one) for one in conditions)))
        return bool(DatastoreManager(database).exports.read(lambda session: session.scalar(query)))

    def waiting(self, spools: Mapping[str, Spool]) -> Iterator[str]:
        """Yield the student's rows in the spools, a line of JSON each."""
        for service, spool in spools.items():
            yield from lines_of_subjects(service, spool, self.ids)

    def log(self, database: Database) -> None:
        """Add the export to the action log, unless staffstuddash does not know the student."""
        datastore = DatastoreManager(database)
        for id_ in self.ids:
            with suppress(StudentNotFound, StudentMerged):
                datastore.exports.log(id_, actor=ACTOR)

    def write(
        self, database: Database, spools: Mapping[str, Spool], file: IO[bytes]
    ) -> dict[str, int]:
        """Write the ZIP; return the number of rows by table."""
        counts = dict[str, int]()
        with new_zip(file) as archive:
            # The spools come before the snapshot of both services: a row that is stored meanwhile
            # is then in both, never in neither.
            waiting = {
                service: _write_lines(archive, service, lines_of_subjects(service, spool, self.ids))
                for service, spool in spools.items()
            }
            exports = DatastoreManager(database).exports
            counts |= exports.read_snapshot(partial(self._write_rows, archive))
            counts |= {f"spool of {service}": count for service, count in waiting.items()}
            write_text(archive, "index.html", self._page(spools))
        return counts

    def _write_rows(self, archive: ZipFile, session: Session) -> dict[str, int]:
        return {
            f"{part.name}.{table}": count
            for part in _PARTS
            for table, count in write_rows(
                archive, f"{part.name}/", part, session, self.ids
            ).items()
        }

    def _page(self, spools: Mapping[str, Spool]) -> Iterator[str]:
        yield page_begin(f"Data of the student {self.student_id}", [_FIGURES, _SPOOLS])
        for part in _PARTS:
            yield link(f"{part.name}/index.html", part.title)
        for service in spools:
            yield link(f"spools/{service}.jsonl", f"Rows in the spool of {service}")
        yield PAGE_END


def _write_lines(archive: ZipFile, service: str, lines: Iterator[str]) -> int:
    """Add the rows of a spool to the archive; return their number."""
    count = 0

    def counted() -> Iterator[str]:
        nonlocal count
        for line in lines:
            count += 1
            yield f"{line}\n"

    write_text(archive, f"spools/{service}.jsonl", counted())
    return count
