"""Weekly digests: one row for each person and week, stored together with the mail."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import NamedTuple

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.connection.database import Database
from shared_db.errors import NeedsPostgresql
from shared_db.queries.dialects import in_list
from shared_db.repository import Repository
from staffstuddash_service.datastore.mail.outbox import NewMail, store_mails
from staffstuddash_service.domain.mail.digests import DigestText, is_monday, is_plain_address
from staffstuddash_service.domain.roster import StaffRole
from staffstuddash_service.errors import DigestWeekOutside, MailsOff, PersonNotFound
from staffstuddash_service.models import (
    PersonAccess,
    PersonRow,
    Student,
    StudentRestriction,
    WeeklyDigest,
)

_KEPT = timedelta(weeks=8)
_WEEK = timedelta(weeks=1)


class Candidate(NamedTuple):
    """Member of staff with an address; role: None if it follows from `staff_role`."""

    person_id: str
    staff_role: StaffRole
    role: str | None


@dataclass(frozen=True)
class StoredDigest:
    """Digest of a person and week. was_sent: False if there was nothing to say, or it was before.

    text: of a dry run; None if there is nothing to send.
    """

    person_id: str
    week: date
    was_sent: bool
    text: str | None = None


class DigestRepository(Repository):
    """Digests of members of staff; they need PostgreSQL, on which alone rows have limits.

    is_on: True if mails are sent. left_out: casefolded addresses and ids without digests.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.is_on = False
        self.left_out: Collection[str] = ()

    def candidates(self, week: date) -> list[Candidate]:
        """Return the members of staff without a digest of the week, by id.

        They have not ended, have an address and an access, and are not left out.

        Raises:
            NeedsPostgresql: the in-memory store answers.
            DigestWeekOutside: the week is neither the present nor the last one.

        """
        self._require(week)
        person, access = PersonRow, PersonAccess
        had_it = select(WeeklyDigest.person_id).where(WeeklyDigest.week == week)
        query = (
            select(person.id, person.role, access.role.label("given"), person.email)
            .outerjoin(access, access.person_id == person.id)
            .where(
                person.ended_at.is_(None),
                person.email.is_not(None),
                access.is_revoked.is_not(True),
                person.id.not_in(had_it),
            )
            .order_by(person.id)
        )
        rows = self.read(lambda session: session.execute(query).all())
        return [Candidate(*row[:3]) for row in rows if self._may_get(row.id, row.email)]

    def put(
        self, person_id: str, week: date, digest: DigestText, *, dry_run: bool = False
    ) -> tuple[StoredDigest, bool]:
        """Store a digest and its mail; return it, and True if the person had one of the week.

        Students that are restricted, or were erased meanwhile, are left out; without a line no mail
        is stored. dry_run: return the text, store nothing.

        Raises:
            NeedsPostgresql: the in-memory store answers.
            MailsOff: no mails are sent.
            DigestWeekOutside: the week is neither the present nor the last one.
            PersonNotFound: no member of staff has the id.

        """
        self._require(week)
        if not self.is_on and not dry_run:
            raise MailsOff

        def store(session: Session) -> tuple[StoredDigest, bool]:
            person = session.get(PersonRow, person_id)
            if person is None or person.ended_at is not None:
                raise PersonNotFound(person_id)
            known = digest.without(_unnamed(session, digest.student_ids))
            is_sent = bool(known.sections) and self._may_get(person_id, person.email)
            stored = StoredDigest(person_id, week, is_sent)
            if dry_run:
                return replace(stored, was_sent=False, text=known.body if is_sent else None), False
            if not _insert(session, stored):
                return replace(stored, was_sent=False), True
            if is_sent and person.email is not None:
                ids = sorted(known.student_ids)
                store_mails(session, [NewMail(person.email, known.subject, known.body, ids)])
            session.execute(delete(WeeklyDigest).where(WeeklyDigest.week < week - _KEPT))
            return stored, False

        return self.write(store)

    def _require(self, week: date) -> None:
        if self.use_fallback:
            raise NeedsPostgresql("Rows in memory cannot be limited to the students of a person.")
        # A day later begins elsewhere before it does in UTC.
        today = utc_now().date() + timedelta(days=1)
        if not is_monday(week) or not today - 2 * _WEEK <= week <= today:
            raise DigestWeekOutside(week)

    def _may_get(self, person_id: str, email: str | None) -> bool:
        if email is None or not is_plain_address(email):
            return False
        return {email.casefold(), person_id.casefold()}.isdisjoint(self.left_out)


def _insert(session: Session, stored: StoredDigest) -> bool:
    """Insert the row of a digest; return False if there is one: another worker was first."""
    values = {
        "person_id": stored.person_id,
        "week": stored.week,
        "created_at": utc_now(),
        "was_sent": stored.was_sent,
    }
    query = insert(WeeklyDigest).values(**values).on_conflict_do_nothing()
    return session.scalar(query.returning(WeeklyDigest.person_id)) is not None


def _unnamed(session: Session, student_ids: Collection[str]) -> set[str]:
    """Return the students not to be named: unknown, erased or restricted ones.

    The others are locked, so that an erasure waits and then deletes the mail.
    """
    ids: Sequence[str] = sorted(student_ids)
    dialect = session.get_bind().dialect.name
    known = select(Student.id).where(in_list(Student.id, "ids", dialect)).order_by(Student.id)
    found = set(session.scalars(known.with_for_update(read=True), {"ids": ids}))
    restricted = select(StudentRestriction.student_id).where(
        in_list(StudentRestriction.student_id, "ids", dialect)
    )
    return set(ids) - found | set(session.scalars(restricted, {"ids": ids}))
