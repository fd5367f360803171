"""Settings of the commands that no service has."""

from pathlib import Path
from typing import ClassVar

from pydantic import Field, SecretStr

from shared_db.settings import DatabaseSettings, VeritasSettings

POSTGRES_FOLDER = Path(".veritas", "postgres")


class LocalPostgresSettings(VeritasSettings):
    """Local PostgreSQL: the folder of its programs, and the port for `veritas up`."""

    postgres_bin: Path | None = None
    postgres_port: int | None = Field(None, ge=1, le=65535)


class SuperuserSettings(DatabaseSettings):
    """Database with the superuser of `veritas owner`; no service knows this URL."""

    own_url: ClassVar[str | None] = "database_superuser_url"

    database_superuser_url: SecretStr | None = None
