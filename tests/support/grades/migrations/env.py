"""Alembic runs this to bring schema `grades` to a revision."""

from shared_db.provisioning.migrations import run_migrations
from tests.support.grades import METADATA

run_migrations(METADATA)
