"""Database URLs with several hosts, on PostgreSQL: the first usable host is taken."""

import time
from collections.abc import Iterator

import pytest
from sqlalchemy import make_url, text
from typer.testing import CliRunner

from shared_db.connection.database import Database
from shared_db.errors import ConfigurationError, DatabaseBusy, DatabaseUnavailable
from shared_db.settings import DatabaseSettings
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.models import Base
from tests.e2e.processes import wait_until
from tests.support.freezing import FreezingServer
from veritas_cli.main import app
from veritas_cli.processes.ports import free_port


def several(url: str, first: str, form: str = "authority") -> str:
    """Return the URL with another host before its own one."""
    own = make_url(url)
    if not own.host:
        pytest.skip("needs a server with an address")
    login = f"{own.username}:{own.password}"
    second = f"{own.host}:{own.port or 5432}"
    primary = "target_session_attrs=read-write"
    if form == "authority":
        return f"postgresql://{login}@{first},{second}/{own.database}?{primary}"
    if form == "pairs":
        return f"postgresql://{login}@/{own.database}?host={first}&host={second}&{primary}"
    hosts, ports = zip(first.split(":"), second.split(":"), strict=True)
    places = f"host={','.join(hosts)}&port={','.join(ports)}"
    return f"postgresql://{login}@/{own.database}?{places}&{primary}"


def opened(url: str, **settings: object) -> Database:
    loaded = DatabaseSettings.load(database_url=url, database_tls="off", **settings)
    return Database.from_settings("test", Base.metadata, loaded)


def stored(database: Database, id_: str) -> bool:
    """Return True if a student can be stored and read."""
    try:
        datastore = DatastoreManager(database)
        datastore.students.add(id_, "Ada", None)
        return datastore.students.get(id_).id == id_
    except (DatabaseUnavailable, DatabaseBusy):
        return False


@pytest.fixture
def dead() -> str:
    """Give an address without a server."""
    return f"127.0.0.1:{free_port()}"


@pytest.fixture
def proxy(private_url: str) -> Iterator[FreezingServer]:
    """Give a proxy of the server, as its first host."""
    proxy = FreezingServer(private_url)
    yield proxy
    proxy.close()


def address(proxy: FreezingServer) -> str:
    url = make_url(proxy.url)
    return f"{url.host}:{url.port}"


@pytest.mark.parametrize("form", ["authority", "pairs", "lists"])
@pytest.mark.parametrize("pool", ["null", "queue"])
def test_a_dead_first_host_is_passed_over(
    private_url: str, dead: str, form: str, pool: str
) -> None:
    database = opened(several(private_url, dead, form), database_pool=pool)

    assert not database.use_fallback
    assert stored(database, "s1")
    database.close()


def test_an_unknown_first_host_is_passed_over(private_url: str) -> None:
    database = opened(several(private_url, "unknown.invalid:5432"))

    assert stored(database, "s1")
    database.close()


def test_a_host_that_is_lost_is_replaced(private_url: str) -> None:
    proxy = FreezingServer(private_url)
    database = opened(several(private_url, address(proxy)))
    assert stored(database, "s1")

    proxy.close()

    assert wait_until(lambda: stored(database, "s2"))
    database.close()


def test_a_frozen_first_host_costs_time_only_once(private_url: str, proxy: FreezingServer) -> None:
    database = opened(
        several(private_url, address(proxy)),
        database_connect_timeout_seconds=2,
        environment="production",
    )
    assert stored(database, "s1")

    proxy.freeze()

    assert wait_until(lambda: stored(database, "s2"))
    started = time.monotonic()
    assert [stored(database, f"t{n}") for n in range(5)] == [True] * 5
    assert time.monotonic() - started < 2
    database.close()


def test_without_any_usable_host_the_message_names_all(dead: str) -> None:
    other = f"127.0.0.1:{free_port()}"
    url = f"postgresql://ada:hunter2@{dead},{other}/school"
    away = opened(url, environment="production")

    assert not stored(away, "s1")
    away.close()
    output = CliRunner().invoke(app, ["check"], env={"DATABASE_URL": url}).output
    assert f"({dead}, {other})" in output.replace("\n", " ")
    assert "hunter2" not in output


def test_a_wrong_password_is_a_mistake_on_any_host(private_url: str, dead: str) -> None:
    own = make_url(private_url)
    wrong = several(private_url, dead).replace(f":{own.password}@", ":hunter2@")

    with pytest.raises(ConfigurationError) as refusal:
        _ = opened(wrong, environment="production").use_fallback

    assert dead in str(refusal.value)
    assert "hunter2" not in str(refusal.value)


def test_commands_use_the_host_that_answers(private_url: str, dead: str) -> None:
    url = several(private_url, dead)

    output = CliRunner().invoke(app, ["check"], env={"DATABASE_URL": url}).output

    assert f"connected to {make_url(private_url).host}, database" in output.replace("\n", " ")
    with opened(url).reading() as session:
        assert session.scalar(text("SELECT 1")) == 1
