"""Repository of rows that only describe a student: guardians, identifiers, demographics."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.repository import Repository
from staffstuddash_service.datastore.roster.changes import apply_records
from staffstuddash_service.datastore.roster.ending import end_rows
from staffstuddash_service.datastore.roster.tables import TABLES, RosterTable
from staffstuddash_service.datastore.student_locks import find_student
from staffstuddash_service.domain.roster import MANUAL, Record, RosterKind
from staffstuddash_service.errors import DemographicsNotFound
from staffstuddash_service.models import DemographicsRow


class StudentDescriptionRepository(Repository):
    """Guardians, identifiers and demographics of students; they are deleted when they end."""

    def list_of_student(self, kind: RosterKind, student_id: str) -> Sequence[Any]:
        """Return the guardians or identifiers of a student.

        Raises:
            StudentNotFound: no student has that id.
            StudentErased: the student was erased.

        """
        return self.read(lambda session: _of_student(session, TABLES[kind], student_id))

    def replace_of_student(
        self, kind: RosterKind, student_id: str, records: Sequence[Record]
    ) -> Sequence[Any]:
        """Replace all guardians or identifiers of a student; return them.

        Raises:
            StudentNotFound: no student has that id.
            StudentErased: the student was erased.
            ServiceError: one of the records is refused; nothing is changed.

        """
        table, now = TABLES[kind], utc_now()

        def replaced(session: Session) -> Sequence[Any]:
            _replace(session, table, student_id, records, now)
            return _of_student(session, table, student_id)

        return self.write(replaced)

    def get_demographics(self, student_id: str) -> DemographicsRow:
        """Return the demographics of a student.

        Raises:
            StudentNotFound: no student has that id.
            StudentErased: the student was erased.
            DemographicsNotFound: none are stored.

        """
        return self.read(lambda session: _demographics(session, student_id))

    def delete_demographics(self, student_id: str) -> bool:
        """Delete the demographics of a student; return False if there were none.

        Raises:
            StudentNotFound: no student has that id.
            StudentErased: the student was erased.

        """
        table, now = TABLES[RosterKind.DEMOGRAPHICS], utc_now()

        def deleted(session: Session) -> bool:
            find_student(session, student_id, lock=True)
            return bool(end_rows(session, table, [student_id], now))

        return self.write(deleted)


def _replace(
    session: Session,
    table: RosterTable,
    student_id: str,
    records: Sequence[Record],
    now: datetime,
) -> None:
    """Replace all rows of the student in a table; a refusal of one record refuses all.

    Raises:
        ServiceError: the refusal of a record, or of the student.

    """
    find_student(session, student_id, lock=True)
    results = apply_records(session, table, records, MANUAL, now)
    for result in results:
        if result.refusal is not None:
            raise result.refusal
    kept = {result.id for result in results}
    stored = session.scalars(select(table.key).where(table.model.student_id == student_id)).all()
    end_rows(session, table, [key for key in stored if key not in kept], now)


def _of_student(session: Session, table: RosterTable, student_id: str) -> Sequence[Any]:
    find_student(session, student_id)
    theirs = select(table.model).where(table.model.student_id == student_id)
    return session.scalars(
        theirs.order_by(table.key), execution_options={"populate_existing": True}
    ).all()


def _demographics(session: Session, student_id: str) -> DemographicsRow:
    find_student(session, student_id)
    row = session.get(DemographicsRow, student_id)
    if row is None:
        raise DemographicsNotFound(student_id)
    return row
