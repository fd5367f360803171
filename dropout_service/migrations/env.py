"""Alembic runs this to bring schema `dropout` to a revision."""

from dropout_service.models import Base
from shared_db.provisioning.migrations import run_migrations

run_migrations(Base.metadata)
