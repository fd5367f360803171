"""Alembic runs this to bring schema `access` to a revision."""

from shared_db.provisioning.migrations import run_migrations
from shared_web.auth.keys import AccessBase

run_migrations(AccessBase.metadata)
