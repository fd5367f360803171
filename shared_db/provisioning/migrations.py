"""Alembic migrations: each service has its own history in its own schema."""

import io
from dataclasses import dataclass
from functools import cache, partial

from alembic import command, context
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData, text

from shared_db.connection.database import Database
from shared_db.connection.roles import seen_schema
from shared_db.errors import ConfigurationError, DatabaseBusy, DatabaseUnavailable
from shared_db.provisioning.grants import Grant
from shared_db.provisioning.migration_lease import LOCK_TIMEOUT_SECONDS, Lease, held_lease


@dataclass(frozen=True)
class History:
    """Migrations of one package, and the schema of their tables.

    reads: views of other services that this service reads, as `schema.view`. writes: its rights to
    change rows of other schemas. calls: functions that it calls, as `schema.function(type, ...)`.
    reads_for_persons: views that it reads in requests of a person. has_person_views: True if there
    is a schema of views for persons. appends: own tables whose rows it neither changes nor deletes.
    """

    package: str
    schema: str
    reads: tuple[str, ...] = ()
    writes: tuple[Grant, ...] = ()
    calls: tuple[str, ...] = ()
    reads_for_persons: tuple[str, ...] = ()
    has_person_views: bool = False
    appends: tuple[str, ...] = ()

    @property
    def schemas(self) -> tuple[str, ...]:
        """Schemas that the migrations make."""
        return (self.schema, seen_schema(self.schema)) if self.has_person_views else (self.schema,)

    def config(self, connection: Connection | None = None) -> Config:
        """Return Alembic's configuration for this history."""
        config = Config()
        config.set_main_option("script_location", f"{self.package}:migrations")
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        return config

    @cache  # noqa: B019 - there are as many histories as packages
    def head(self) -> str:
        """Return the newest revision of this release; searched once in a process."""
        head = ScriptDirectory.from_config(self.config()).get_current_head()
        if head is None:
            raise LookupError(f"{self.package} has no migrations")
        return head

    def revisions(self) -> list[str]:
        """Return all revisions, the oldest first."""
        scripts = ScriptDirectory.from_config(self.config()).walk_revisions()
        return [script.revision for script in scripts][::-1]

    def current(self, connection: Connection) -> str | None:
        """Return the revision of the database, or None if it was never migrated."""
        options = {"version_table_schema": self.schema}
        return MigrationContext.configure(connection, opts=options).get_current_revision()

    def upgrade(self, engine: Engine, revision: str = "head") -> None:
        """Upgrade the schema to `revision` in one transaction; a second process waits."""
        with held_lease(engine) as lease:
            self.upgrade_under(lease, revision)

    def upgrade_under(self, lease: Lease, revision: str = "head") -> None:
        """Upgrade the schema to `revision` in one transaction, under a lease that is held already.

        A migration with an `autocommit_block` commits the steps before it.

        Raises:
            LockTimeout: a lock was not granted in time; nothing is changed.

        """
        # Alembic begins the transaction, so that a migration can end it (`autocommit_block`).
        with lease.connection() as connection:
            command.upgrade(self.config(connection), revision)

    def downgrade(self, engine: Engine, revision: str) -> None:
        """Downgrade the schema to `revision` in one transaction."""
        with held_lease(engine) as lease, lease.connection() as connection:
            command.downgrade(self.config(connection), revision)

    def sql(self, current: str | None) -> str:
        """Return the SQL that upgrades the schema from `current` to this release.

        current: a revision, or None for a schema that does not exist yet.
        """
        config = self.config()
        config.output_buffer = io.StringIO()
        command.upgrade(config, f"{current or 'base'}:head", sql=True)
        limit = f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_SECONDS:g}s'"
        first = f"BEGIN;\n\n{limit};\n\n{_create_schema(self.schema)};"
        return config.output_buffer.getvalue().replace("BEGIN;", first, 1)


def require_migrated(database: Database, history: History) -> None:
    """Check that the schema is at the revision of this release.

    While the database is away, the check is postponed until it is back.

    Raises:
        ConfigurationError: it was never migrated, or is at another revision.

    """
    if database.use_fallback:
        return
    try:
        with database.reading() as session:
            check_migrated(history, session.connection())
    except (DatabaseUnavailable, DatabaseBusy):
        database.add_recovery_check(partial(check_migrated, history))


def check_migrated(history: History, connection: Connection) -> None:
    """Check that the schema is at the revision of this release, on this connection.

    Raises:
        ConfigurationError: it was never migrated, or is at another revision.

    """
    current = history.current(connection)
    if current != history.head():
        raise ConfigurationError(
            f"The schema {history.schema} is at revision {current or 'none'}, this release needs "
            f"{history.head()}. Run `veritas migrate`."
        )


def _create_schema(schema: str) -> str:
    return f'CREATE SCHEMA IF NOT EXISTS "{schema}"'


def run_migrations(metadata: MetaData) -> None:
    """Run or print the migrations that Alembic selected; `migrations/env.py` calls this."""
    if context.is_offline_mode():
        context.configure(
            dialect_name="postgresql",
            target_metadata=metadata,
            version_table_schema=metadata.schema,
            literal_binds=True,
        )
        with context.begin_transaction():
            context.run_migrations()
        return
    connection: Connection = context.config.attributes["connection"]
    context.configure(
        connection=connection,
        target_metadata=metadata,
        version_table_schema=metadata.schema,
    )
    with context.begin_transaction():
        connection.execute(text(_create_schema(str(metadata.schema))))
        context.run_migrations()
