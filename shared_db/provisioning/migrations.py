"""Alembic for one service at a time: each has its own history in its own schema."""

import io
from dataclasses import dataclass
from functools import cache, partial

from alembic import command, context
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData, text

from shared_db.connection.database import Database
from shared_db.errors import ConfigurationError, DatabaseBusy, DatabaseUnavailable
from shared_db.provisioning.migration_lease import LOCK_TIMEOUT_SECONDS, Lease, held_lease


@dataclass(frozen=True)
class History:
    """The migrations of one package, and the schema whose tables they make.

    reads: what others publish and this service reads, as `schema.view`.
    """

    package: str
    schema: str
    reads: tuple[str, ...] = ()

    def config(self, connection: Connection | None = None) -> Config:
        """Return Alembic's configuration for this history."""
        config = Config()
        config.set_main_option("script_location", f"{self.package}:migrations")
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        return config

    @cache  # noqa: B019 - there are as many histories as packages
    def head(self) -> str:
        """Return the newest revision this release knows; looked for once in a process."""
        head = ScriptDirectory.from_config(self.config()).get_current_head()
        if head is None:
            raise LookupError(f"{self.package} has no migrations")
        return head

    def revisions(self) -> list[str]:
        """Return all revisions, the oldest first."""
        scripts = ScriptDirectory.from_config(self.config()).walk_revisions()
        return [script.revision for script in scripts][::-1]

    def current(self, connection: Connection) -> str | None:
        """Return the revision the database is at, or None when it was never migrated."""
        options = {"version_table_schema": self.schema}
        return MigrationContext.configure(connection, opts=options).get_current_revision()

    def upgrade(self, engine: Engine, revision: str = "head") -> None:
        """Bring the schema to `revision` in one transaction; a second process waits its turn."""
        with held_lease(engine) as lease:
            self.upgrade_under(lease, revision)

    def upgrade_under(self, lease: Lease, revision: str = "head") -> None:
        """Bring the schema to `revision` in one transaction, under a lease that is held already.

        A migration with an `autocommit_block` commits what was done before it.

        Raises:
            TableInUse: a lock was not given in time; nothing is changed.

        """
        # Alembic begins the transaction, so that it can end it where a migration asks for that.
        with lease.connection() as connection:
            command.upgrade(self.config(connection), revision)

    def downgrade(self, engine: Engine, revision: str) -> None:
        """Take the schema back to `revision` in one transaction."""
        with held_lease(engine) as lease, lease.connection() as connection:
            command.downgrade(self.config(connection), revision)

    def sql(self, current: str | None) -> str:
        """Return the SQL that brings the schema from `current` to this release; changes nothing.

        current: a revision, or None for a schema that is not there yet.
        """
        config = self.config()
        config.output_buffer = io.StringIO()
        command.upgrade(config, f"{current or 'base'}:head", sql=True)
        limit = f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_SECONDS:g}s'"
        first = f"BEGIN;\n\n{limit};\n\n{_create_schema(self.schema)};"
        return config.output_buffer.getvalue().replace("BEGIN;", first, 1)


def require_migrated(database: Database, history: History) -> None:
    """Make sure that the schema is the one of this release; while away, as soon as it is back.

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
    """Make sure that the schema is the one of this release.

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
    """Run or print what Alembic asks for; each service's `migrations/env.py` calls this."""
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
