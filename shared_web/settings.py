"""Settings of every service, in addition to those of the database."""

import re
from typing import Annotated, Literal

from pydantic import Field, IPvAnyNetwork, SecretStr, ValidationInfo, field_validator
from pydantic_settings import NoDecode

from shared_db.connection.engine import is_local
from shared_db.settings import DatabaseSettings, Environment
from shared_db.writes.group_commit import QueueLimits

_ORIGIN = re.compile(r"https?://[^/\s\"'\[\],]+|https?://\[[0-9a-f:]+\](:\d+)?")


class ServiceSettings(DatabaseSettings):
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
    key_pepper: SecretStr = SecretStr("")
    key_cache_seconds: float = Field(30, ge=0, le=3600)
    key_outage_seconds: float = Field(86_400, ge=0, le=31_536_000)
    rate_limit_requests: int = Field(0, ge=0, le=1_000_000)
    rate_limit_seconds: int = Field(60, ge=1, le=86_400)
    monitoring_url: str | None = Field(None, pattern=r"^https?://[^/\s]+/?$")
    monitoring_key: SecretStr | None = None
    slow_request_seconds: float = Field(1, gt=0, le=3600)
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["auto", "json", "text"] = "auto"

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
