"""Roles of the services, with the least privileges; granted again after every migration."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from shared_db.connection.roles import seen_schema
from shared_db.errors import ConfigurationError

_NOT_ALLOWED = "42501"
_MADE_BY_ANOTHER = {"23505", "42710"}
# Roles belong to the server: a migration of another database changes the same rows. The code is
# that of any internal error, and its text is never translated.
_INTERNAL, _AT_THE_SAME_TIME = "XX000", "concurrently"
_ATTEMPTS = 20

_IS_THERE = text("SELECT 1 FROM pg_roles WHERE rolname = :name")
_IS_MEMBER = text(
    "SELECT pg_has_role(CAST(:login AS name), CAST(:role AS name), CASE WHEN"
    " current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END)"
)
_ROWS = "SELECT, INSERT, UPDATE, DELETE"


class RolesRefused(ConfigurationError):
    """The login may not create the roles; without them the services share the login's rights."""


@dataclass(frozen=True)
class Grant:
    """Rights of a service on one table of another schema, beside those to read.

    table: as `schema.table`. privileges: as in SQL, such as `INSERT, UPDATE`.
    """

    table: str
    privileges: str


@dataclass(frozen=True)
class GrantedRole(ABC):
    """Role that the login of one service takes. reads: views of other schemas, with the schema."""

    name: str
    schema: str
    reads: tuple[str, ...]

    def privileges(self, schemas: Iterable[str]) -> Iterator[str]:
        """Yield the SQL that gives the role exactly its rights on these schemas."""
        for other in schemas:
            yield f"REVOKE ALL ON ALL TABLES IN SCHEMA {other} FROM {self.name}"
            yield f"REVOKE ALL ON ALL FUNCTIONS IN SCHEMA {other} FROM {self.name}"
        yield from self._own_privileges()
        for view in self.reads:
            yield f"GRANT USAGE ON SCHEMA {view.partition('.')[0]} TO {self.name}"
            yield f"GRANT SELECT ON {view} TO {self.name}"

    @abstractmethod
    def _own_privileges(self) -> Iterator[str]:
        """Yield the SQL of the rights on the service's own schema, and of further ones."""


@dataclass(frozen=True)
class ServiceRole(GrantedRole):
    """Role of one service: all rows of its own schema, and its declared rights on others.

    writes: tables whose rows it may change. calls: functions that it may call and others may not,
    with the types of their arguments. appends: own tables whose rows it never changes.
    """

    writes: tuple[Grant, ...] = ()
    calls: tuple[str, ...] = ()
    appends: tuple[str, ...] = ()

    def _own_privileges(self) -> Iterator[str]:
        yield f"GRANT USAGE ON SCHEMA {self.schema} TO {self.name}"
        yield f"GRANT {_ROWS} ON ALL TABLES IN SCHEMA {self.schema} TO {self.name}"
        yield f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA {self.schema} TO {self.name}"
        # Only migrations set the revision of the tables.
        version = f"{self.schema}.alembic_version"
        yield f"REVOKE INSERT, UPDATE, DELETE ON {version} FROM {self.name}"
        later = f"ALTER DEFAULT PRIVILEGES IN SCHEMA {self.schema} GRANT"
        yield f"{later} {_ROWS} ON TABLES TO {self.name}"
        yield f"{later} USAGE, SELECT ON SEQUENCES TO {self.name}"
        for table in self.appends:
            yield f"REVOKE UPDATE, DELETE ON {table} FROM {self.name}"
        for grant in self.writes:
            yield f"GRANT USAGE ON SCHEMA {grant.table.partition('.')[0]} TO {self.name}"
            yield f"GRANT {grant.privileges} ON {grant.table} TO {self.name}"
        for function in self.calls:
            yield f"GRANT USAGE ON SCHEMA {function.partition('.')[0]} TO {self.name}"
            # A dump without privileges loses the revocation of the migration.
            yield f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC"
            yield f"GRANT EXECUTE ON FUNCTION {function} TO {self.name}"


