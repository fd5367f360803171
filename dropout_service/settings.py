"""The settings of this service."""

from typing import ClassVar

from pydantic import Field, SecretStr

from shared_web.settings import ServiceSettings


class Settings(ServiceSettings):
    """The common settings and this service's own."""

    own_url: ClassVar[str | None] = "dropout_database_url"

    dropout_database_url: SecretStr | None = None
    dropout_port: int = Field(8003, ge=1, le=65535)
