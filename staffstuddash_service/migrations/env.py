"""Environment in which Alembic migrates schema `staffstuddash`."""

from shared_db.provisioning.migrations import run_migrations
from staffstuddash_service.models import Base

run_migrations(Base.metadata)
