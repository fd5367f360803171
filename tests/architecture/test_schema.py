"""The models and the migrations make the same tables, and every migration can be taken back."""

import pytest
from sqlalchemy import Connection, MetaData, text

from dropout_service.models import Base as DropoutBase
from monitoring_service.models import Base as MonitoringBase
from shared_db.provisioning.migrations import History
from shared_web.auth.keys import AccessBase
from staffstuddash_service.models import Base as StaffstuddashBase
from tests.support.databases import engine_on
from veritas_cli.migrations import HISTORIES, migrate_all

METADATA = {
    str(base.metadata.schema): base.metadata
    for base in (AccessBase, StaffstuddashBase, DropoutBase, MonitoringBase)
}

# PostgreSQL's own description of the tables, which no comparison of models can miss.
COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
       l.collname, pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN pg_collation l ON l.oid = a.attcollation
LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
WHERE n.nspname = :schema AND c.relkind IN ('r', 'p') AND NOT c.relispartition
    AND c.relname <> 'alembic_version'
ORDER BY 1, 2
"""
CONSTRAINTS = """
SELECT t.conrelid::regclass::text, t.conname, pg_get_constraintdef(t.oid)
FROM pg_constraint t JOIN pg_namespace n ON n.oid = t.connamespace
JOIN pg_class c ON c.oid = t.conrelid AND NOT c.relispartition
WHERE n.nspname = :schema AND t.conname <> 'alembic_version_pkc' AND t.contype <> 'n'
ORDER BY 1, 2
"""
INDEXES = """
SELECT tablename, indexname, indexdef FROM pg_indexes
JOIN pg_class c ON c.oid = format('%I.%I', schemaname, tablename)::regclass AND NOT c.relispartition
WHERE schemaname = :schema AND tablename <> 'alembic_version' ORDER BY 1, 2
"""


def described(connection: Connection, schema: str) -> dict[str, list[tuple[object, ...]]]:
    queries = {"columns": COLUMNS, "constraints": CONSTRAINTS, "indexes": INDEXES}
    return {
        name: [tuple(row) for row in connection.execute(text(query), {"schema": schema})]
        for name, query in queries.items()
    }


@pytest.fixture
def by_migrations(migrated_url: str, schema: str) -> dict[str, list[tuple[object, ...]]]:
    """Describe the schema as the migrations made it."""
    with engine_on(migrated_url).connect() as connection:
        return described(connection, schema)


@pytest.mark.parametrize("schema", METADATA)
def test_migrations_make_what_the_models_say(
    by_migrations: dict[str, list[tuple[object, ...]]], schema: str, empty_url: str
) -> None:
    with engine_on(empty_url).begin() as connection:
        connection.execute(text(f"CREATE SCHEMA {schema}"))
        METADATA[schema].create_all(connection)
        by_models = described(connection, schema)

    assert by_models["columns"]
    assert by_migrations == by_models


def test_every_schema_has_a_history() -> None:
    assert {history.schema for history in HISTORIES} == set(METADATA)


def test_migrations_can_be_taken_back_and_made_again(empty_url: str) -> None:
    engine = engine_on(empty_url)
    migrate_all(engine)
    for history in reversed(HISTORIES):
        history.downgrade(engine, "base")
    with engine.connect() as connection:
        left = [described(connection, schema)["columns"] for schema in METADATA]
    migrate_all(engine)

    assert left == [[], [], [], []]
    with engine.connect() as connection:
        assert [h.current(connection) for h in HISTORIES] == [h.head() for h in HISTORIES]


def test_migrating_twice_changes_nothing(private_url: str) -> None:
    engine = engine_on(private_url)
    migrate_all(engine)

    with engine.connect() as connection:
        assert all(h.current(connection) == h.head() for h in HISTORIES)


def foreign_schemas(metadata: MetaData) -> set[str | None]:
    keys = (key for table in metadata.tables.values() for key in table.foreign_keys)
    return {key.column.table.schema for key in keys} - {metadata.schema}


@pytest.mark.parametrize("schema", METADATA)
def test_no_foreign_key_leaves_its_schema(schema: str) -> None:
    assert foreign_schemas(METADATA[schema]) == set()


def test_a_history_without_migrations_is_an_error() -> None:
    with pytest.raises(Exception, match="nothing_here"):
        History("nothing_here", "nothing").head()
