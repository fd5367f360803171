"""The settings of the commands that no service has."""

from pathlib import Path
from typing import ClassVar

from pydantic import Field, SecretStr

from shared_db.settings import DatabaseSettings, VeritasSettings

POSTGRES_FOLDER = Path(".veritas", "postgres")


class LocalPostgresSettings(VeritasSettings):
    """The PostgreSQL of our own: whose programs run it, and where `veritas up` lets it listen."""

    postgres_bin: Path | None = None
    postgres_port: int | None = Field(None, ge=1, le=65535)


class SuperuserSettings(DatabaseSettings):
    """The database as the superuser of `veritas owner` reaches it; no service knows its URL."""

    own_url: ClassVar[str | None] = "database_superuser_url"

    database_superuser_url: SecretStr | None = None
