"""Views for persons: every table is shown with its columns or listed, and no right reaches a table.

A table that is added, or gets a column, fails a test here until its migration shows it.
"""

from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, text

from shared_db.connection.roles import seen_schema
from staffstuddash_service.migrations import HISTORY as STAFFSTUDDASH
from tests.support.databases import engine_on
from tests.support.persons import Managers
from tests.support.server import role_prefix
from veritas_cli.migrations import person_roles, service_roles

SCHEMAS = ("staffstuddash", "dropout")
HIDDEN = {
    "staffstuddash.alembic_version": "no data of the school",
    "staffstuddash.background_work": "state of the service",
    "staffstuddash.student_demographics": "only for the audit of fairness",
    "staffstuddash.published_background_work": "state of the service",
    "staffstuddash.break_glass": "read by the condition of the views, and by reviewers",
    "dropout.published_opened_reads": "only for reviewers of openings",
    "staffstuddash.invitations": "no data of students, and read before there is a limit",
    "staffstuddash.import_jobs": "for those who import, who see all students",
    "staffstuddash.import_pieces": "files of imports, read by the service alone",
    "staffstuddash.mails": "written and read by the service alone",
    "staffstuddash.weekly_digests": "written and read by the service alone",
    "staffstuddash.person_access": "read to admit a person, before there is a limit",
    "staffstuddash.published_memberships": "the condition of the views itself",
    "staffstuddash.holds": "only for those who may erase",
    "staffstuddash.published_holds": "only for retention",
    "dropout.alembic_version": "no data of the school",
    "dropout.background_work": "state of the service",
    "dropout.enrolment_backgrounds": "only for the audit of fairness",
    "dropout.overall_risks": "read only without a limit of rows",
    "dropout.published_background_work": "state of the service",
}
# Shown to every person: rows of no student, pseudonyms, or openings of this person alone.
OF_NOBODY = {
    "staffstuddash": {
        "classes",
        "concept_modules",
        "courses",
        "deletions",
        "organisations",
        "people",
        "published_classes",
        "published_deletions",
        "published_openings",
        "teaching_assignments",
        "terms",
    },
    "dropout": {"courses", "coursework", "deletions", "model_weeks", "models"},
}
REMEDY = (
    "show it in its migration by `show_table` of shared_db/provisioning/person_views.py, with the"
    " condition of its rows, or list it here with the reason"
)

COLUMNS = text(
    "SELECT c.relname, a.attname || ' ' || format_type(a.atttypid, a.atttypmod)"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped"
    " WHERE n.nspname = :schema AND c.relkind IN ('r', 'p', 'v', 'm')"
)
RELATIONS = text(
    "SELECT n.nspname || '.' || c.relname FROM pg_class c"
    " JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')"
    " AND n.nspname NOT LIKE 'pg_toast%' AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f')"
    " AND CASE WHEN c.relkind = 'S' THEN has_sequence_privilege(:role, c.oid, 'USAGE, SELECT')"
    " ELSE has_table_privilege(:role, c.oid, :privileges)"
    " OR has_any_column_privilege(:role, c.oid, 'SELECT, INSERT, UPDATE, REFERENCES') END"
)
DEFINITIONS = text(
    "SELECT c.relname, pg_get_viewdef(c.oid), 'security_barrier=true' = ANY(c.reloptions)"
    " FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
    " WHERE n.nspname = :schema AND c.relkind = 'v'"
)
ALL = "SELECT, INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES, TRIGGER"
ROLES = {role.schema: role for role in person_roles(role_prefix())}


@pytest.fixture
def connection(migrated_url: str) -> Iterator[Connection]:
    """Give a connection to a migrated database."""
    with engine_on(migrated_url).connect() as connection:
        yield connection


def columns(connection: Connection, schema: str) -> dict[str, set[str]]:
    """Return the columns with their types of each table and view of a schema."""
    found: dict[str, set[str]] = {}
    for name, column in connection.execute(COLUMNS, {"schema": schema}):
        found.setdefault(name, set()).add(column)
    return found


@pytest.mark.parametrize("schema", SCHEMAS)
def test_every_table_is_shown_with_all_of_its_columns_or_listed(
    connection: Connection, schema: str
) -> None:
    tables, views = columns(connection, schema), columns(connection, seen_schema(schema))
    hidden = {name.split(".")[1] for name in HIDDEN if name.startswith(f"{schema}.")}

    assert tables.keys() - hidden == views.keys(), REMEDY
    assert hidden <= tables.keys(), "take the tables that are gone off the list"
    differing = [name for name in views if views[name] != tables[name]]
    assert differing == [], f"the view lacks columns or types of its table: {REMEDY}"


