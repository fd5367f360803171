"""Export of a student: all rows of this service."""

from collections.abc import Collection, Mapping
from typing import IO
from zipfile import ZipFile

from sqlalchemy import ColumnElement, Table
from sqlalchemy.orm import Session

from dropout_service.database.students.erasure import ids_of_student
from dropout_service.database.students.locking import require_student
from dropout_service.models import Base, ReadRow, ReadSubject
from shared_db.audit.listing import reads_of_students
from shared_db.repository import Repository
from shared_db.row_export.archive import Part, new_zip, write_rows
from shared_db.row_export.ownership import owned_rows


def _owned(ids: Collection[str]) -> Mapping[Table, ColumnElement[bool]]:
    owned = owned_rows(Base.metadata.tables["dropout.students"], "student_id", ids)
    return {
        **owned,
        Base.metadata.tables["dropout.reads"]: reads_of_students(ReadRow, ReadSubject, ids),
    }


PART = Part("dropout", "Data of a student in dropout", Base, _owned)


class ExportRepository(Repository):
    """Exports of students."""

    def write_zip(self, student_id: str, file: IO[bytes]) -> None:
        """Write the ZIP of everything stored of the student into the file.

        Raises:
            StudentNotFound: no row of that student is stored.
            StudentMerged: the student was merged into another id.
            StudentErased: all data of the student were erased.

        """
        with new_zip(file) as archive:
            self.read_snapshot(lambda session: write_student(session, student_id, archive))


def write_student(
    session: Session, student_id: str, archive: ZipFile, folder: str = ""
) -> dict[str, int]:
    """Add all rows of the student to the archive; return their number by table.

    Raises:
        StudentNotFound, StudentMerged, StudentErased: no student has that id.

    """
    require_student(session, student_id)
    return write_rows(archive, folder, PART, session, ids_of_student(session, student_id))
