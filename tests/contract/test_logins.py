"""Logins of the services: their creation, their rights and the secrecy of their passwords."""

from concurrent.futures import ThreadPoolExecutor

import psycopg2.extensions
import pytest
from sqlalchemy import Connection, Engine, event, text

from shared_db.errors import ConfigurationError
from shared_db.provisioning.grants import RolesRefused
from shared_db.provisioning.login_roles import Login, make_logins
from tests.support.databases import engine_on
from tests.support.logins import a_login, give_database
from tests.support.server import new_name


@pytest.fixture
def engine(empty_url: str) -> Engine:
    """Return an administrator's engine."""
    return engine_on(empty_url)


def new_login(**changes: str) -> Login:
    return Login(**{"name": new_name(), "password": "p@ss:w%rd/'\"", **changes})


def connects(engine: Engine, login: Login) -> bool:
    url = engine.url
    try:
        psycopg2.connect(
            host=url.host,
            port=url.port,
            dbname=url.database,
            user=login.name,
            password=login.password,
        ).close()
    except psycopg2.OperationalError as refusal:
        assert "password authentication failed" in str(refusal)  # noqa: PT017 - of libpq's text
        return False
    return True


@pytest.mark.parametrize(
    ("suffix", "password", "rounds"),
    [
        ("", "p@ss:w%rd/'\"", 4096),
        (".of:a%pooler", "0af1" * 15, 4096),
        (' "quoted"', "0af1" * 16, 1),
    ],
)
def test_a_login_connects_with_its_password_only(
    engine: Engine, suffix: str, password: str, rounds: int
) -> None:
    login = new_login(name=new_name() + suffix, password=password)
    make_logins(engine, [Login(login.name, "former")])
    make_logins(engine, [login])

    assert connects(engine, login)
    assert not connects(engine, Login(login.name, "another"))
    query = text("SELECT rolpassword FROM pg_authid WHERE rolname = :name")
    with engine.connect() as connection:
        stored = connection.scalar(query, {"name": login.name}) or ""
    assert stored.startswith(f"SCRAM-SHA-256${rounds}:")


def test_creating_a_login_again_sets_the_password(engine: Engine) -> None:
    first = new_login()
    for _ in range(2):
        make_logins(engine, [first])
        assert connects(engine, first)
    second = Login(first.name, "rotated")
    make_logins(engine, [second])

    assert connects(engine, second)
    assert not connects(engine, first)


def test_the_server_receives_a_verifier(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    login = new_login()
    sent = []

    @event.listens_for(engine, "after_cursor_execute")
    def keep(_connection: object, cursor: psycopg2.extensions.cursor, *_: object) -> None:
        sent.append(bytes(cursor.query or b"").decode())

    caplog.set_level("DEBUG")
    make_logins(engine, [login])

    assert "PASSWORD 'SCRAM-SHA-256$" in sent[-1]
    assert [text for text in (*sent, caplog.text, repr(login)) if login.password in text] == []


def test_a_refused_login_rolls_all_back(engine: Engine) -> None:
    login = new_login()
    owner = Login(engine.url.username or "", "another")
    with pytest.raises(ConfigurationError, match="administrator"):
        make_logins(engine, [login, owner])

    assert not connects(engine, login)


def test_a_role_without_login_stays_without_login(engine: Engine) -> None:
    role = new_login()
    with engine.begin() as connection:
        connection.execute(text(f'CREATE ROLE "{role.name}"'))

    with pytest.raises(ConfigurationError, match="without login"):
        make_logins(engine, [role])


def test_a_server_that_needs_plain_passwords_is_refused_in_one_line(engine: Engine) -> None:
    tries = []

    @event.listens_for(engine, "commit")
    def refuse(connection: Connection) -> None:
        tries.append(1)
        # As Neon does, which forwards changes of passwords at the end of the transaction.
        message = "Received HTTP code 400: Neon only supports being given plaintext passwords."
        connection.exec_driver_sql(
            f"DO $$ BEGIN RAISE EXCEPTION '{message}' USING ERRCODE = 'XX000'; END $$"
        )

    with pytest.raises(ConfigurationError, match="only as they are"):
        make_logins(engine, [new_login()])

    assert len(tries) == 1


def test_several_processes_can_create_the_same_logins(engine: Engine) -> None:
    login = new_login()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: make_logins(engine, [login]), range(4)))

    assert connects(engine, login)


def test_only_an_owner_with_createrole_can_create_logins(empty_url: str) -> None:
    login = new_login()
    strange = give_database(empty_url, a_login())
    with pytest.raises(RolesRefused, match=r"by hand, see docs/database\.md"):
        make_logins(engine_on(strange), [login])
    owner = give_database(empty_url, a_login(can_create_roles=True))
    for _ in range(2):
        make_logins(engine_on(owner), [login])

    assert connects(engine_on(empty_url), login)
