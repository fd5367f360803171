"""Script that Alembic runs to migrate schema `access`."""

from shared_db.provisioning.migrations import run_migrations
from shared_web.auth.keys import AccessBase

run_migrations(AccessBase.metadata)
