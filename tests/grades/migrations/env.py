"""Alembic runs this to bring schema `grades` to a revision."""

from shared_db.migrations import run_migrations
from tests.grades import METADATA

run_migrations(METADATA)
