"""Alembic runs this to bring schema `access` to a revision."""

from shared_db.migrations import run_migrations
from shared_web.keys import AccessBase

run_migrations(AccessBase.metadata)
