"""Alembic for one service at a time: each has its own history in its own schema."""

from dataclasses import dataclass

from alembic import command, context
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, MetaData, text

from shared_db.database import Database
from shared_db.errors import ConfigurationError, DatabaseBusy, DatabaseUnavailable

# Waiting longer for a lock would stall every request behind the waiting ALTER.
_LOCK_TIMEOUT = "5s"
_ONE_AT_A_TIME = 0x7665726974617300  # "veritas" as a number: the advisory lock's key


@dataclass(frozen=True)
class History:
    """The migrations of one package, and the schema whose tables they make."""

    package: str
    schema: str

    def config(self, connection: Connection | None = None) -> Config:
        """Return Alembic's configuration for this history."""
        config = Config()
        config.set_main_option("script_location", f"{self.package}:migrations")
        config.set_main_option("path_separator", "os")
        config.attributes["connection"] = connection
        return config

    def head(self) -> str:
        """Return the newest revision this release knows."""
        head = ScriptDirectory.from_config(self.config()).get_current_head()
        if head is None:
            raise LookupError(f"{self.package} has no migrations")
        return head

    def current(self, connection: Connection) -> str | None:
        """Return the revision the database is at, or None when it was never migrated."""
        options = {"version_table_schema": self.schema}
        return MigrationContext.configure(connection, opts=options).get_current_revision()

    def upgrade(self, engine: Engine, revision: str = "head") -> None:
        """Bring the schema to `revision` in one transaction; a second process waits its turn."""
        with engine.begin() as connection:
            _prepare(connection)
            connection.execute(text(f'CREATE SCHEMA IF NOT EXISTS "{self.schema}"'))
            command.upgrade(self.config(connection), revision)

    def downgrade(self, engine: Engine, revision: str) -> None:
        """Take the schema back to `revision` in one transaction."""
        with engine.begin() as connection:
            _prepare(connection)
            command.downgrade(self.config(connection), revision)


def require_migrated(database: Database, history: History) -> None:
    """Make sure that the schema is the one of this release; nothing to check while away.

    Raises:
        ConfigurationError: it was never migrated, or is at another revision.

    """
    if database.use_fallback:
        return
    try:
        with database.reading() as session:
            current = history.current(session.connection())
    except (DatabaseUnavailable, DatabaseBusy):
        return
    if current != history.head():
        raise ConfigurationError(
            f"The schema {history.schema} is at revision {current or 'none'}, this release needs "
            f"{history.head()}. Run `veritas migrate`."
        )


def _prepare(connection: Connection) -> None:
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ONE_AT_A_TIME})
    connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'"))


def run_migrations(metadata: MetaData) -> None:
    """Run what Alembic asks for; each service's `migrations/env.py` calls this."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=metadata,
        version_table_schema=metadata.schema,
    )
    with context.begin_transaction():
        context.run_migrations()
