"""Sign-ins to the pages: invitations of members of staff, and the end of sessions.

No row here is of a student. Persons end their own sessions, so that works as the service.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.repository import Repository
from shared_db.row_limits import rows_limited_to
from staffstuddash_service.errors import InvitationNotFound, InvitationOver, PersonNotFound
from staffstuddash_service.models import Invitation, PersonAccess, PersonRow, Student

_TOKEN_BYTES = 32


@dataclass(frozen=True)
class Invited:
    """New invitation; token: in plain, for its link alone."""

    token: str
    expires_at: datetime


@dataclass(frozen=True)
class Identity:
    """Person who signs in. session_revision: sessions of an earlier one are over."""

    person_id: str
    name: str
    session_revision: int


class SignInRepository(Repository):
    """Invitations, and the revisions of sessions."""

    def invite(self, person_id: str, *, days: int, actor: str) -> Invited:
        """Make an invitation of a member of staff; it replaces an earlier one.

        Raises:
            PersonNotFound: nobody has the id, or the person has ended.
            NotForPersons: the caller sees some students only.

        """
        token, now = secrets.token_urlsafe(_TOKEN_BYTES), utc_now()
        expires_at = now + timedelta(days=days)

        def store(session: Session) -> None:
            _lock_person(session, person_id)
            row = session.get(Invitation, person_id) or Invitation(person_id=person_id)
            row.digest, row.used_at = _digest(token), None
            row.created_at, row.created_by, row.expires_at = now, actor, expires_at
            session.add(row)

        self.write(store)
        return Invited(token, expires_at)

    def revoke_invitation(self, person_id: str) -> None:
        """Delete the invitation of a person, if there is one.

        Raises:
            PersonNotFound: nobody has the id.

        """

        def remove(session: Session) -> None:
            if session.get(PersonRow, person_id) is None:
                raise PersonNotFound(person_id)
            delete_invitation(session, person_id)

        self.write(remove)

    def redeem(self, token: str) -> Identity:
        """Use up an invitation, and return the invited person.

        Raises:
            InvitationNotFound: no invitation has the token, or the person has ended.
            InvitationOver: it was used, or has expired.

        """

        def use(session: Session) -> Identity:
            query = select(Invitation).where(Invitation.digest == _digest(token))
            row = session.scalar(query.with_for_update())
            if row is None:
                raise InvitationNotFound
            if row.used_at is not None:
                raise InvitationOver("was used")
            now = utc_now()
            if row.expires_at <= now:
                raise InvitationOver("has expired")
            person = session.get(PersonRow, row.person_id)
            if person is None or person.ended_at is not None:
                raise InvitationNotFound
            row.used_at = now
            return Identity(person.id, person.name, _revision(session, person.id))

        with rows_limited_to(None):
            return self.write(use)

    def identify(self, person_id: str) -> Identity | None:
        """Return the member of staff or the student of an id; None: there is neither."""

        def find(session: Session) -> Identity | None:
            person = session.get(PersonRow, person_id) or session.get(Student, person_id)
            if person is None:
                return None
            return Identity(person_id, person.name, _revision(session, person_id))

        with rows_limited_to(None):
            return self.read(find)

    def sign_out(self, person_id: str, *, actor: str) -> int:
        """End all sessions of a member of staff; return the revision of new ones.

        Raises:
            PersonNotFound: nobody has the id.

        """

        def end(session: Session) -> int:
            return end_sessions(session, person_id, actor)

        with rows_limited_to(None):
            return self.write(end)


def end_sessions(session: Session, person_id: str, actor: str) -> int:
    """Raise the revision of the person's sessions, and return it.

    Raises:
        PersonNotFound: nobody has the id.

    """
    # The lock orders two changes of one person, of whom there may be no row yet.
    if session.get(PersonRow, person_id, with_for_update=True) is None:
        raise PersonNotFound(person_id)
    row = session.get(PersonAccess, person_id)
    if row is None:
        row = PersonAccess(person_id=person_id, role=None, is_revoked=False, session_revision=0)
        row.updated_at, row.updated_by = utc_now(), actor
        session.add(row)
    row.session_revision += 1
    session.flush()
    return row.session_revision


def delete_invitation(session: Session, person_id: str) -> None:
    """Delete the invitation of a person, if there is one."""
    session.execute(delete(Invitation).where(Invitation.person_id == person_id))


def _lock_person(session: Session, person_id: str) -> None:
    person = session.get(PersonRow, person_id, with_for_update=True)
    if person is None or person.ended_at is not None:
        raise PersonNotFound(person_id)


def _revision(session: Session, person_id: str) -> int:
    row = session.get(PersonAccess, person_id)
    return 0 if row is None else row.session_revision


def _digest(token: str) -> bytes:
    return sha256(token.encode()).digest()
