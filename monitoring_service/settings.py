"""The settings of this service."""

from typing import ClassVar

from pydantic import Field, SecretStr

from shared_web.settings import ServiceSettings


class Settings(ServiceSettings):
    """The common settings and this service's own."""

    own_url: ClassVar[str | None] = "monitoring_database_url"

    monitoring_database_url: SecretStr | None = None
    monitoring_port: int = Field(8001, ge=1, le=65535)
