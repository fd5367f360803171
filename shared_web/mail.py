"""Delivery of mails by SMTP, with TLS wherever the server is another machine."""

import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

from shared_db.clock import utc_now
from shared_db.connection.engine import is_local

# Submission, and submission in TLS from the first byte.
_PORTS = {"smtp": 587, "smtps": 465}
_READY = 220
_STEP_SECONDS = 10.0
_TOTAL_SECONDS = 60.0


@dataclass(frozen=True)
class MailServer:
    """Server that takes mails of one sender.

    sender: the address in From. step_seconds, total_seconds: limits of one reply and of a delivery.
    """

    host: str
    port: int
    sender: str
    is_tls: bool = False
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    step_seconds: float = _STEP_SECONDS
    total_seconds: float = _TOTAL_SECONDS

    @classmethod
    def of_url(cls, url: str, sender: str) -> "MailServer":
        """Return the server of a URL as `smtp://USER:PASSWORD@HOST:PORT`, or `smtps://...`.

        Raises:
            ValueError: it is another kind of URL, or has more parts.

        """
        parts = urlsplit(url)
        beside = parts.path.strip("/") or parts.query or parts.fragment
        if parts.scheme not in _PORTS or not parts.hostname or beside:
            raise ValueError("no URL of a mail server")
        return cls(
            parts.hostname,
            parts.port or _PORTS[parts.scheme],
            sender,
            is_tls=parts.scheme == "smtps",
            user=None if parts.username is None else unquote(parts.username),
            password=None if parts.password is None else unquote(parts.password),
        )

    def deliver(self, mail_id: str, recipient: str, subject: str, body: str) -> None:
        """Deliver one mail; return once the server has accepted it.

        mail_id: in Message-ID, by which a mail that comes twice is recognised.

        Raises:
            OSError, smtplib.SMTPException: it did not; the text may contain addresses.

        """
        message = EmailMessage(policy=SMTP)
        message["From"], message["To"] = self.sender, recipient
        message["Subject"] = " ".join(subject.split())
        message["Date"] = format_datetime(utc_now())
        message["Message-ID"] = f"<{mail_id}@{self.sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(body)
        with self._connected() as connection:
            connection.send_message(message)

    @contextmanager
    def _connected(self) -> Iterator[smtplib.SMTP]:
        context = ssl.create_default_context()
        connection = (
            smtplib.SMTP_SSL(timeout=self.step_seconds, context=context)
            if self.is_tls
            else smtplib.SMTP(timeout=self.step_seconds)
        )
        # `connect` starts TLS for this name.
        connection._host = self.host  # type: ignore[attr-defined] # noqa: SLF001 - set by the constructor, which connects at once
        # A server that sends a byte now and then keeps within the limit of each reply.
        timer = threading.Timer(self.total_seconds, _shut, [connection])
        timer.daemon = True
        timer.start()
        try:
            code, reply = connection.connect(self.host, self.port)
            if code != _READY:
                raise smtplib.SMTPConnectError(code, reply)
            if not self.is_tls and not is_local(self.host):
                connection.starttls(context=context)
            if self.user is not None:
                connection.login(self.user, self.password or "")
            yield connection
            with suppress(OSError, smtplib.SMTPException):  # the mail is accepted
                connection.quit()
        finally:
            timer.cancel()
            connection.close()


def _shut(connection: smtplib.SMTP) -> None:
    sock = connection.sock
    if sock is not None:
        with suppress(OSError):  # closed meanwhile
            sock.shutdown(socket.SHUT_RDWR)
