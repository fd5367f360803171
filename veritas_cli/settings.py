"""The settings of the commands that no service has."""

from pathlib import Path

from pydantic import Field

from shared_db.settings import VeritasSettings

POSTGRES_FOLDER = Path(".veritas", "postgres")


class LocalPostgresSettings(VeritasSettings):
    """The PostgreSQL of our own: whose programs run it, and where `veritas up` lets it listen."""

    postgres_bin: Path | None = None
    postgres_port: int | None = Field(None, ge=1, le=65535)
