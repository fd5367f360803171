"""All schemas of the one database, in the order in which their migrations build on one another."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sqlalchemy import Connection, Engine

from dropout_service.migrations import HISTORY as DROPOUT
from monitoring_service.migrations import HISTORY as MONITORING
from shared_db.connection.roles import role_name
from shared_db.provisioning.grants import RolesRefused, ServiceRole, make_roles
from shared_db.provisioning.migration_lease import LEASE_SCHEMA, held_lease
from shared_db.provisioning.migrations import History
from shared_web.auth.migrations import HISTORY as ACCESS
from shared_web.auth.migrations import KEYS
from staffstuddash_service.migrations import HISTORY as STAFFSTUDDASH

# dropout reads what staffstuddash publishes, so it comes after it.
SERVICES: tuple[History, ...] = (STAFFSTUDDASH, DROPOUT, MONITORING)
HISTORIES: tuple[History, ...] = (ACCESS, *SERVICES)
SCHEMAS = tuple(history.schema for history in HISTORIES)
OWNED_SCHEMAS = (*SCHEMAS, LEASE_SCHEMA)

ROLE_PREFIX = "veritas"
_NO_LOGINS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Step:
    """A schema that is at one revision and is to be at another; None if it is not there yet."""

    history: History
    current: str | None

    @property
    def head(self) -> str:
        """The revision of this release."""
        return self.history.head()

    @property
    def is_needed(self) -> bool:
        """Tell whether there is something to do."""
        return self.current != self.head

    def __str__(self) -> str:
        """Say it in one line."""
        change = f"{self.current or 'new'} -> {self.head}" if self.is_needed else "is up to date"
        return f"{self.history.schema:<14} {change}"


def steps(connection: Connection) -> list[Step]:
    """Return where each schema is, in the order of migrating."""
    return [Step(history, history.current(connection)) for history in HISTORIES]


def service_roles(prefix: str = ROLE_PREFIX) -> list[ServiceRole]:
    """Return the role of each service."""
    return [
        ServiceRole(role_name(prefix, history.schema), history.schema, (*history.reads, KEYS))
        for history in SERVICES
    ]


def migrate_all(
    engine: Engine,
    *,
    role_prefix: str = ROLE_PREFIX,
    logins: Mapping[str, str] = _NO_LOGINS,
    tell: Callable[[Step], None] = lambda _step: None,
) -> str | None:
    """Bring every schema to this release's revision, and make the roles of the services.

    logins: by schema, the login of a service that has one of its own.
    Return why the roles could not be made, or None if they are there.

    Raises:
        Migrating: another process does the same and does not come to an end.
        TableInUse: a table was locked for too long.

    """
    with held_lease(engine) as lease:
        for history in HISTORIES:
            with engine.connect() as connection:
                step = Step(history, history.current(connection))
            history.upgrade_under(lease)
            tell(step)
        try:
            make_roles(engine, service_roles(role_prefix), SCHEMAS, logins)
        except RolesRefused as refusal:
            return str(refusal)
    return None
