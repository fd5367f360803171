"""Alembic runs this to bring schema `monitoring` to a revision."""

from monitoring_service.models import Base
from shared_db.provisioning.migrations import run_migrations

run_migrations(Base.metadata)
