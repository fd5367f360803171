"""Migrations of all schemas, in the order in which they depend on one another."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from sqlalchemy import Connection, Engine

from dropout_service.migrations import HISTORY as DROPOUT
from monitoring_service.migrations import HISTORY as MONITORING
from shared_db.connection.roles import person_role_name, role_name
from shared_db.provisioning.grants import (
    GrantedRole,
    PersonRole,
    RolesRefused,
    ServiceRole,
    make_roles,
)
from shared_db.provisioning.migration_lease import LEASE_SCHEMA, held_lease
from shared_db.provisioning.migrations import History
from shared_web.auth.migrations import CALLED_BY_ALL, READ_BY_ALL, WRITTEN_BY_ALL
from shared_web.auth.migrations import HISTORY as ACCESS
from staffstuddash_service.migrations import HISTORY as STAFFSTUDDASH

# dropout reads views of staffstuddash, so it comes after it.
SERVICES: tuple[History, ...] = (STAFFSTUDDASH, DROPOUT, MONITORING)
HISTORIES: tuple[History, ...] = (ACCESS, *SERVICES)
SCHEMAS = tuple(schema for history in HISTORIES for schema in history.schemas)
OWNED_SCHEMAS = (*SCHEMAS, LEASE_SCHEMA)

ROLE_PREFIX = "veritas"
_NO_LOGINS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Step:
    """Migration of one schema; current: its revision, or None if it does not exist."""

    history: History
    current: str | None

    @property
    def head(self) -> str:
        """The revision of this release."""
        return self.history.head()

    @property
    def is_needed(self) -> bool:
        """Return True if the schema is not at this release's revision."""
        return self.current != self.head

    def __str__(self) -> str:
        """Return the change as one line."""
        change = f"{self.current or 'new'} -> {self.head}" if self.is_needed else "is up to date"
        return f"{self.history.schema:<14} {change}"


def steps(connection: Connection) -> list[Step]:
    """Return the migration of each schema, in order."""
    return [Step(history, history.current(connection)) for history in HISTORIES]


def service_roles(prefix: str = ROLE_PREFIX) -> list[ServiceRole]:
    """Return the role of each service."""
    return [
        ServiceRole(
            role_name(prefix, history.schema),
            history.schema,
            (*history.reads, *READ_BY_ALL),
            (*history.writes, *WRITTEN_BY_ALL),
            (*history.calls, *CALLED_BY_ALL),
            history.appends,
        )
        for history in SERVICES
    ]


def person_roles(prefix: str = ROLE_PREFIX) -> list[PersonRole]:
    """Return the role for requests of a person of each service with rows of students."""
    return [
        PersonRole(
            person_role_name(prefix, history.schema), history.schema, history.reads_for_persons
        )
        for history in SERVICES
        if history.has_person_views
    ]


def all_roles(prefix: str = ROLE_PREFIX) -> list[GrantedRole]:
    """Return the roles that migrations make."""
    return [*service_roles(prefix), *person_roles(prefix)]


def migrate_all(
    engine: Engine,
    *,
    role_prefix: str = ROLE_PREFIX,
    logins: Mapping[str, str] = _NO_LOGINS,
    on_step: Callable[[Step], None] = lambda _step: None,
) -> str | None:
    """Migrate every schema to this release's revision, and make the roles of the services.

    logins: by schema, the login of a service that has its own. on_step: called after each schema.
    Return the reason if the roles could not be made, else None.

    Raises:
        MigrationInProgress: another process migrates and does not finish in time.
        LockTimeout: a table was locked for too long.

    """
    with held_lease(engine) as lease:
        for history in HISTORIES:
            with engine.connect() as connection:
                step = Step(history, history.current(connection))
            history.upgrade_under(lease)
            on_step(step)
        try:
            make_roles(engine, all_roles(role_prefix), SCHEMAS, logins)
        except RolesRefused as refusal:
            return str(refusal)
    return None
