"""The settings of this service."""

from pydantic import Field

from shared_web.settings import ServiceSettings


class Settings(ServiceSettings):
    """The common settings and this service's port."""

    monitoring_port: int = Field(8001, ge=1, le=65535)
