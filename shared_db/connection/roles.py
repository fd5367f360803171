"""Role under which a service works: a guard against its mistakes, not against attackers.

One login may serve all services. Each unit of work then takes the role of its service for the
transaction, so that PostgreSQL refuses a wrong query on another service's rows.
"""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

# SET ROLE checks the login, not the role that is taken now. Before PostgreSQL 16 every member may.
# A role of that name may belong to another database, and have no rights in this one.
_MAY_TAKE = text(
    "SELECT pg_has_role(session_user, oid, CASE WHEN"
    " current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END)"
    " AND has_schema_privilege(oid, to_regnamespace(:schema)::oid, 'USAGE')"
    " FROM pg_roles WHERE rolname = :name"
)


def role_name(prefix: str, schema: str) -> str:
    """Return the name of the role that owns nothing and may use this schema."""
    return f"{prefix}_{schema}"


def person_role_name(prefix: str, schema: str) -> str:
    """Return the name of the role that sees one person's rows of this schema, and writes none."""
    return f"{role_name(prefix, schema)}_person"


def seen_schema(schema: str) -> str:
    """Return the name of the schema with the views for persons on the tables of `schema`."""
    return f"{schema}_seen"


def may_take(session: Session, name: str, schema: str) -> bool:
    """Return True if the login may take the role, and the role may use the schema.

    False, too, if the role or the schema does not exist.
    """
    return bool(session.scalar(_MAY_TAKE, {"name": name, "schema": schema}))


@dataclass
class Role:
    """Role to take if the login may; the server is asked once, when it first answers."""

    name: str
    schema: str = ""
    is_taken: bool | None = None

    def taken_in(self, session: Session) -> str | None:
        """Return the role's name if the login may take it, else None."""
        if self.is_taken is None:
            self.is_taken = may_take(session, self.name, self.schema)
        return self.name if self.is_taken else None
