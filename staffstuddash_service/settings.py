"""The settings of this service."""

from typing import ClassVar

from pydantic import Field, SecretStr

from shared_web.settings import ServiceSettings


class Settings(ServiceSettings):
    """The common settings, this service's port, and how often it does what is periodic."""

    own_url: ClassVar[str | None] = "staffstuddash_database_url"

    staffstuddash_database_url: SecretStr | None = None
    staffstuddash_port: int = Field(8002, ge=1, le=65535)
    records_refresh_seconds: float = Field(15, ge=0, le=3600)
    erasing_seconds: float = Field(20, ge=0, le=3600)
