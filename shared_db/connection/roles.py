"""The role under which a service works: a guard against its mistakes, not against attackers.

One login may serve all services. Each unit of work then takes the role of its service for the time
of the transaction, so that a wrong query meets a refusal instead of another service's rows.
"""

from dataclasses import dataclass

from sqlalchemy import text
from sqlalchemy.orm import Session

# SET ROLE asks the login, not whatever role is taken now. Before PostgreSQL 16 members may always.
# A role of that name may be another database's, and have no rights in this one.
_MAY_TAKE = text(
    "SELECT pg_has_role(session_user, oid, CASE WHEN"
    " current_setting('server_version_num')::int >= 160000 THEN 'SET' ELSE 'MEMBER' END)"
    " AND has_schema_privilege(oid, to_regnamespace(:schema)::oid, 'USAGE')"
    " FROM pg_roles WHERE rolname = :name"
)


def role_name(prefix: str, schema: str) -> str:
    """Return the name of the role that owns nothing and may use this schema."""
    return f"{prefix}_{schema}"


def may_take(session: Session, name: str, schema: str) -> bool:
    """Tell whether the login may take the role, and the role use the schema.

    False also where one of them is not there.
    """
    return bool(session.scalar(_MAY_TAKE, {"name": name, "schema": schema}))


@dataclass
class Role:
    """A role to take where the login may; the server is asked once, when it first answers."""

    name: str
    schema: str = ""
    is_taken: bool | None = None

    def taken_in(self, session: Session) -> str | None:
        """Return the role's name if it is to be taken, None where the login may not."""
        if self.is_taken is None:
            self.is_taken = may_take(session, self.name, self.schema)
        return self.name if self.is_taken else None
