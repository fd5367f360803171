"""The settings of this service."""

from pydantic import Field

from shared_web.settings import ServiceSettings


class Settings(ServiceSettings):
    """The common settings, this service's port, and how often it refreshes records."""

    staffstuddash_port: int = Field(8002, ge=1, le=65535)
    records_refresh_seconds: float = Field(15, ge=0, le=3600)
