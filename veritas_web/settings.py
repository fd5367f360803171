"""Settings of the staff pages."""

from typing import Annotated
from zoneinfo import available_timezones

from pydantic import Field, SecretStr, field_validator

from shared_web.operations.readiness import url_at
from shared_web.settings import ServiceSettings

_URL = r"^https?://[^/\s]+$"
ServiceUrl = Annotated[str | None, Field(pattern=_URL)]


class Settings(ServiceSettings):
    """Port of the pages, addresses of the services, and their key.

    web_key: API key with the permission `act_as`; without one the pages work only in development.
    web_secret: signs the sessions; several processes need the same one.
    school_timezone: name of the IANA time zone of the dates and times on the pages.
    """

    web_port: int = Field(8000, ge=1, le=65535)
    monitoring_port: int = Field(8001, ge=1, le=65535)
    staffstuddash_port: int = Field(8002, ge=1, le=65535)
    dropout_port: int = Field(8003, ge=1, le=65535)
    web_monitoring_url: ServiceUrl = None
    web_staffstuddash_url: ServiceUrl = None
    web_dropout_url: ServiceUrl = None
    web_key: SecretStr | None = None
    web_secret: SecretStr | None = None
    school_timezone: str = "UTC"

    @field_validator("school_timezone")
    @classmethod
    def _require_timezone(cls, name: str) -> str:
        if name not in available_timezones():
            raise ValueError("must be a time zone of IANA, as Europe/Berlin")
        return name

    def url_of(self, service: str) -> str:
        """Return the address of a service: the one that is set, or its port on this machine."""
        url: str | None = getattr(self, f"web_{service}_url")
        return url or url_at(self.host, getattr(self, f"{service}_port"))
