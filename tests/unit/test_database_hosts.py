"""URLs with several hosts: spellings, messages, TLS and client programs."""

import psycopg2
import pytest
from sqlalchemy.exc import OperationalError

from shared_db.connection.engine import build_engine, normalised_url, with_tls
from shared_db.connection.hosts import Host, described_hosts, hosts_of
from shared_db.errors import ConfigurationError
from shared_db.resilience.error_classification import is_unknown_name, misconfiguration
from shared_db.settings import DatabaseSettings
from veritas_cli.dump.client_tools import libpq_environment

TWO = (Host("h1", "5432"), Host("h2", "5433"))


@pytest.mark.parametrize(
    ("url", "hosts"),
    [
        ("postgresql://ada:secret@h1:5432,h2:5433/school", TWO),
        ("postgres://ada:secret@h1:5432,h2:5433/school", TWO),
        ("psql 'postgresql+asyncpg://ada:secret@h1:5432,h2:5433/school'", TWO),
        ("postgresql://ada:secret@/school?host=h1:5432&host=h2:5433", TWO),
        ("postgresql://ada:secret@/school?host=h1,h2&port=5432,5433", TWO),
        ("postgresql://ada:secret@h1,h2/school", (Host("h1"), Host("h2"))),
        ("postgresql://ada:secret@h1,h2:5433/school", (Host("h1"), Host("h2", "5433"))),
        ("postgresql://ada:secret@h1,h2/school?port=7", (Host("h1", "7"), Host("h2", "7"))),
        ("postgresql://ada:secret@/school?host=h1,h2&port=7", (Host("h1", "7"), Host("h2", "7"))),
        ("postgresql://ada:secret@[::1]:1,h2/school", (Host("::1", "1"), Host("h2"))),
        (
            "postgresql://ada:secret@/school?host=/run/pg,h2",
            (Host("/run/pg"), Host("h2")),
        ),
        ("postgresql://ada:sec,ret@h1:5432,h2:5433/school", TWO),
        ("postgresql://ada:secret@h1:5432/school", (Host("h1", "5432"),)),
        ("postgresql://ada:secret@/school?host=h1:5432", (Host("h1", "5432"),)),
        ("postgresql:///school", (Host(""),)),
    ],
)
def test_hosts_are_read_in_every_form(url: str, hosts: tuple[Host, ...]) -> None:
    settings = DatabaseSettings.load(database_url=url, database_tls="off")
    normal = normalised_url(url)
    engine = build_engine(settings, "test")
    _, options = engine.dialect.create_connect_args(engine.url)

    assert hosts_of(normal) == hosts
    assert normalised_url(normal.render_as_string(hide_password=False)) == normal
    assert options.get("host", "") == ",".join(host.name for host in hosts)
    ports = [host.port for host in hosts]
    assert str(options.get("port", "")).strip(",") == ",".join(ports).strip(",")


def test_other_parameters_are_kept() -> None:
    url = normalised_url("postgresql://ada:secret@h1,h2/school?target_session_attrs=read-write")

    assert url.query["target_session_attrs"] == "read-write"
    assert (url.username, url.password, url.database) == ("ada", "secret", "school")


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://ada:secret@h1,/school",
        "postgresql://ada:secret@,h2/school",
        "postgresql://ada:secret@h1:0,h2/school",
        "postgresql://ada:secret@h1:99999,h2/school",
        "postgresql://ada:secret@h1:a,h2/school",
        "postgresql://ada:secret@h1:1:2,h2/school",
        "postgresql://ada:secret@/school?host=h1,h2,h3&port=1,2",
        "postgresql://ada:secret@/school?host=h1,h2&port=1,secret",
        "postgresql://ada:secret/secret@h1:1,h2:2/school",
    ],
)
def test_malformed_hosts_are_refused_without_repeating_them(url: str) -> None:
    with pytest.raises(ConfigurationError, match="separated by commas") as refusal:
        normalised_url(url)

    assert "secret" not in str(refusal.value)


def test_messages_name_all_hosts_and_no_password() -> None:
    url = normalised_url("postgresql://ada:secret@h1,[2001:db8::1]:5433,/school".replace(",/", "/"))

    assert described_hosts(url) == "h1:5432, [2001:db8::1]:5433"
    assert described_hosts(normalised_url("postgresql:///school")) == "local socket:5432"


@pytest.mark.parametrize(
    ("hosts", "mode"),
    [("h1,h2", "require"), ("localhost,h2", "require"), ("localhost,127.0.0.1:5433", None)],
)
def test_tls_is_required_if_one_host_is_another_machine(hosts: str, mode: str | None) -> None:
    url = normalised_url(f"postgresql://{hosts}/school")

    assert with_tls(url, DatabaseSettings.load()).query.get("sslmode") == mode


def test_the_refusal_of_plain_connections_names_the_other_machine() -> None:
    url = normalised_url("postgresql://ada:secret@localhost,h2/school?sslmode=disable")

    with pytest.raises(ConfigurationError, match="for h2, which"):
        with_tls(url, DatabaseSettings.load())


@pytest.mark.parametrize(
    ("url", "host", "port"),
    [
        ("postgresql://ada@h1:5432,h2:5433/school", "h1,h2", "5432,5433"),
        ("postgresql://ada@/school?host=h1:5432&host=h2:5433", "h1,h2", "5432,5433"),
        ("postgresql://ada@h1,h2/school", "h1,h2", None),
        ("postgresql://ada@h1:5433/school", "h1", "5433"),
    ],
)
def test_client_programs_get_all_hosts(url: str, host: str, port: str | None) -> None:
    environment = libpq_environment(normalised_url(url))

    assert (environment["PGHOST"], environment.get("PGPORT")) == (host, port)


UNKNOWN = 'could not translate host name "h1" to address: Name or service not known\n'
REFUSED = 'connection to server at "h2", port 5432 failed: Connection refused\n'
LOGIN = (
    'connection to server at "h2", port 5432 failed: FATAL:  password authentication failed for '
    'user "ada"\n'
)


@pytest.mark.parametrize(
    ("message", "is_unknown", "meaning"),
    [
        (UNKNOWN, True, "there is no such host"),
        (UNKNOWN + UNKNOWN, True, "there is no such host"),
        (UNKNOWN + REFUSED, False, None),
        (UNKNOWN + LOGIN, False, "the server refuses the user or password"),
        (REFUSED + LOGIN, False, "the server refuses the user or password"),
    ],
)
def test_an_unknown_name_is_a_mistake_only_without_other_hosts(
    message: str, meaning: str | None, *, is_unknown: bool
) -> None:
    failure = OperationalError("", {}, psycopg2.OperationalError(message))

    assert is_unknown_name(failure) is is_unknown
    assert misconfiguration(failure) == meaning
