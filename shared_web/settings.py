"""Settings of every service, in addition to those of the database."""

import re
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, IPvAnyNetwork, SecretStr, ValidationInfo, field_validator
from pydantic_settings import NoDecode

from shared_db.connection.engine import is_local
from shared_db.settings import DatabaseSettings, Environment
from shared_db.writes.group_commit import QueueLimits

_ORIGIN = re.compile(r"https?://[^/\s\"'\[\],]+|https?://\[[0-9a-f:]+\](:\d+)?")

_URL = re.compile(r"https?://[^/\s]+(/[^\s?#]*)?")
_RETENTION = re.compile(r"retention_(\w+)_days")
# Days after which rows of a kind are deleted; None keeps them.
RetentionDays = Annotated[int | None, Field(ge=1, le=36_500)]


class TokenSettings(DatabaseSettings):
    """Settings of the sign-in of persons by OpenID Connect; without an issuer nobody signs in."""

    oidc_issuer: str = ""
    oidc_audience: str = Field("", max_length=300, validate_default=True)
    oidc_jwks_url: str = ""
    oidc_person_claim: str = Field("email", min_length=1, max_length=200)
    oidc_role_claim: str = Field("", max_length=200)
    oidc_roles: Annotated[dict[str, str], NoDecode] = Field({}, validate_default=True)
    oidc_clock_skew_seconds: int = Field(60, ge=0, le=300)

    @field_validator("oidc_issuer", "oidc_jwks_url")
    @classmethod
    def _require_tls(cls, url: str, info: ValidationInfo) -> str:
        has_query = info.field_name == "oidc_issuer" and not {"?", "#"}.isdisjoint(url)
        if url and (has_query or not is_safe_url(url)):
            raise ValueError(
                "must be an address as https://login.school.example/realms/school, an issuer "
                "without ? and #; http only for a loopback address"
            )
        return url

    @field_validator("oidc_audience")
    @classmethod
    def _require_audience(cls, audience: str, info: ValidationInfo) -> str:
        if info.data.get("oidc_issuer") and not audience:
            raise ValueError(
                "must be set together with OIDC_ISSUER: the name of Veritas in the claim `aud` of "
                "access tokens. Tokens that were made for other systems would be accepted without"
            )
        return audience

    @field_validator("oidc_roles", mode="before")
    @classmethod
    def _split_roles(cls, value: object) -> object:
        if not isinstance(value, str):
            return value
        found = {}
        for pair in filter(None, map(str.strip, value.split(","))):
            theirs, _, ours = map(str.strip, pair.rpartition(":"))
            if not theirs or not ours:
                raise ValueError(
                    "must be pairs of a value of OIDC_ROLE_CLAIM and a role of Veritas, as "
                    "`staff-heads:principal,it:admin`"
                )
            found[theirs] = ours
        return found

    @field_validator("oidc_roles")
    @classmethod
    def _require_claim(cls, roles: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        if bool(roles) != bool(info.data.get("oidc_role_claim")):
            raise ValueError(
                "and OIDC_ROLE_CLAIM must be set together, or neither of them: the claim is read "
                "only by these pairs"
            )
        return roles


def is_safe_url(url: str) -> bool:
    """Return True for an https address, or an http one of this machine, without a password."""
    try:
        parts = urlsplit(url)
        has_port = parts.port != 0
    except ValueError:
        return False
    is_secret = parts.scheme == "https" or (parts.scheme == "http" and is_local(parts.hostname))
    return bool(parts.hostname) and has_port and is_secret and parts.username is None


class ServiceSettings(TokenSettings):
    """Settings of listening, authentication, limits and logs."""

    host: str = "127.0.0.1"
    keyless_hosts: Annotated[tuple[str, ...], NoDecode] = ()
    workers: int = Field(1, ge=1, le=64)
    reload: bool = False
    cors_origins: Annotated[tuple[str, ...], NoDecode] = ()
    trusted_proxies: Annotated[tuple[IPvAnyNetwork, ...], NoDecode] = ()
    max_connections: int = Field(1000, ge=1, le=60_000)
    max_connections_per_client: int = Field(100, ge=1, le=60_000)
    header_seconds: float = Field(10, gt=0, le=3600)
    keep_alive_seconds: float = Field(75, gt=0, le=86_400)
    min_bytes_per_second: int = Field(1024, ge=0, le=1024 * 1024)
    max_body_bytes: int = Field(1024 * 1024, ge=1024)
    max_batch_bytes: int = Field(32 * 1024 * 1024, ge=1024)
    expensive_reads: int = Field(4, ge=1, le=1000)
    cache_seconds: float = Field(2, ge=0, le=10, allow_inf_nan=False)
    cache_url: SecretStr | None = None
    key_pepper: SecretStr = SecretStr("")
    key_cache_seconds: float = Field(30, ge=0, le=3600)
    key_outage_seconds: float = Field(86_400, ge=0, le=31_536_000)
    rate_limit_requests: int = Field(0, ge=0, le=1_000_000)
    rate_limit_seconds: int = Field(60, ge=1, le=86_400)
    retention_seconds: float = Field(86_400, ge=0, le=2_678_400)
    erasure_log: Path | None = None
    monitoring_url: str | None = Field(None, pattern=r"^https?://[^/\s]+/?$")
    monitoring_key: SecretStr | None = None
    otel_exporter_otlp_endpoint: str = ""
    otel_exporter_otlp_headers: SecretStr = SecretStr("")
    otel_traces_sampler_arg: float = Field(1, ge=0, le=1, allow_inf_nan=False)
    audit_moving_seconds: float = Field(2, ge=0, le=3600)
    slow_request_seconds: float = Field(1, gt=0, le=3600)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["auto", "json", "text"] = "auto"

    @field_validator("otel_exporter_otlp_endpoint")
    @classmethod
    def _require_url(cls, url: str) -> str:
        if url and not _URL.fullmatch(url):
            raise ValueError("must be an address as http://collector:4318, without /v1/traces")
        return url

    @field_validator("cache_url")
    @classmethod
    def _require_redis(cls, url: SecretStr | None) -> SecretStr | None:
        if url is None or not url.get_secret_value():
            return None
        parts = urlsplit(url.get_secret_value())
        if parts.scheme not in ("redis", "rediss", "unix"):
            raise ValueError(
                "must be an address as rediss://:PASSWORD@cache.school.example:6379/0, of Redis or "
                "Valkey; redis:// without TLS, unix:// for a socket"
            )
        return url

    @field_validator("cors_origins", "keyless_hosts", "trusted_proxies", mode="before")
    @classmethod
    def _split_by_commas(cls, value: object) -> object:
        return [part.strip() for part in value.split(",")] if isinstance(value, str) else value

    @field_validator("cors_origins")
    @classmethod
    def _normalise_origins(cls, origins: tuple[str, ...]) -> tuple[str, ...]:
        found = tuple(origin.rstrip("/").lower() for origin in origins if origin)
        if not all(origin == "*" or _ORIGIN.fullmatch(origin) for origin in found):
            raise ValueError(
                "names origins separated by commas, each like https://dashboard.school.example: a "
                "scheme and a host, without a path"
            )
        return found

    @field_validator("keyless_hosts", "reload")
    @classmethod
    def _only_in_development(cls, value: object, info: ValidationInfo) -> object:
        if value and info.data.get("environment") is not Environment.DEVELOPMENT:
            raise ValueError("is for ENVIRONMENT=development alone")
        return value

    @field_validator("reload")
    @classmethod
    def _only_with_one_worker(cls, value: object, info: ValidationInfo) -> object:
        if value and info.data.get("workers") != 1:
            raise ValueError("needs WORKERS=1")
        return value

    @property
    def retention_days(self) -> dict[str, int]:
        """Days after which rows are deleted, by kind; kinds without a limit are absent."""
        names = type(self).model_fields
        found = {name: _RETENTION.fullmatch(name) for name in names}
        kinds = {name: match[1] for name, match in found.items() if match}
        days = {kind: getattr(self, name) for name, kind in kinds.items()}
        return {kind: value for kind, value in days.items() if value is not None}

    @property
    def may_be_keyless(self) -> bool:
        """True if the service may start without API keys, open to local callers."""
        return self.environment is Environment.DEVELOPMENT and (
            is_local(self.host) or bool(self.keyless_hosts)
        )


class IngestSettings(ServiceSettings):
    """Settings of a service that stores single events by group commit.

    The limits of the queue apply per process; a request that waits alone may be longer.
    """

    ingest_queue_requests: int = Field(10_000, ge=1, le=1_000_000)
    ingest_queue_bytes: int = Field(16 * 1024 * 1024, ge=1024)
    ingest_acknowledge: Literal["committed", "queued"] = "committed"

    @property
    def bounds(self) -> QueueLimits:
        """Limits of the queue of group commit."""
        return QueueLimits(requests=self.ingest_queue_requests, size=self.ingest_queue_bytes)
