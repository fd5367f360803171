"""Transfer of the database from a superuser to an owner with fewer rights."""

from dataclasses import dataclass, replace

import pytest
from sqlalchemy import Engine, make_url, text

from shared_db.errors import ConfigurationError
from shared_db.provisioning.login_roles import Login, make_logins
from shared_db.provisioning.ownership import hand_over
from tests.support.databases import engine_on
from tests.support.logins import a_login, new_role_prefix
from tests.support.server import new_name
from veritas_cli.migrations import OWNED_SCHEMAS, all_roles, migrate_all

SERVICES = ("monitoring", "staffstuddash", "dropout")
_NOT_THE_OWNERS = text(
    """
SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
  WHERE nspname = ANY(:schemas) AND pg_get_userbyid(relowner) <> :owner
UNION ALL SELECT nspname FROM pg_namespace
  WHERE nspname = ANY(:schemas) AND pg_get_userbyid(nspowner) <> :owner
UNION ALL SELECT p.oid::regprocedure::text FROM pg_proc p
  JOIN pg_namespace n ON n.oid = pronamespace
  WHERE nspname = ANY(:schemas) AND pg_get_userbyid(proowner) <> :owner
UNION ALL SELECT t.oid::regtype::text FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace
  WHERE nspname = ANY(:schemas) AND pg_get_userbyid(typowner) <> :owner
UNION ALL SELECT datname FROM pg_database
  WHERE datname = current_database() AND pg_get_userbyid(datdba) <> :owner
""".replace("::", r"\:\:")
)
# Objects that a later migration may create, and no present one does.
_EVERY_KIND = (
    "CREATE FUNCTION dropout.one() RETURNS int LANGUAGE sql RETURN 1",
    "CREATE TYPE dropout.mood AS ENUM ('good')",
    "CREATE DOMAIN dropout.mark AS int",
    'CREATE MATERIALIZED VIEW dropout."Odd 100%" AS SELECT 1 AS one',
    "CREATE SEQUENCE dropout.numbers",
    "CREATE TABLE dropout.counted (id serial, day date) PARTITION BY RANGE (day)",
    "CREATE TABLE dropout.counted_later PARTITION OF dropout.counted DEFAULT",
)


@dataclass(frozen=True)
class Installation:
    """Database, the logins of its services and its future owner."""

    url: str
    prefix: str
    owner: Login
    services: tuple[Login, ...]

    @property
    def roles(self) -> list[str]:
        return [role.name for role in all_roles(self.prefix)]

    def engine_of(self, login: Login) -> Engine:
        own = make_url(self.url).set(username=login.name, password=login.password)
        return engine_on(own.render_as_string(hide_password=False))

    def hand_over(self) -> int:
        return hand_over(engine_on(self.url), self.owner, OWNED_SCHEMAS, self.roles)

    def migrate(self, engine: Engine) -> None:
        """Migrate as `veritas migrate --logins` does."""
        make_logins(engine, self.services)
        logins = dict(zip(SERVICES, (login.name for login in self.services), strict=True))
        assert migrate_all(engine, role_prefix=self.prefix, logins=logins) is None

    def not_the_owners(self) -> list[str]:
        values = {"schemas": list(OWNED_SCHEMAS), "owner": self.owner.name}
        with engine_on(self.url).connect() as connection:
            return list(connection.scalars(_NOT_THE_OWNERS, values))


@pytest.fixture
def installation(empty_url: str) -> Installation:
    """Return a database without tables, with unused names of logins."""
    services = tuple(Login(new_name(), "s3cret") for _ in SERVICES)
    return Installation(empty_url, new_role_prefix(), Login(new_name(), "0wn:%er'"), services)


def test_a_new_installation_belongs_to_the_owner(installation: Installation) -> None:
    installation.hand_over()
    owner = installation.engine_of(installation.owner)
    installation.migrate(owner)

    assert installation.not_the_owners() == []
    assert installation.hand_over() == 0
    with owner.connect() as connection:
        mine = "SELECT rolsuper, rolcreaterole FROM pg_roles WHERE rolname = current_user"
        assert connection.execute(text(mine)).one() == (False, True)


def test_an_installation_of_a_superuser_is_transferred_and_continues(
    installation: Installation,
) -> None:
    superuser = engine_on(installation.url)
    installation.migrate(superuser)
    with superuser.begin() as connection:
        for statement in _EVERY_KIND:
            connection.execute(text(statement))
    assert installation.not_the_owners()

    assert installation.hand_over() > 0

    assert installation.not_the_owners() == []
    assert installation.hand_over() == 0
    # The owner rotates the logins' passwords and repeats the grants of the superuser.
    rotated = replace(
        installation, services=tuple(Login(s.name, "r0tated") for s in installation.services)
    )
    rotated.migrate(rotated.engine_of(rotated.owner))
    dropout = rotated.services[SERVICES.index("dropout")]
    with rotated.engine_of(dropout).connect() as connection:
        assert connection.scalar(text("SELECT count(*) FROM dropout.learning_events")) == 0
        with pytest.raises(Exception, match="permission denied"):
            connection.execute(text("DELETE FROM staffstuddash.students"))


def test_the_owners_password_follows_the_url(installation: Installation) -> None:
    installation.hand_over()
    changed = replace(installation, owner=Login(installation.owner.name, "another"))
    changed.hand_over()

    with changed.engine_of(changed.owner).connect() as connection:
        assert connection.scalar(text("SELECT current_user")) == installation.owner.name


def test_a_superuser_cannot_be_the_owner(installation: Installation) -> None:
    name = str(make_url(installation.url).username)

    with pytest.raises(ConfigurationError, match="is a superuser"):
        replace(installation, owner=Login(name, "x")).hand_over()


def test_only_a_superuser_can_transfer_the_database(installation: Installation) -> None:
    url = a_login(can_create_roles=True).url_of(installation.url)

    with pytest.raises(ConfigurationError, match="Only a superuser"):
        replace(installation, url=url).hand_over()
