"""Access of members of staff: a role beyond that of the roster, or none at all."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ScalarSelect, Select, func, select
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.queries.pagination import Keyset, Page
from shared_db.repository import Repository
from staffstuddash_service.datastore.memberships import holds_on
from staffstuddash_service.datastore.rights.sign_ins import delete_invitation, end_sessions
from staffstuddash_service.datastore.roster.tables import has_text
from staffstuddash_service.domain.roster import StaffRole
from staffstuddash_service.errors import PersonNotFound
from staffstuddash_service.models import AdvisingRow, PersonAccess, PersonRow, TeachingRow

_BY_ID = Keyset("access of people", (PersonRow.id,))


@dataclass(frozen=True)
class Access:
    """Access of one member of staff.

    role: None if it follows from `staff_role`, the role in the roster. updated_at, updated_by: None
    if it was never changed.
    """

    person_id: str
    name: str
    staff_role: StaffRole
    role: str | None
    is_revoked: bool
    updated_at: datetime | None
    updated_by: str | None


@dataclass(frozen=True)
class StaffAccess:
    """Access of one member of staff, with the numbers of their classes and students today."""

    access: Access
    class_count: int
    student_count: int


class PersonAccessRepository(Repository):
    """Roles that persons were given, and revocations."""

    def get(self, person_id: str) -> Access:
        """Return the access of a member of staff, ended or not.

        Raises:
            PersonNotFound: nobody has the id.

        """
        return self.read(lambda session: _get(session, person_id))

    def list_staff(self) -> Sequence[Access]:
        """Return the access of all members of staff who have not ended, by id."""
        query = _access().where(PersonRow.ended_at.is_(None)).order_by(PersonRow.id)
        return self.read(lambda session: [Access(*row) for row in session.execute(query)])

    def search(
        self, *, search: str | None = None, after: str | None = None, limit: int = 100
    ) -> Page[StaffAccess]:
        """Return a page of the access of members of staff who have not ended, by id.

        search: a part of the name or e-mail; case is ignored.

        Raises:
            MalformedCursor: the cursor is not one of this list.
            NotForPersons: the request is that of a person with limited sight.

        """
        today = utc_now().date()
        query = _access().where(PersonRow.ended_at.is_(None))
        if search is not None:
            query = query.where(has_text((PersonRow.name, PersonRow.email), search))
        query = query.add_columns(_count_of(TeachingRow, today), _count_of(AdvisingRow, today))

        def find(session: Session) -> Page[StaffAccess]:
            rows, following = _BY_ID.rows(session, query, after=after, limit=limit)
            found = [StaffAccess(Access(*row[:7]), row[7], row[8]) for row in rows]
            return Page(found, following)

        return self.read(find)

    def give(self, person_id: str, role: str, *, actor: str) -> Access:
        """Give a role, also after a revocation; services follow within KEY_CACHE_SECONDS.

        Raises:
            PersonNotFound: nobody has the id.

        """
        return self.write(lambda session: _change(session, person_id, actor, role))

    def revoke(self, person_id: str, *, actor: str) -> Access:
        """Revoke the access: the person's tokens are refused within KEY_CACHE_SECONDS.

        Sessions end, and an invitation is deleted.

        Raises:
            PersonNotFound: nobody has the id.

        """
        return self.write(lambda session: _revoke(session, person_id, actor))


def _access() -> Select[*tuple[Any, ...]]:
    return select(
        PersonRow.id,
        PersonRow.name,
        PersonRow.role,
        PersonAccess.role,
        PersonAccess.is_revoked.is_(True),
        PersonAccess.updated_at,
        PersonAccess.updated_by,
    ).outerjoin(PersonAccess, PersonAccess.person_id == PersonRow.id)


def _count_of(model: type[TeachingRow | AdvisingRow], day: date) -> ScalarSelect[int]:
    """Return the number of relations of a person that hold on the day."""
    return (
        select(func.count())
        .where(model.person_id == PersonRow.id, holds_on(model, day))
        .correlate(PersonRow)
        .scalar_subquery()
    )


def _get(session: Session, person_id: str) -> Access:
    row = session.execute(_access().where(PersonRow.id == person_id)).first()
    if row is None:
        raise PersonNotFound(person_id)
    return Access(*row)


def _revoke(session: Session, person_id: str, actor: str) -> Access:
    before = _get(session, person_id)
    revoked = _change(session, person_id, actor, None)
    if not before.is_revoked:
        end_sessions(session, person_id, actor)
    delete_invitation(session, person_id)
    return revoked


def _change(session: Session, person_id: str, actor: str, role: str | None) -> Access:
    """Set the role; None revokes the access."""
    # The lock orders two changes of one person, of whom there may be no row yet.
    if session.get(PersonRow, person_id, with_for_update=True) is None:
        raise PersonNotFound(person_id)
    stored = session.get(PersonAccess, person_id)
    wanted = (role, role is None)
    if stored is None or (stored.role, stored.is_revoked) != wanted:
        row = stored or PersonAccess(person_id=person_id)
        row.role, row.is_revoked = wanted
        row.updated_at, row.updated_by = utc_now(), actor
        session.add(row)
        session.flush()
    return _get(session, person_id)
