"""The settings of this service."""

from typing import ClassVar

from pydantic import Field, SecretStr

from shared_web.settings import IngestSettings


class Settings(IngestSettings):
    """The common settings, this service's port, and how often it does what it does by itself."""

    own_url: ClassVar[str | None] = "dropout_database_url"

    dropout_database_url: SecretStr | None = None
    dropout_port: int = Field(8003, ge=1, le=65535)
    erasing_seconds: float = Field(20, ge=0, le=3600)
    recomputing_seconds: float = Field(20, ge=0, le=3600)
