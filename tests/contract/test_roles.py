"""Roles: each service reads and writes its own tables, and reads the views that others publish."""

import sys
from collections.abc import Iterator
from importlib import import_module

import pytest
from sqlalchemy import Table, text
from sqlalchemy.exc import ProgrammingError

from shared_db.connection.database import Database
from shared_db.provisioning.grants import ServiceRole
from shared_db.provisioning.migrations import History, require_migrated
from shared_web.auth.keys import KeyManager, Scope
from tests.support.databases import engine_on
from tests.support.server import role_prefix
from veritas_cli.migrations import SERVICES, migrate_all, service_roles

TABLES = text(
    "SELECT n.nspname || '.' || c.relname FROM pg_class c"
    " JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname IN ('access', 'staffstuddash', 'dropout', 'monitoring')"
    " AND c.relkind IN ('r', 'p', 'v') AND has_schema_privilege(:role, n.oid, 'USAGE')"
    " AND has_table_privilege(:role, c.oid, :privilege) ORDER BY 1"
)
ALL_TABLES = text(
    "SELECT schemaname || '.' || tablename FROM pg_tables"
    " WHERE schemaname IN ('access', 'staffstuddash', 'dropout', 'monitoring')"
)
CHANGES = ("INSERT", "UPDATE", "DELETE")
BY_ALL = {"INSERT": {"access.key_uses"}, "UPDATE": {"access.key_uses"}, "DELETE": set[str]()}
MANAGED = {"access.api_keys", "access.key_uses", "access.roles"}
# Only staffstuddash makes keys and roles.
WRITTEN_ELSEWHERE = {
    "monitoring": BY_ALL,
    "dropout": BY_ALL,
    "staffstuddash": {"INSERT": MANAGED, "UPDATE": MANAGED, "DELETE": {"access.roles"}},
}
OTHERS = ("TRUNCATE", "REFERENCES", "TRIGGER")


def roles() -> dict[str, ServiceRole]:
    return {role.schema: role for role in service_roles(role_prefix())}


@pytest.fixture
def tables(private_url: str) -> Iterator[dict[str, set[str]]]:
    """Yield, by role and privilege, the tables and views that may be used."""
    with engine_on(private_url).connect() as connection:
        yield {
            f"{schema} {privilege}": set(
                connection.scalars(TABLES, {"role": role.name, "privilege": privilege})
            )
            for schema, role in roles().items()
            for privilege in ("SELECT", *CHANGES, *OTHERS)
        }


@pytest.mark.parametrize("schema", [history.schema for history in SERVICES])
class TestRights:
    """Rights of a role, as PostgreSQL reports them."""

    def test_it_reads_its_schema_the_keys_and_its_declared_views(
        self, tables: dict[str, set[str]], schema: str
    ) -> None:
        foreign = {t for t in tables[f"{schema} SELECT"] if not t.startswith(f"{schema}.")}

        assert foreign == {*roles()[schema].reads}
        assert {"access.api_keys", "access.key_uses", "access.roles"} <= foreign
        assert len(tables[f"{schema} SELECT"]) > len(foreign)

    def test_it_changes_rows_of_its_own_schema_except_the_revision(
        self, tables: dict[str, set[str]], schema: str
    ) -> None:
        for privilege in CHANGES:
            changed = tables[f"{schema} {privilege}"]
            own = {table for table in changed if table.startswith(f"{schema}.")}
            assert own
            assert changed - own == WRITTEN_ELSEWHERE[schema][privilege]
            assert f"{schema}.alembic_version" not in changed

    def test_it_has_no_other_right(self, tables: dict[str, set[str]], schema: str) -> None:
        assert [tables[f"{schema} {privilege}"] for privilege in OTHERS] == [set()] * len(OTHERS)

    def test_a_query_on_a_table_of_another_service_is_refused(
        self, private_url: str, schema: str
    ) -> None:
        engine = engine_on(private_url)
        database = Database.for_bind(engine, role=roles()[schema].name)
        with engine.connect() as connection:
            foreign = [t for t in connection.scalars(ALL_TABLES) if not t.startswith(schema)]
        foreign = [table for table in foreign if table not in roles()[schema].reads]

        assert len(foreign) > 5
        for table in foreign:
            with pytest.raises(ProgrammingError, match="denied"), database.reading() as session:
                session.execute(text(f"SELECT 1 FROM {table}"))

    def test_it_can_neither_create_nor_drop_a_table(self, private_url: str, schema: str) -> None:
        database = Database.for_bind(engine_on(private_url), role=roles()[schema].name)
        for statement in (f"CREATE TABLE {schema}.x (y int)", f"DROP SCHEMA {schema} CASCADE"):
            refused = pytest.raises(ProgrammingError, match=r"denied|owner")
            with refused, database.unit_of_work() as session:
                session.execute(text(statement))

    def test_it_has_its_rights_on_later_tables(self, private_url: str, schema: str) -> None:
        engine = engine_on(private_url)
        with engine.begin() as connection:
            connection.execute(text(f"CREATE TABLE {schema}.later (n int)"))
        with Database.for_bind(engine, role=roles()[schema].name).unit_of_work() as session:
            session.execute(text(f"INSERT INTO {schema}.later VALUES (1)"))
            found = session.scalar(text(f"SELECT n FROM {schema}.later"))

        assert found == 1

    def test_it_reads_keys_and_only_staffstuddash_creates_any(
        self, private_url: str, schema: str
    ) -> None:
        engine = engine_on(private_url)
        key = KeyManager(Database.for_bind(engine)).add_key("lms", [Scope.READ])
        keys = KeyManager(Database.for_bind(engine, role=roles()[schema].name))

        found = keys.find(key)

        assert found is not None
        assert found.name == "lms"
        if schema == "staffstuddash":
            assert keys.find(keys.add_key("another", [Scope.READ])) is not None
            return
        with pytest.raises(ProgrammingError, match="denied"):
            keys.add_key("another", [Scope.ADMIN])

    def test_it_can_check_its_revision(self, private_url: str, schema: str) -> None:
        history = {history.schema: history for history in SERVICES}[schema]

        require_migrated(
            Database.for_bind(engine_on(private_url), role=roles()[schema].name), history
        )


@pytest.mark.parametrize("history", SERVICES, ids=lambda history: history.schema)
def test_a_service_reads_only_the_views_that_it_declares(history: History) -> None:
    import_module(f"{history.package}.main")
    models = [vars(m) for n, m in sys.modules.items() if n.startswith(f"{history.package}.models")]
    tables = {v.fullname for names in models for v in names.values() if isinstance(v, Table)}
    foreign = {name for name in tables if not name.startswith(f"{history.schema}.")}

    assert models
    assert foreign == set(history.reads), "correct `reads` in the service's migrations/__init__.py"


def test_rights_that_are_no_longer_needed_are_revoked(private_url: str) -> None:
    engine, role = engine_on(private_url), roles()["monitoring"]
    with engine.begin() as connection:
        connection.execute(text(f"GRANT ALL ON staffstuddash.students TO {role.name}"))

    migrate_all(engine, role_prefix=role_prefix())

    with engine.connect() as connection:
        values = {"role": role.name, "privilege": "SELECT"}
        assert "staffstuddash.students" not in connection.scalars(TABLES, values).all()
