"""Break-glass: members of staff open students outside their rights, for a day and on record.

Each method works as the service: the person in question does not see the student.
"""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.ids import new_id
from shared_db.queries.pagination import Keyset, Page
from shared_db.repository import Repository
from shared_db.row_limits import rows_limited_to
from staffstuddash_service.datastore.actions import log_action
from staffstuddash_service.datastore.memberships import students_of_person
from staffstuddash_service.datastore.student_locks import find_student
from staffstuddash_service.errors import BreakGlassForStaff, BreakGlassNotFound, StudentInSight
from staffstuddash_service.models import BreakGlass, PersonRow

OPEN_FOR = timedelta(hours=24)
_LATEST_FIRST = Keyset("break-glass", (BreakGlass.begins_at, BreakGlass.id), is_descending=True)


class BreakGlassRepository(Repository):
    """Openings of students by persons with limited sight."""

    def open(self, student_id: str, person_id: str, reason: str) -> tuple[BreakGlass, bool]:
        """Open the student to the person for 24 hours; return the row, and True for a replay.

        While an opening is in force, it is returned, and nothing is extended.

        Raises:
            BreakGlassForStaff: the person is no member of staff.
            StudentInSight: the person teaches or advises the student today.
            StudentNotFound, StudentMerged, StudentErased: no student has that id.

        """
        with rows_limited_to(None):
            return self.write(lambda session: _open(session, student_id, person_id, reason))

    def search(self, *, after: str | None = None, limit: int = 100) -> Page[BreakGlass]:
        """Return a page of all openings, the latest first.

        Raises:
            MalformedCursor: the cursor is not one of this list.
            NotForPersons: the request is that of a person with limited sight.

        """
        return self.page(_LATEST_FIRST, select(BreakGlass), after=after, limit=limit)

    def end(self, opening_id: str, *, actor: str, person_id: str | None) -> bool:
        """End an opening at once; return False if it was over.

        person_id: only an opening of this person; None: of anybody.

        Raises:
            BreakGlassNotFound: there is no such opening.

        """
        with rows_limited_to(None):
            return self.write(lambda session: _end(session, opening_id, actor, person_id))


def _open(
    session: Session, student_id: str, person_id: str, reason: str
) -> tuple[BreakGlass, bool]:
    person = session.get(PersonRow, person_id)
    if person is None or person.ended_at is not None:
        raise BreakGlassForStaff
    # The lock orders two requests of one person.
    find_student(session, student_id, lock=True)
    now, row = utc_now(), BreakGlass
    is_theirs = (row.person_id == person_id) & (row.student_id == student_id)
    found = session.scalar(select(row).where(is_theirs, row.ends_at > now))
    if found is not None:
        return found, True
    in_sight = students_of_person(person_id, now.date()).subquery().c.student_id
    if session.scalar(select(in_sight).where(in_sight == student_id).limit(1)) is not None:
        raise StudentInSight(student_id)
    opened = row(
        id=new_id(),
        person_id=person_id,
        student_id=student_id,
        reason=reason,
        begins_at=now,
        ends_at=now + OPEN_FOR,
    )
    session.add(opened)
    data = {"reason": reason, "ends_at": opened.ends_at.isoformat()}
    log_action(session, student_id, person_id, "break-glass.opened", data=data)
    session.flush()
    return opened, False


def _end(session: Session, opening_id: str, actor: str, person_id: str | None) -> bool:
    opened = session.get(BreakGlass, opening_id)
    if opened is None or person_id not in (None, opened.person_id):
        raise BreakGlassNotFound(opening_id)
    # The student first, as in all writers; a merge may have moved the row to another one.
    find_student(session, opened.student_id, lock=True)
    session.refresh(opened, with_for_update=True)
    now = utc_now()
    if opened.ends_at <= now:
        return False
    opened.ends_at, opened.ended_by = now, actor
    log_action(session, opened.student_id, actor, "break-glass.ended", data=None)
    session.flush()
    return True