class PersonRole(GrantedRole):
    """Role of one service for requests of a person: reads views, and has no right on a table."""

    def _own_privileges(self) -> Iterator[str]:
        views = seen_schema(self.schema)
        yield f"GRANT USAGE ON SCHEMA {views} TO {self.name}"
        yield f"GRANT SELECT ON ALL TABLES IN SCHEMA {views} TO {self.name}"


def make_roles(
    engine: Engine, roles: Iterable[GrantedRole], schemas: Iterable[str], logins: Mapping[str, str]
) -> None:
    """Create the missing roles, grant them their rights, and grant the roles to the logins.

    schemas: all schemas of Veritas. logins: by schema, the login of that service, if it has its
    own.

    Raises:
        RolesRefused: this login may not create or grant roles; nothing is changed.

    """
    chosen, of_ours = tuple(roles), tuple(schemas)

    def make(connection: Connection) -> None:
        for role in chosen:
            _make_role(connection, role, of_ours, logins.get(role.schema))

    retry_role_change(engine, make)


def retry_role_change(engine: Engine, change: Callable[[Connection], None]) -> None:
    """Run the change in one transaction; repeat it if another process changed the same roles.

    Raises:
        RolesRefused: this login may not change the roles; nothing is changed.

    """
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            with engine.begin() as connection:
                change(connection)
        except DBAPIError as failure:
            code = getattr(failure.orig, "pgcode", None)
            if code == _NOT_ALLOWED:
                reason = str(failure.orig).strip().partition("\n")[0]
                raise RolesRefused(reason) from failure
            if not _was_at_the_same_time(failure) or attempt == _ATTEMPTS:
                raise
            time.sleep(0.05 * attempt)
        else:
            return


def _was_at_the_same_time(failure: DBAPIError) -> bool:
    code = getattr(failure.orig, "pgcode", None)
    return code in _MADE_BY_ANOTHER or (
        code == _INTERNAL and _AT_THE_SAME_TIME in str(failure.orig)
    )


def can_create_roles(connection: Connection) -> bool:
    """Return True if this login may create roles; many hosted servers do not allow it."""
    query = "SELECT rolsuper OR rolcreaterole FROM pg_roles WHERE rolname = current_user"
    return bool(connection.scalar(text(query)))


def missing_grants(
    connection: Connection, role: GrantedRole, login: str | None = None
) -> list[str]:
    """Return the SQL that creates the role and grants it to this user and the login, if missing."""
    statements = []
    name = _quoted(connection, role.name)
    is_new = connection.scalar(_IS_THERE, {"name": role.name}) is None
    if is_new:
        statements.append(f"CREATE ROLE {name} NOLOGIN")
    ourselves = connection.scalar(text("SELECT current_user")) or ""
    members = [
        member
        for member in dict.fromkeys((ourselves, login or ourselves))
        if is_new or not _has(connection, member, role.name)
    ]
    return statements + [f"GRANT {name} TO {_quoted(connection, member)}" for member in members]


def _make_role(
    connection: Connection, role: GrantedRole, schemas: tuple[str, ...], login: str | None
) -> None:
    statements = missing_grants(connection, role, login)
    if statements and statements[0].startswith("CREATE"):
        _create(connection, statements[0])
        statements = missing_grants(connection, role, login)
    for statement in (*statements, *role.privileges(schemas)):
        connection.execute(text(statement))


def _create(connection: Connection, statement: str) -> None:
    try:
        with connection.begin_nested():
            connection.execute(text(statement))
    except DBAPIError as failure:
        if getattr(failure.orig, "pgcode", None) not in _MADE_BY_ANOTHER:
            raise


def _has(connection: Connection, login: str, role: str) -> bool:
    if connection.scalar(_IS_THERE, {"name": login}) is None:
        return True  # a pooler invented the name: there is no such user to grant it to
    return bool(connection.scalar(_IS_MEMBER, {"login": login, "role": role}))


def _quoted(connection: Connection, name: str) -> str:
    return connection.dialect.identifier_preparer.quote(name)
