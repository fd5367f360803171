"""Export of a student: all rows of this service, and the drafts as text files."""

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import IO
from zipfile import ZipFile

from sqlalchemy import ColumnElement, Table, select
from sqlalchemy.orm import Session

from shared_db.audit.listing import reads_of_students
from shared_db.repository import Repository
from shared_db.row_export.archive import Part, new_zip, write_rows
from shared_db.row_export.ownership import owned_rows
from staffstuddash_service.datastore.actions import log_action
from staffstuddash_service.datastore.erasure import ids_of_student
from staffstuddash_service.datastore.student_locks import find_student
from staffstuddash_service.models import Base, Draft, ReadRow, ReadSubject

_UNSAFE = re.compile(r"[^A-Za-z0-9]+")
_NAME_LETTERS = 40
_DRAFTS_AT_ONCE = 20


def _owned(ids: Collection[str]) -> Mapping[Table, ColumnElement[bool]]:
    owned = owned_rows(Base.metadata.tables["staffstuddash.students"], "student_id", ids)
    return {
        **owned,
        Base.metadata.tables["staffstuddash.reads"]: reads_of_students(ReadRow, ReadSubject, ids),
    }


def _drafts(session: Session, ids: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield each draft's file name and content; a name has no letters that a path could need."""
    query = (
        select(Draft.assignment_id, Draft.version, Draft.content)
        .where(Draft.student_id.in_(ids))
        .order_by(Draft.assignment_id, Draft.student_id, Draft.version)
    )
    rows = session.execute(query, execution_options={"yield_per": _DRAFTS_AT_ONCE})
    for number, (assignment, version, content) in enumerate(rows, 1):
        title = _UNSAFE.sub("-", assignment)[:_NAME_LETTERS].strip("-")
        yield f"drafts/{number:04}-{title}-version-{version}.txt", content


PART = Part("staffstuddash", "Data of a student in staffstuddash", Base, _owned, _drafts)


class ExportRepository(Repository):
    """Exports of students."""

    def write_zip(self, student_id: str, file: IO[bytes], *, actor: str) -> None:
        """Log the export and write the ZIP of everything stored of the student into the file.

        Raises:
            StudentNotFound: no student has that id.
            StudentMerged: the student was merged into another id.
            StudentErased: the student was erased.

        """
        # To a person with limited sight, a student out of it is absent; the entry would be refused.
        self.read(lambda session: find_student(session, student_id))
        self.log(student_id, actor=actor)
        with new_zip(file) as archive:
            self.read_snapshot(lambda session: write_student(session, student_id, archive))

    def log(self, student_id: str, *, actor: str) -> None:
        """Add the export to the action log, before any row is read.

        Raises:
            StudentNotFound, StudentMerged, StudentErased: as `write_zip`.

        """
        self.write(lambda session: _log(session, student_id, actor))


def write_student(
    session: Session, student_id: str, archive: ZipFile, folder: str = ""
) -> dict[str, int]:
    """Add all rows of the student to the archive; return their number by table.

    Raises:
        StudentNotFound, StudentMerged, StudentErased: no student has that id.

    """
    find_student(session, student_id)
    ids = ids_of_student(session, student_id)
    return write_rows(archive, folder, PART, session, ids)


def _log(session: Session, student_id: str, actor: str) -> None:
    # The lock makes a concurrent erasure wait, which would miss the new row.
    find_student(session, student_id, lock=True)
    log_action(session, student_id, actor, "student.exported", data=None)
