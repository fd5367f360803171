"""Periodic delivery of the mails that wait in the outbox of a service."""

import smtplib
from typing import Any, Protocol

from shared_web.mail import MailServer
from shared_web.operations.periodic import Periodic

_SECONDS = 15


class Outbox(Protocol):
    """Mails that wait: rows with `id`, `recipient`, `subject` and `body`."""

    def take(self) -> Any:
        """Lease the next mail that is due, for longer than its delivery lasts; None: none is."""

    def delete(self, mail_id: str) -> None:
        """Delete a delivered mail."""

    def delete_old(self) -> int:
        """Delete mails that could not be delivered for days; return their number."""


def mail_periodic(outbox: Outbox, server: MailServer | None) -> Periodic:
    """Return the work that delivers mails; without a server its period is 0."""
    if server is None:
        return Periodic("mails", 0, lambda: 0)
    return Periodic("mails", _SECONDS, lambda: deliver_due(outbox, server))


def deliver_due(outbox: Outbox, server: MailServer) -> int:
    """Deliver the mails that are due; return their number.

    A refused recipient does not hold back the others. Several processes may do this at once.

    Raises:
        OSError, smtplib.SMTPException: at least one mail waits for its next attempt.
        ServiceError: the database does not answer.

    """
    delivered, refusal = 0, None
    outbox.delete_old()
    while (mail := outbox.take()) is not None:
        try:
            server.deliver(mail.id, mail.recipient, mail.subject, mail.body)
        except smtplib.SMTPRecipientsRefused as failure:
            refusal = failure
        else:
            outbox.delete(mail.id)
            delivered += 1
    if refusal is not None:
        raise refusal
    return delivered
