"""Settings of the staff pages."""

from enum import StrEnum
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from shared_db.errors import ConfigurationError
from shared_web.operations.readiness import url_at
from shared_web.settings import ServiceSettings, is_safe_url
from veritas_web.languages import LANGUAGES, SOURCE

_URL = r"^https?://[^/\s]+$"
ServiceUrl = Annotated[str | None, Field(pattern=_URL)]
SHORTEST_SECRET = 32
INVITATION_PATH = "/sign-in/invitation"
CALLBACK_PATH = "/sign-in/callback"


class SignInSettings(ServiceSettings):
    """Settings of the sessions and of the sign-in by OpenID Connect.

    web_url: address of the pages in browsers. web_key: API key with the permission `act_as`;
    without one the pages work only in development. web_secret: signs the sessions; several
    processes need the same one.
    """

    web_url: str = ""
    web_key: SecretStr | None = None
    web_secret: SecretStr | None = None
    web_oidc_issuer: str = ""
    web_oidc_client_id: str = Field("", max_length=300, validate_default=True)
    web_oidc_client_secret: SecretStr | None = None

    @field_validator("web_url")
    @classmethod
    def _require_origin(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and (not is_safe_url(url) or parts.path not in {"", "/"} or parts.query):
            raise ValueError(
                "must be an address as https://veritas.school.example, without a path; http only "
                "for a loopback address"
            )
        return url.rstrip("/").lower()

    @field_validator("web_key", "web_oidc_client_secret")
    @classmethod
    def _empty_is_absent(cls, secret: SecretStr | None) -> SecretStr | None:
        # The file of a secret may be empty.
        return secret if secret is not None and secret.get_secret_value() else None

    @field_validator("web_secret")
    @classmethod
    def _require_length(cls, secret: SecretStr | None) -> SecretStr | None:
        if secret is not None and len(secret.get_secret_value()) < SHORTEST_SECRET:
            raise ValueError(
                f"must have at least {SHORTEST_SECRET} characters, as `openssl rand -hex 32` makes"
            )
        return secret

    @field_validator("web_oidc_issuer")
    @classmethod
    def _require_tls_of_issuer(cls, url: str) -> str:
        if url and (not {"?", "#"}.isdisjoint(url) or not is_safe_url(url)):
            raise ValueError(
                "must be an address as https://login.school.example/realms/school, without ? and "
                "#; http only for a loopback address"
            )
        return url

    @field_validator("web_oidc_client_id")
    @classmethod
    def _require_both(cls, client: str, info: ValidationInfo) -> str:
        if bool(client) != bool(info.data.get("web_oidc_issuer")):
            raise ValueError("and WEB_OIDC_ISSUER must be set together, or neither of them")
        return client


class Weekday(StrEnum):
    """Day of the week."""

    MONDAY = "monday"
    TUESDAY = "tuesday"
    WEDNESDAY = "wednesday"
    THURSDAY = "thursday"
    FRIDAY = "friday"
    SATURDAY = "saturday"
    SUNDAY = "sunday"


class DigestSettings(SignInSettings):
    """Time and language of the weekly digest; without a weekday none is sent."""

    digest_weekday: Weekday | None = None
    digest_hour: int = Field(7, ge=0, le=23)
    digest_language: str = SOURCE

    @field_validator("digest_weekday", mode="before")
    @classmethod
    def _read_weekday(cls, day: object) -> object:
        return (day.strip().lower() or None) if isinstance(day, str) else day

    @field_validator("digest_language")
    @classmethod
    def _require_language(cls, code: str) -> str:
        if code not in LANGUAGES:
            raise ValueError(f"must be one of the languages of the pages: {', '.join(LANGUAGES)}")
        return code


class Settings(DigestSettings):
    """Port of the pages, addresses of the services, and the school's time zone.

    school_timezone: name of the IANA time zone of the dates and times on the pages.
    """

    web_port: int = Field(8000, ge=1, le=65535)
    monitoring_port: int = Field(8001, ge=1, le=65535)
    staffstuddash_port: int = Field(8002, ge=1, le=65535)
    dropout_port: int = Field(8003, ge=1, le=65535)
    web_monitoring_url: ServiceUrl = None
    web_staffstuddash_url: ServiceUrl = None
    web_dropout_url: ServiceUrl = None
    school_timezone: str = "UTC"

    @field_validator("school_timezone")
    @classmethod
    def _require_timezone(cls, name: str) -> str:
        if name not in available_timezones():
            raise ValueError("must be a time zone of IANA, as Europe/Berlin")
        return name

    @property
    def is_open(self) -> bool:
        """True for a developer without keys: everything is seen, without a sign-in."""
        return self.may_be_keyless and self.web_key is None

    @property
    def is_https(self) -> bool:
        """True unless the pages are a developer's, without TLS."""
        return not self.may_be_keyless or self.web_url.startswith("https:")

    @property
    def address(self) -> str:
        """Address of the pages for a browser."""
        return self.web_url or url_at(self.host, self.web_port)

    def url_of(self, service: str) -> str:
        """Return the address of a service: the one that is set, or its port on this machine."""
        url: str | None = getattr(self, f"web_{service}_url")
        return url or url_at(self.host, getattr(self, f"{service}_port"))

    def invitation_link(self, token: str) -> str:
        """Return the link by which an invited person signs in."""
        return f"{self.address}{INVITATION_PATH}?token={token}"


def require_usable(settings: Settings) -> None:
    """Check at the start that people can sign in and that their sessions are safe.

    Raises:
        ConfigurationError: a setting is absent that only a developer's pages do without.

    """
    wanted = {
        "WEB_KEY": "an API key: `veritas keys add web --permission act_as`",
        "WEB_SECRET": "at least 32 random characters: `openssl rand -hex 32`",
        "WEB_URL": "the address in browsers, as https://veritas.school.example",
    }
    absent = [name for name in wanted if not getattr(settings, name.lower())]
    if absent and not settings.may_be_keyless:
        missing = "; ".join(f"{name}, {wanted[name]}" for name in absent)
        raise ConfigurationError(
            f"Set {missing}. Only with ENVIRONMENT=development on a loopback HOST do the pages "
            "start without."
        )
    if settings.workers > 1 and settings.web_secret is None:
        raise ConfigurationError(
            f"WORKERS={settings.workers} needs WEB_SECRET: sessions of one process would not be "
            "known to another."
        )
