"""Outbox of mails: stored with their cause, leased for each attempt, deleted after delivery."""

import logging
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.ids import new_id
from shared_db.repository import Repository
from staffstuddash_service.models import Mail

logger = logging.getLogger(__name__)

# Longer than a delivery may last (`shared_web.mail`), so that nobody repeats it meanwhile.
_FIRST_PAUSE = timedelta(minutes=2)
_LONGEST_PAUSE = timedelta(hours=1)
_KEPT_FOR = timedelta(days=3)


@dataclass(frozen=True)
class NewMail:
    """Text to one recipient; subject: one line; student_ids: of the students named in it."""

    recipient: str
    subject: str
    body: str
    student_ids: Sequence[str] | None = None


def store_mails(session: Session, mails: Iterable[NewMail]) -> None:
    """Add mails to the outbox in the transaction of their cause."""
    now = utc_now()
    for mail in mails:
        session.add(Mail(id=new_id(), created_at=now, next_at=now, attempts=0, **vars(mail)))


def delete_mails_naming(session: Session, student_ids: Collection[str]) -> int:
    """Delete the waiting mails that name one of the students; return their number."""
    wanted = set(student_ids)
    named = select(Mail.id, Mail.student_ids).where(Mail.student_ids.is_not(None))
    found = [id_ for id_, ids in session.execute(named) if wanted.intersection(ids or ())]
    session.execute(delete(Mail).where(Mail.id.in_(found)))
    return len(found)


class MailRepository(Repository):
    """Mails that wait for their delivery, each delivered at least once."""

    def take(self) -> Mail | None:
        """Lease the mail that has waited longest for its next attempt; None if none is due.

        Without `delete` it is due again after a pause that doubles from 2 minutes to an hour.
        """
        return self.write(_take)

    def delete(self, mail_id: str) -> None:
        """Delete a delivered mail."""
        self.write(lambda session: session.execute(delete(Mail).where(Mail.id == mail_id)))

    def delete_old(self) -> int:
        """Delete mails that could not be delivered for three days; return their number."""
        old = delete(Mail).where(Mail.created_at < utc_now() - _KEPT_FOR, Mail.attempts > 0)
        count = self.write(lambda session: len(session.scalars(old.returning(Mail.id)).all()))
        if count:
            logger.error("%d mails could not be delivered for three days and were deleted", count)
        return count


def _take(session: Session) -> Mail | None:
    now = utc_now()
    due = select(Mail).where(Mail.next_at <= now).order_by(Mail.next_at, Mail.id).limit(1)
    mail = session.scalar(due.with_for_update(skip_locked=True))
    if mail is not None:
        pause = min(_FIRST_PAUSE * 2 ** min(mail.attempts, 10), _LONGEST_PAUSE)
        mail.attempts, mail.next_at = mail.attempts + 1, now + pause
        session.flush()
    return mail
