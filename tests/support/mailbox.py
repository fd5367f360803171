"""Real server of mails on this machine, and the box into which it takes them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope

from shared_web.mail import MailServer
from veritas_cli.processes.ports import free_port

SENDER = "veritas@school.example"


class Mailbox:
    """Handler of a server that keeps its mails, and refuses one recipient."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.refused = ""

    async def handle_RCPT(  # noqa: N802 - aiosmtpd's name
        self, _server: object, _session: object, envelope: Envelope, address: str, _options: object
    ) -> str:
        """Refuse or note a recipient."""
        if address == self.refused:
            return "550 5.1.1 nobody of this name"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: object, _session: object, envelope: Envelope) -> str:  # noqa: N802
        """Keep a mail."""
        content = envelope.content
        assert isinstance(content, bytes)
        self.mails.append(message_from_bytes(content, EmailMessage, policy=default))
        return "250 OK"


def accepts(
    _server: object, _session: object, _envelope: object, _mechanism: str, data: Any
) -> Any:
    """Accept one user and password."""
    is_known = (data.login, data.password) == (b"veritas", b"p@ss word")
    return AuthResult(success=is_known, handled=False)


@contextmanager
def mail_server(box: Mailbox) -> Iterator[MailServer]:
    """Give a server that takes mails into the box from one user."""
    controller = Controller(
        box,
        hostname="127.0.0.1",
        port=free_port(),
        authenticator=accepts,
        auth_required=True,
        auth_require_tls=False,
    )
    controller.start()
    try:
        url = f"smtp://veritas:p%40ss%20word@127.0.0.1:{controller.port}"
        yield replace(MailServer.of_url(url, SENDER), step_seconds=5)
    finally:
        controller.stop()
