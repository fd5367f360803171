"""Errors of weekly digests."""

from datetime import date

from shared_db.errors import Conflict, Invalid


class MailsOff(Conflict):
    """Digest of an installation that sends no mails."""

    slug = "mails-off"
    title = "No mails are sent"

    def __init__(self) -> None:
        super().__init__("Set SMTP_URL and MAIL_FROM, and start staffstuddash again.")


class DigestWeekOutside(Invalid):
    """Week of a digest that is no Monday, or neither the present nor the last one."""

    slug = "digest-week-outside"
    title = "The digest is not of this week"

    def __init__(self, week: date) -> None:
        super().__init__(
            f"{week} is not the Monday of the present week or of the one before.", field="week"
        )
