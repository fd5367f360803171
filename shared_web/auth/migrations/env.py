"""Script that Alembic runs to migrate schema `access`."""

from shared_db.provisioning.migrations import run_migrations
from shared_web.auth.tables import AccessBase

run_migrations(AccessBase.metadata)
