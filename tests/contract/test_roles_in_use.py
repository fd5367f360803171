"""Roles in use: their creation, SET ROLE in units of work, and separate logins."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import make_url, text
from sqlalchemy.exc import ProgrammingError

from shared_db.connection.database import Database
from shared_db.provisioning.grants import make_roles
from shared_db.settings import DatabaseSettings
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.models import Base
from tests.support.databases import engine_on, role_of
from tests.support.logins import Login, a_login, give_database, new_role_prefix
from tests.support.server import admin_url, create_database, drop_database, new_name
from veritas_cli.migrations import SCHEMAS, SERVICES, all_roles, migrate_all

CURRENT_USER = text("SELECT current_user")


def open_as(url: str, **settings: object) -> Database:
    loaded = DatabaseSettings.load(database_url=url, **settings)
    return Database.from_settings("test", Base.metadata, loaded)


def user_in(database: Database) -> object:
    with database.reading() as session:
        return session.scalar(CURRENT_USER)


@pytest.fixture
def prefix(monkeypatch: pytest.MonkeyPatch) -> str:
    """Set a prefix of roles that do not exist yet, and return it."""
    new = new_role_prefix()
    monkeypatch.setenv("DATABASE_ROLE_PREFIX", new)
    return new


class TestTakingTheRole:
    """A unit of work takes the role of its service if the login may."""

    def test_the_role_is_local_to_the_transaction(self, private_url: str) -> None:
        database = open_as(private_url, database_pool="queue")  # the same connection each time
        with database.unit_of_work() as session:
            within = session.scalar(CURRENT_USER)
        with database.get_session() as session:
            afterwards = session.scalar(CURRENT_USER)
        database.close()

        assert within == role_of(Base.metadata)
        assert afterwards == make_url(private_url).username

    def test_membership_is_checked_once(
        self, private_url: str, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level("INFO", "sqlalchemy.engine")
        database = open_as(private_url, debug=True)
        for _ in range(3):
            with database.unit_of_work():
                pass

        assert caplog.text.count("pg_has_role") == 1

    def test_a_missing_role_is_not_taken(self, private_url: str) -> None:
        database = open_as(private_url, database_role_prefix="nobody_made_these")

        assert user_in(database) == make_url(private_url).username
        assert DatastoreManager(database).add_student("s001", "Ada").name == "Ada"

    def test_a_role_of_another_database_is_not_taken(self, private_url: str, prefix: str) -> None:
        with engine_on(private_url).begin() as connection:
            connection.execute(text(f"CREATE ROLE {prefix}_staffstuddash"))

        assert user_in(open_as(private_url)) == make_url(private_url).username

    def test_a_login_that_is_no_member_does_not_take_the_role(self, private_url: str) -> None:
        stranger = a_login()

        assert user_in(open_as(stranger.url_of(private_url))) == stranger.name


class TestMakingRoles:
    """The migrating login creates the roles if it may."""

    def test_an_owner_that_can_create_roles_uses_them(self, empty_url: str, prefix: str) -> None:
        url = give_database(empty_url, a_login(can_create_roles=True))

        assert migrate_all(engine_on(url), role_prefix=prefix) is None
        assert user_in(open_as(url)) == f"{prefix}_staffstuddash"
        assert DatastoreManager(open_as(url)).add_student("s001", "Ada").id == "s001"

    def test_creating_the_roles_again_changes_nothing(self, empty_url: str, prefix: str) -> None:
        url = give_database(empty_url, a_login(can_create_roles=True))
        engine = engine_on(url)

        assert [migrate_all(engine, role_prefix=prefix) for _ in range(2)] == [None, None]

    def test_an_owner_that_cannot_create_roles_still_migrates(
        self, empty_url: str, prefix: str
    ) -> None:
        owner = a_login()
        url = give_database(empty_url, owner)

        refusal = migrate_all(engine_on(url), role_prefix=prefix)

        assert refusal is not None
        assert "permission denied" in refusal
        assert user_in(open_as(url)) == owner.name
        assert DatastoreManager(open_as(url)).add_student("s001", "Ada").id == "s001"

    def test_roles_of_another_owner_are_not_changed(self, empty_url: str, prefix: str) -> None:
        migrate_all(engine_on(empty_url), role_prefix=prefix)
        name = new_name()
        second = give_database(create_database(admin_url(), name), a_login())

        assert migrate_all(engine_on(second), role_prefix=prefix) is not None
        assert user_in(open_as(second)) == make_url(second).username
        drop_database(admin_url(), name)

    def test_roles_are_created_for_several_databases_in_parallel(
        self, template_name: str, prefix: str
    ) -> None:
        names = [new_name() for _ in range(4)]
        urls = [create_database(admin_url(), name, template=template_name) for name in names]
        wanted = all_roles(prefix)

        with ThreadPoolExecutor(len(urls)) as pool:
            made = pool.map(lambda url: make_roles(engine_on(url), wanted, SCHEMAS, {}), urls)

        assert len(list(made)) == len(urls)
        assert {user_in(open_as(url)) for url in urls} == {f"{prefix}_staffstuddash"}
        for name in names:
            drop_database(admin_url(), name)


class TestLoginsOfTheirOwn:
    """Three logins: each is limited to its service, also without taking a role."""

    @pytest.fixture
    def logins(self, private_url: str, prefix: str) -> dict[str, Login]:
        made = {history.schema: a_login() for history in SERVICES}
        names = {schema: login.name for schema, login in made.items()}
        migrate_all(engine_on(private_url), role_prefix=prefix, logins=names)
        return made

    def test_each_login_works_in_its_role(self, logins: dict[str, Login], private_url: str) -> None:
        database = open_as(logins["staffstuddash"].url_of(private_url))

        assert str(user_in(database)).endswith("_staffstuddash")
        assert DatastoreManager(database).add_student("s001", "Ada").id == "s001"

    def test_no_login_sees_rows_of_another_service(
        self, logins: dict[str, Login], private_url: str, prefix: str
    ) -> None:
        engine = engine_on(logins["monitoring"].url_of(private_url))

        for query in ("SELECT 1 FROM staffstuddash.students", f"SET ROLE {prefix}_staffstuddash"):
            refused = pytest.raises(ProgrammingError, match="permission denied")
            with refused, engine.connect() as connection:
                connection.execute(text(query))

    def test_a_missing_login_is_skipped(self, private_url: str, prefix: str) -> None:
        names = {"monitoring": "somebody.of.a.pooler"}

        assert migrate_all(engine_on(private_url), role_prefix=prefix, logins=names) is None
