"""Alembic environment of schema `dropout`."""

from dropout_service.models import Base
from shared_db.provisioning.migrations import run_migrations

run_migrations(Base.metadata)
