"""Engine: accepted spellings of a URL, and the use of TLS."""

import re

import pytest
from pydantic import SecretStr
from sqlalchemy import make_url
from sqlalchemy.pool import NullPool, QueuePool

from shared_db.connection.engine import build_engine, is_local, normalised_url, with_tls
from shared_db.errors import ConfigurationError
from shared_db.settings import DatabaseSettings

NEON = (
    "postgresql://ada:secret@ep-cool-123-pooler.eu-central-1.aws.neon.tech/school"
    "?sslmode=require&channel_binding=require"
)


@pytest.mark.parametrize(
    "pasted",
    [
        "postgres://ada:secret@db/school",
        "postgresql://ada:secret@db/school",
        "postgresql+psycopg2://ada:secret@db/school",
        "postgresql+psycopg://ada:secret@db/school",
        "postgresql+asyncpg://ada:secret@db/school",
        "  postgres://ada:secret@db/school\n",
        "'postgres://ada:secret@db/school'",
        "psql 'postgres://ada:secret@db/school'",
    ],
)
def test_every_spelling_means_psycopg2(pasted: str) -> None:
    url = normalised_url(pasted)

    assert url.render_as_string(hide_password=False) == (
        "postgresql+psycopg2://ada:secret@db/school"
    )


@pytest.mark.parametrize(
    "pasted", ["", "school", "mysql://ada:secret@db/school", "http://db", "postgresql//secret@db"]
)
def test_a_wrong_url_is_refused_without_repeating_it(pasted: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        normalised_url(pasted)

    assert "postgresql://USER:PASSWORD@HOST" in str(refusal.value)
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(
    "pasted",
    [
        "postgresql://ada:secret@word@127.0.0.1:5432/school",
        "postgresql://ada:secret@12/34@127.0.0.1/school",
        "postgresql://ada:secret@12?34@127.0.0.1/school",
        "postgresql://ada:secret@12/34?word=@127.0.0.1/school",
    ],
)
def test_an_unencoded_password_is_refused_without_any_part_of_it(pasted: str) -> None:
    with pytest.raises(ConfigurationError, match="@ as %40") as refusal:
        normalised_url(pasted)

    assert not {"secret", "word", "12", "34"} & set(re.split(r"\W+", str(refusal.value)))


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        (None, True),
        ("", True),
        ("localhost", True),
        ("127.0.0.1", True),
        ("127.8.9.10", True),
        ("::1", True),
        ("[::1]", True),
        ("/var/run/postgresql", True),
        ("db", False),
        ("192.0.2.7", False),
        ("localhost.example", False),
    ],
)
def test_a_host_is_local_only_if_it_is_this_machine(host: str | None, expected: bool) -> None:
    assert is_local(host) is expected


@pytest.mark.parametrize(
    ("url", "tls", "expected"),
    [
        ("postgresql://db/school", "required", "require"),
        ("postgresql://db/school?sslmode=prefer", "required", "require"),
        ("postgresql://db/school?sslmode=allow", "required", "require"),
        ("postgresql://db/school?sslmode=verify-full", "required", "verify-full"),
        ("postgresql:///school?host=db", "required", "require"),
        (NEON, "required", "require"),
        ("postgresql://db/school", "off", None),
        ("postgresql://localhost/school", "required", None),
        ("postgresql:///school", "required", None),
        ("postgresql:///school?host=/tmp", "required", None),
    ],
)
def test_tls_is_required_where_the_server_is_not_this_machine(
    url: str, tls: str, expected: str | None
) -> None:
    settings = DatabaseSettings.load(database_tls=tls)

    assert with_tls(make_url(url), settings).query.get("sslmode") == expected


def test_a_url_that_switches_tls_off_for_another_machine_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="DATABASE_TLS=off"):
        with_tls(make_url("postgresql://db/school?sslmode=disable"), DatabaseSettings.load())


def test_a_ca_file_means_that_the_server_is_verified() -> None:
    settings = DatabaseSettings.load(database_ca_file="/etc/ca.pem")

    url = with_tls(make_url("postgresql://localhost/school?sslmode=disable"), settings)

    assert (url.query["sslmode"], url.query["sslrootcert"]) == ("verify-full", "/etc/ca.pem")


def test_the_url_of_neon_is_accepted() -> None:
    settings = DatabaseSettings.load(database_url=SecretStr(NEON))

    engine = build_engine(settings, "dropout")

    assert engine.url.query["channel_binding"] == "require"
    assert engine.url.password == "secret"  # noqa: S105 - an example
    assert "secret" not in repr(engine)


@pytest.mark.parametrize(("pool", "kind"), [("null", NullPool), ("queue", QueuePool)])
def test_the_pool_is_the_one_of_the_settings(pool: str, kind: type) -> None:
    settings = DatabaseSettings.load(database_url="postgres://localhost/a", database_pool=pool)

    assert type(build_engine(settings, "dropout").pool) is kind


def test_the_pool_has_a_connection_for_each_thread() -> None:
    settings = DatabaseSettings.load(
        database_url="postgres://localhost/a", database_pool="queue", request_threads=3
    )

    pool = build_engine(settings, "dropout").pool

    assert isinstance(pool, QueuePool)
    assert (pool.size(), pool._max_overflow) == (3 + 4, 0)  # noqa: SLF001 - it has no accessor
