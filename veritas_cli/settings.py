"""Settings of the commands that no service has."""

from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import NoDecode

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


class ArchiveSettings(VeritasSettings):
    """Folder of the archives of events, and the days for which they are kept; None: for good."""

    archive_path: Path = Path(".veritas", "archives")
    retention_archives_days: int | None = Field(None, ge=1, le=36_500)


class BackupSettings(VeritasSettings):
    """Public keys of age for which `veritas backup` encrypts, separated by commas."""

    backup_recipients: Annotated[tuple[str, ...], NoDecode] = ()

    @field_validator("backup_recipients", mode="before")
    @classmethod
    def _split_by_commas(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        return [part.strip() for part in value.split(",") if part.strip()]
