"""Mails about openings: an outbox on PostgreSQL, and real servers of mails that take or refuse."""

import contextlib
import smtplib
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import trustme
from aiosmtpd.controller import Controller
from sqlalchemy import Engine, select, update

from shared_db.clock import utc_now
from shared_db.errors import ConfigurationError
from shared_web.mail import MailServer
from shared_web.operations.mailing import deliver_due
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.models import Mail
from staffstuddash_service.settings import Settings
from tests.support.mailbox import SENDER, Mailbox, mail_server
from tests.support.persons import Managers
from tests.support.rosters import a_person, fill, outcomes
from veritas_cli.processes.ports import free_port

HEAD, DEPUTY = "head@school.example", "deputy@school.example"
REASON = "crisis call, the class teacher is away"
# On the loopback address.
pytestmark = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS:UserWarning")


@pytest.fixture
def box() -> Mailbox:
    """Give an empty mailbox."""
    return Mailbox()


@pytest.fixture
def server(box: Mailbox) -> Iterator[MailServer]:
    """Give a server that takes mails into the box from one user."""
    with mail_server(box) as found:
        yield found


@pytest.fixture
def datastore(migrated_engine: Engine) -> Iterator[DatastoreManager]:
    """Give a manager with an opening of a student by a member of staff with an awkward name."""
    with migrated_engine.connect() as connection, connection.begin() as transaction:
        manager = Managers.on(connection).staffstuddash
        fill(manager, students=1)
        outcomes(manager, a_person("w1", name="Zoë\r\nBcc: all@school.example"))
        manager.break_glass.recipients = (HEAD, DEPUTY)
        manager.break_glass.open("s001", "w1", REASON)
        yield manager
        transaction.rollback()


def waiting(datastore: DatastoreManager) -> list[tuple[str, int]]:
    """Return recipient and attempts of the mails that wait."""
    with datastore.database.reading() as session:
        rows = session.execute(select(Mail.recipient, Mail.attempts).order_by(Mail.id))
        return [(row.recipient, row.attempts) for row in rows]


def make_due(datastore: DatastoreManager, **values: Any) -> None:
    with datastore.database.unit_of_work() as session:
        session.execute(update(Mail).values(next_at=utc_now(), **values))


def test_an_opening_is_told_to_each_recipient_once(
    datastore: DatastoreManager, server: MailServer, box: Mailbox
) -> None:
    assert waiting(datastore) == [(HEAD, 0), (DEPUTY, 0)]
    datastore.break_glass.open("s001", "w1", REASON)  # a replay
    leased = datastore.mails.take()

    assert deliver_due(datastore.mails, server) == 1  # the leased one belongs to another worker
    assert leased is not None
    make_due(datastore)
    assert deliver_due(datastore.mails, server) == 1
    assert deliver_due(datastore.mails, server) == 0
    assert waiting(datastore) == []
    assert sorted(str(mail["To"]) for mail in box.mails) == [DEPUTY, HEAD]
    text = box.mails[0].get_content()
    assert "Zoë Bcc: all@school.example (w1)" in text
    assert "s001" not in str(box.mails[0])
    assert REASON not in text
    assert box.mails[0]["Bcc"] is None
    assert box.mails[0]["From"] == SENDER


def test_a_refused_recipient_holds_back_nobody(
    datastore: DatastoreManager, server: MailServer, box: Mailbox
) -> None:
    box.refused = HEAD
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        deliver_due(datastore.mails, server)

    assert [str(mail["To"]) for mail in box.mails] == [DEPUTY]
    assert waiting(datastore) == [(HEAD, 1)]
    assert deliver_due(datastore.mails, server) == 0  # not due yet
    make_due(datastore, created_at=utc_now() - timedelta(days=4))
    assert deliver_due(datastore.mails, server) == 0
    assert waiting(datastore) == []


@contextlib.contextmanager
def listening(answer: bytes) -> Iterator[int]:
    """Give the port of a server that sends this and nothing more."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            with contextlib.suppress(OSError):
                connection, _ = listener.accept()
                with connection:
                    connection.sendall(answer)
                    while connection.recv(1024):
                        pass

        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()[1]
    thread.join()


@pytest.mark.parametrize(("step", "total"), [(0.1, 30), (30, 0.1)])
@pytest.mark.parametrize("banner", [b"", b"220 mail.school.example\r\n"])
def test_a_hanging_server_is_given_up(
    datastore: DatastoreManager, server: MailServer, banner: bytes, step: float, total: float
) -> None:
    with listening(banner) as port:
        hanging = replace(server, port=port, step_seconds=step, total_seconds=total)
        with pytest.raises((OSError, smtplib.SMTPException)):
            deliver_due(datastore.mails, hanging)

    assert sum(attempts for _, attempts in waiting(datastore)) == 1


def test_a_server_that_is_away_or_refuses_leaves_the_mails(
    datastore: DatastoreManager, server: MailServer, box: Mailbox
) -> None:
    for broken, failure in (
        (replace(server, port=free_port()), ConnectionRefusedError),
        (replace(server, user="somebody"), smtplib.SMTPAuthenticationError),
        (replace(server, is_tls=True), OSError),
    ):
        make_due(datastore)
        with pytest.raises(failure):
            deliver_due(datastore.mails, broken)
    with listening(b"554 no service\r\n") as port, pytest.raises(smtplib.SMTPConnectError):
        make_due(datastore)
        deliver_due(datastore.mails, replace(server, port=port))

    assert (len(waiting(datastore)), box.mails) == (2, [])


def test_mails_to_another_machine_are_sent_in_tls_alone(
    server: MailServer, box: Mailbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Not recognised as this machine.
    distant = replace(server, host="127.1")
    with pytest.raises(smtplib.SMTPNotSupportedError, match="STARTTLS"):
        distant.deliver("m1", HEAD, "subject", "body")

    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.1").configure_cert(context)
    controller = Controller(box, "127.0.0.1", free_port(), tls_context=context)
    controller.start()
    try:
        in_tls = replace(distant, port=controller.port, user=None)
        with pytest.raises(ssl.SSLCertVerificationError):
            in_tls.deliver("m1", HEAD, "subject", "body")
        authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
        in_tls.deliver("m1", HEAD, "Grüße\r\nBcc: x@y.example", "body")
    finally:
        controller.stop()
    assert [mail["Subject"] for mail in box.mails] == ["Grüße Bcc: x@y.example"]


def test_settings_of_mails() -> None:
    values: dict[str, Any] = {"smtp_url": "smtps://mail.school.example", "mail_from": SENDER}
    settings = Settings(**values, break_glass_mail=f"{HEAD}, {DEPUTY},{HEAD}")
    found = settings.mail_server

    assert settings.break_glass_mail == (HEAD, DEPUTY)
    assert found is not None
    assert (found.port, found.is_tls, found.user) == (465, True, None)
    assert "word" not in repr(MailServer.of_url("smtp://u:word@host", SENDER))
    for wrong in (
        {"smtp_url": "http://mail.school.example"},
        {"smtp_url": "smtp://host/path"},
        {"smtp_url": "smtp://host:port"},
        {**values, "mail_from": "a@b.example\nBcc: c@d.example"},
        {**values, "break_glass_mail": "Head <head@school.example>"},
        {"break_glass_mail": HEAD},
    ):
        with pytest.raises(ConfigurationError):
            Settings.load(**wrong)
