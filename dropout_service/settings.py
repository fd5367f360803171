"""Settings of this service."""

from typing import ClassVar

from pydantic import Field, SecretStr

from shared_web.settings import IngestSettings


class Settings(IngestSettings):
    """Common settings, the port of this service, and the intervals of its periodic work."""

    own_url: ClassVar[str | None] = "dropout_database_url"

    dropout_database_url: SecretStr | None = None
    dropout_port: int = Field(8003, ge=1, le=65535)
    erasing_seconds: float = Field(20, ge=0, le=3600)
    recomputing_seconds: float = Field(20, ge=0, le=3600)
