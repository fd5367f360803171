"""TLS to the server: trusted authorities, and messages about refused certificates."""

import re
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme
from sqlalchemy import make_url, text
from typer.testing import CliRunner

from shared_db.connection.database import Database
from shared_db.errors import ConfigurationError
from shared_db.settings import DatabaseSettings
from staffstuddash_service.models import Base
from tests.support.server import admin_url
from veritas_cli.main import app
from veritas_cli.postgres.binaries import LocalPostgresError
from veritas_cli.postgres.os_account import account_for
from veritas_cli.postgres.server import THROW_AWAY, temporary_postgres

NAME = "db.school.example"
HOW = text("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
# Connections without TLS are not admitted.
ADMITTED = "hostssl all all 127.0.0.1/32 scram-sha-256\n"


@dataclass(frozen=True)
class TlsServer:
    """Server that admits only connections with TLS; its certificate is for NAME."""

    url: str
    authority: Path

    def named(self, host: str, **options: str) -> str:
        """Return a URL with the server as `host`, which no name service has to know."""
        return named(self.url, host, **options)


def named(url: str, host: str, **options: str) -> str:
    place = make_url(url).set(host=host)
    place = place.update_query_dict({"hostaddr": "127.0.0.1", **options})
    return place.render_as_string(hide_password=False)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """Return an authority that only this test knows."""
    return trustme.CA()


@pytest.fixture(scope="module")
def server(authority: trustme.CA) -> Iterator[TlsServer]:
    """Yield a server with a certificate of that authority."""
    with tempfile.TemporaryDirectory(prefix="veritas-tls-") as name:
        folder = Path(name)
        files = files_of_server(folder, authority)
        try:
            running = temporary_postgres({**THROW_AWAY, **files, "ssl": "on"})
            with running as postgres:
                yield TlsServer(postgres.url_of("postgres"), folder / "authority.pem")
        except LocalPostgresError as failure:
            if "not supported by this build" not in str(failure):
                raise
            pytest.skip("this PostgreSQL was built without TLS")


def files_of_server(folder: Path, authority: trustme.CA) -> dict[str, str]:
    """Write the certificate, its key and pg_hba.conf; return the options that name them."""
    certificate = authority.issue_cert(NAME)
    contents = {
        "ssl_cert_file": certificate.cert_chain_pems[0].bytes(),
        "ssl_key_file": certificate.private_key_pem.bytes(),
        "hba_file": ADMITTED.encode(),
    }
    account = account_for(folder)
    for name, content in contents.items():
        path = folder / name
        path.touch(0o600)
        path.write_bytes(content)
        if account is not None:
            account.chown(path)
    authority.cert_pem.write_to_path(folder / "authority.pem")
    if account is not None:
        account.chown(folder)
    return {name: str(folder / name) for name in contents}


def opened(url: str, **settings: object) -> Database:
    return Database.from_settings(
        "test",
        Base.metadata,
        DatabaseSettings.load(database_url=url, environment="development", **settings),
    )


def is_encrypted(database: Database) -> bool:
    with database.reading() as session:
        return bool(session.scalar(HOW))


def readiness_failure(database: Database) -> str:
    """Return the reason why the store is not opened; it is no outage, so memory is not used."""
    with pytest.raises(ConfigurationError) as refusal:
        _ = database.use_fallback
    line = str(refusal.value)
    password = re.escape(str(make_url(admin_url()).password))
    assert "\n" not in line
    assert not re.search(password, line)
    return line


def test_a_remote_server_is_used_with_tls(server: TlsServer) -> None:
    assert is_encrypted(opened(server.named(NAME)))


def test_with_the_authority_the_server_is_verified(server: TlsServer) -> None:
    database = opened(server.named(NAME), database_ca_file=server.authority)

    assert is_encrypted(database)
    with database.reading() as session:
        assert "verify-full" in str(session.connection().engine.url)


def test_another_host_name_is_refused(server: TlsServer) -> None:
    url = server.named("other.school.example")

    assert is_encrypted(opened(url))  # without the authority nothing is verified
    line = readiness_failure(opened(url, database_ca_file=server.authority))
    assert "certificate is for another host name (other.school.example" in line


def test_another_authority_is_refused(server: TlsServer, tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "another.pem")

    line = readiness_failure(opened(server.named(NAME), database_ca_file=tmp_path / "another.pem"))

    assert "certificate is not of the authority in DATABASE_CA_FILE" in line


def test_an_authority_that_cannot_be_read_is_named(server: TlsServer, tmp_path: Path) -> None:
    line = readiness_failure(opened(server.named(NAME), database_ca_file=tmp_path / "missing.pem"))

    assert "(DATABASE_CA_FILE) cannot be read" in line


def test_refused_plain_text_and_a_refused_user_have_different_messages(
    server: TlsServer,
) -> None:
    plain = readiness_failure(opened(server.named(NAME, sslmode="disable"), database_tls="off"))
    stranger = make_url(server.url).set(username="nobody_of_that_name")
    unknown = readiness_failure(opened(named(stranger.render_as_string(hide_password=False), NAME)))

    assert "admits only connections with TLS" in plain
    assert "TLS" not in unknown


def test_a_url_that_switches_tls_off_is_refused_before_connecting(server: TlsServer) -> None:
    assert "DATABASE_TLS=off" in readiness_failure(opened(server.named(NAME, sslmode="disable")))


def test_a_server_without_tls_is_refused_where_it_is_required(
    authority: trustme.CA, tmp_path: Path
) -> None:
    authority.cert_pem.write_to_path(tmp_path / "authority.pem")
    if make_url(admin_url()).host != "127.0.0.1":
        pytest.skip("the server of TEST_DATABASE_URL may well speak TLS")

    lines = [
        readiness_failure(opened(named(admin_url(), NAME))),
        readiness_failure(opened(admin_url(), database_ca_file=tmp_path / "authority.pem")),
    ]

    assert ["the server offers no TLS" in line for line in lines] == [True, True]


def test_the_commands_report_it_in_one_line(
    server: TlsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", server.named("other.school.example"))
    monkeypatch.setenv("DATABASE_CA_FILE", str(server.authority))

    results = [CliRunner().invoke(app, [command]) for command in ("check", "migrate")]

    for result in results:
        assert result.exit_code == 1
        assert result.output.count("\n") == 1
        assert "another host name" in result.output


def test_check_reports_the_encryption_of_the_connection(
    server: TlsServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", server.named(NAME))

    assert "✓ the connection is encrypted (TLSv1" in CliRunner().invoke(app, ["check"]).output
