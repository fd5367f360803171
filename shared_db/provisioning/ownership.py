"""Transfer of a database from a superuser to an owner that is no superuser.

The superuser that created the server cannot be demoted, and `REASSIGN OWNED` does not work on its
objects: so each object is given to the owner by name. Objects that it owns already are not locked.
"""

from collections.abc import Sequence

from sqlalchemy import Connection, Engine, text

from shared_db.errors import ConfigurationError
from shared_db.provisioning.grants import retry_role_change
from shared_db.provisioning.login_roles import Login, password_verifier
from shared_db.provisioning.migration_lease import LOCK_TIMEOUT_SECONDS

_FOUND = text("SELECT rolsuper FROM pg_roles WHERE rolname = :name")
_IS_SUPERUSER = text("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")

# A column's sequences follow its table, and so do indexes and parts of partitions.
_TO_HAND_OVER = text("""
WITH owner AS (SELECT oid, quote_ident(rolname) AS name FROM pg_roles WHERE rolname = :owner),
ours AS (SELECT oid FROM pg_namespace WHERE nspname = ANY(:schemas))
SELECT format('ALTER DATABASE %I OWNER TO %s', datname, owner.name)
  FROM pg_database, owner WHERE datname = current_database() AND datdba <> owner.oid
UNION ALL
SELECT format('ALTER SCHEMA %I OWNER TO %s', nspname, owner.name)
  FROM pg_namespace n, owner WHERE n.oid IN (SELECT oid FROM ours) AND nspowner <> owner.oid
UNION ALL
SELECT format('ALTER %s %s OWNER TO %s', CASE relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW'
              WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END, c.oid\\:\\:regclass, owner.name)
  FROM pg_class c, owner
  WHERE relnamespace IN (SELECT oid FROM ours) AND relowner <> owner.oid
    AND relkind IN ('r', 'p', 'v', 'm', 'S') AND NOT EXISTS (
      SELECT FROM pg_depend d WHERE d.classid = 'pg_class'\\:\\:regclass AND d.objid = c.oid
      AND relkind = 'S' AND deptype IN ('a', 'i'))
UNION ALL
SELECT format('ALTER ROUTINE %s OWNER TO %s', p.oid\\:\\:regprocedure, owner.name)
  FROM pg_proc p, owner WHERE pronamespace IN (SELECT oid FROM ours) AND proowner <> owner.oid
UNION ALL
SELECT format('ALTER TYPE %s OWNER TO %s', t.oid\\:\\:regtype, owner.name)
  FROM pg_type t, owner
  WHERE typnamespace IN (SELECT oid FROM ours) AND typowner <> owner.oid AND typtype IN ('e', 'd')
""")

# Since PostgreSQL 16 a user with CREATEROLE can change only roles for which it has the ADMIN
# OPTION. The services' logins are the members of their roles; the owner does not inherit their
# rights.
_TO_ADMINISTER = text("""
WITH ours AS (SELECT oid FROM pg_roles WHERE rolname = ANY(:roles)),
logins AS (SELECT member FROM pg_auth_members WHERE roleid IN (SELECT oid FROM ours))
SELECT format('GRANT %I TO %I WITH ADMIN TRUE%s', r.rolname, owner.rolname,
         CASE WHEN r.oid IN (SELECT member FROM logins) THEN ', INHERIT FALSE, SET FALSE' END)
  FROM pg_roles r, pg_roles owner
  WHERE owner.rolname = :owner AND r.oid <> owner.oid AND NOT r.rolsuper
    AND r.oid IN (SELECT oid FROM ours UNION SELECT member FROM logins)
    AND current_setting('server_version_num')\\:\\:int >= 160000
    AND NOT EXISTS (SELECT FROM pg_auth_members m
      WHERE m.roleid = r.oid AND m.member = owner.oid AND m.admin_option)
""")


def hand_over(engine: Engine, owner: Login, schemas: Sequence[str], roles: Sequence[str]) -> int:
    """Create the owner, or set its password, and transfer all objects to it.

    Returns the number of changes. The owner may create roles, and owns the database and the objects
    in these schemas. roles: roles of the services; the owner may grant those that exist, and change
    the logins that have them.

    Raises:
        ConfigurationError: this user is no superuser, or the owner is one.

    """
    changed: list[str] = []

    def change(connection: Connection) -> None:
        changed.clear()
        connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_SECONDS:g}s'"))
        _make_owner(connection, owner)
        for query, names in ((_TO_HAND_OVER, "schemas"), (_TO_ADMINISTER, "roles")):
            values = {"schemas": list(schemas), "roles": list(roles)}[names]
            changed.extend(connection.scalars(query, {"owner": owner.name, names: values}))
        for statement in changed:
            connection.execute(text(statement.replace(":", r"\:")))

    retry_role_change(engine, change)
    return len(changed)


def _make_owner(connection: Connection, owner: Login) -> None:
    if not connection.scalar(_IS_SUPERUSER):
        raise ConfigurationError(
            "Only a superuser of the server can hand the database over to another owner."
        )
    is_superuser = connection.scalar(_FOUND, {"name": owner.name})
    if is_superuser:
        raise ConfigurationError(
            f"{owner.name} is a superuser, so it cannot be the owner with less. Name another login "
            "in DATABASE_ADMIN_URL; Veritas makes it."
        )
    verb = "CREATE" if is_superuser is None else "ALTER"
    name = connection.dialect.identifier_preparer.quote(owner.name).replace(":", r"\:")
    statement = text(f"{verb} ROLE {name} LOGIN CREATEROLE PASSWORD :verifier")
    connection.execute(statement, {"verifier": password_verifier(connection, owner)})