@pytest.mark.parametrize("schema", SCHEMAS)
def test_every_view_is_limited_or_listed(connection: Connection, schema: str) -> None:
    found = connection.execute(DEFINITIONS, {"schema": seen_schema(schema)}).all()

    assert {name for name, _, is_barrier in found if not is_barrier} == set()
    unlimited = {name for name, query, _ in found if "published_memberships" not in query}
    assert unlimited == OF_NOBODY[schema]


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_role_reads_the_views_alone(connection: Connection, schema: str) -> None:
    role = ROLES[schema]
    values = {"role": role.name, "privileges": ALL}
    used = set(connection.scalars(RELATIONS, values))
    own = {f"{seen_schema(schema)}.{name}" for name in columns(connection, seen_schema(schema))}

    assert used == own.union(role.reads)
    assert all("_seen." in name for name in used)
    writes = {"role": role.name, "privileges": ALL.removeprefix("SELECT, ")}
    written = text(str(RELATIONS).replace("'SELECT, INSERT, UPDATE", "'INSERT, UPDATE"))
    assert connection.scalars(written, writes).all() == []


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_role_is_no_member_of_another_and_owns_nothing(
    connection: Connection, schema: str
) -> None:
    name = ROLES[schema].name
    query = text(
        "SELECT r.rolsuper OR r.rolbypassrls OR r.rolcreaterole OR r.rolcreatedb OR r.rolcanlogin,"
        " ARRAY(SELECT m.roleid::regrole::text FROM pg_auth_members m WHERE m.member = r.oid),"
        " (SELECT count(*) FROM pg_class c WHERE c.relowner = r.oid),"
        " ARRAY(SELECT n.nspname::text FROM pg_namespace n WHERE nspname !~ '^(pg_|information|"
        "public)' AND has_schema_privilege(r.oid, n.oid, 'USAGE, CREATE') ORDER BY 1)"
        " FROM pg_roles r WHERE r.rolname = :name"
    )
    found = connection.execute(query, {"name": name}).one()

    assert list(found[:3]) == [False, [], 0]
    assert set(found[3]) == {
        seen_schema(schema),
        *(view.partition(".")[0] for view in ROLES[schema].reads),
    }


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_role_calls_no_function_with_the_rights_of_another(
    connection: Connection, schema: str
) -> None:
    query = text(
        "SELECT p.oid::regprocedure::text FROM pg_proc p JOIN pg_namespace n"
        " ON n.oid = p.pronamespace WHERE p.prosecdef"
        " AND n.nspname NOT IN ('pg_catalog', 'information_schema')"
        " AND has_function_privilege(:role, p.oid, 'EXECUTE')"
    )

    assert connection.scalars(query, {"role": ROLES[schema].name}).all() == []


def test_no_table_has_row_security(connection: Connection) -> None:
    """COPY FROM is refused to a role under row security."""
    query = text("SELECT relname FROM pg_class WHERE relrowsecurity OR relforcerowsecurity")

    assert connection.scalars(query).all() == []


def test_rights_on_later_tables_reach_the_service_alone(private_url: str) -> None:
    with engine_on(private_url).begin() as connection:
        for schema in SCHEMAS:
            connection.execute(text(f"CREATE TABLE {schema}.later (n int)"))
            connection.execute(text(f"CREATE TABLE {seen_schema(schema)}.later (n int)"))
        query = text("SELECT has_table_privilege(:role, :table, :privileges)")
        for role in (*person_roles(role_prefix()), *service_roles(role_prefix())):
            for schema in (role.schema, seen_schema(role.schema)):
                if schema.split("_")[0] not in SCHEMAS:
                    continue
                values = {"role": role.name, "table": f"{schema}.later", "privileges": ALL}
                is_own = schema == role.schema and role.name not in {r.name for r in ROLES.values()}
                assert connection.scalar(query, values) is is_own


def test_views_of_dropout_outlive_a_downgrade_of_staffstuddash(private_url: str) -> None:
    engine = engine_on(private_url)
    seen = text("SELECT id FROM dropout_seen.students")

    def rows() -> list[str]:
        with engine.connect() as connection:
            connection.execute(text("SELECT set_config('veritas.person', 's001', true)"))
            return list(connection.scalars(seen))

    managers = Managers.on(engine)
    managers.staffstuddash.add_student("s001", "Ada")
    managers.dropout.students.add("s001")
    before = rows()
    STAFFSTUDDASH.downgrade(engine, "20261129_aliases")
    meanwhile = rows()
    STAFFSTUDDASH.upgrade(engine)

    assert (before, meanwhile, rows()) == (["s001"], [], ["s001"])
