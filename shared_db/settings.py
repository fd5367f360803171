"""Settings of the database, read from the environment, `NAME_FILE` secrets and `.env`."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Literal, Self

from dotenv import dotenv_values
from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic.fields import FieldInfo
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from shared_db.errors import ConfigurationError

# Work outside requests has threads of its own, such as keys, probes, ingest and retention.
_OTHER_CONNECTIONS = 4
# Three services with so many threads stay below the 100 connections of PostgreSQL's default.
_MOST_REQUEST_THREADS = 24


def usual_request_threads() -> int:
    """Return four threads per processor of the machine, and at most 24."""
    return min(_MOST_REQUEST_THREADS, 4 * (os.cpu_count() or 1))


class Environment(StrEnum):
    """Environment of the service; some development shortcuts are refused in production."""

    DEVELOPMENT = "development"
    PRODUCTION = "production"


class Fallback(StrEnum):
    """Behaviour while the database is unreachable, see docs/architecture.md."""

    SERVE = "serve"
    SPOOL = "spool"
    OFF = "off"


class SecretFiles(PydanticBaseSettingsSource):
    """Settings source that reads `NAME` from the file of `NAME_FILE`, for container secrets."""

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        """Return the content of the file for one setting, or None if no file is named."""
        variable = f"{field_name.upper()}_FILE"
        path = os.environ.get(variable) or dotenv_values(".env").get(variable)
        if not path:
            return None, field_name, False
        try:
            return Path(path).read_text().strip(), field_name, self.field_is_complex(field)
        except OSError as failure:
            raise ConfigurationError(
                f"{variable} names {path}, which cannot be read: {failure.strerror}."
            ) from failure

    def __call__(self) -> dict[str, Any]:
        """Return all settings that have a file."""
        found = {}
        for name, field in self.settings_cls.model_fields.items():
            value, key, _ = self.get_field_value(field, name)
            if value is not None:
                found[key] = value
        return found


class VeritasSettings(BaseSettings):
    """Base of all settings; the environment wins over `.env`."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", env_ignore_empty=True)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - pydantic's signature
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put secrets from files after the environment and before `.env`."""
        return init_settings, env_settings, SecretFiles(settings_cls), dotenv_settings

    @classmethod
    def load(cls, **values: Any) -> Self:
        """Read the settings.

        Raises:
            ConfigurationError: a variable has a value that cannot be used; names it, not its value.

        """
        try:
            return cls(**values)
        except ValidationError as refusal:
            problems = "; ".join(
                f"{str(error['loc'][0]).upper()}: {error['msg']}"
                for error in refusal.errors(include_input=False, include_url=False)
            )
            raise ConfigurationError(f"Settings that cannot be used: {problems}") from None
        except UnicodeDecodeError as failure:
            raise ConfigurationError(
                f".env, or a file that a _FILE variable names, is not UTF-8: look at byte "
                f"{failure.start}. Save it as UTF-8."
            ) from None


class DatabaseSettings(VeritasSettings):
    """Settings of the database: address, pool, TLS, limits and fallback. Times are in seconds.

    `database_url` is the service's own URL where that is set.
    """

    own_url: ClassVar[str | None] = None
    """The setting with a service's own URL, which wins over `database_url`."""

    environment: Environment = Environment.PRODUCTION
    debug: bool = False
    database_url: SecretStr | None = None
    database_admin_url: SecretStr | None = None
    database_role_prefix: str = Field("veritas", pattern=r"^[a-z][a-z0-9_]{0,39}$")
    database_pool: Literal["null", "queue"] = "null"
    request_threads: int = Field(default_factory=usual_request_threads, ge=1, le=1000)
    database_tls: Literal["required", "off"] = "required"
    database_ca_file: Path | None = None
    database_connect_timeout_seconds: int = Field(3, ge=1, le=60)
    database_statement_timeout_seconds: float = Field(10, gt=0, le=3600)
    database_lock_timeout_seconds: float = Field(3, gt=0, le=3600)
    database_adding_seconds: float = Field(1.2, ge=0.2, le=3600)
    fallback: Fallback | None = None
    spool_path: Path = Path(".veritas")
    spool_max_rows: int = Field(1_000_000, ge=1)
    spool_max_bytes: int = Field(512 * 1024 * 1024, ge=1024 * 1024)

    @model_validator(mode="after")
    def _prefer_own_url(self) -> Self:
        own = getattr(self, self.own_url) if self.own_url else None
        if own is not None:
            self.database_url = own
        return self

    @property
    def url_variable(self) -> str:
        """The variable that `database_url` was read from, for error messages."""
        if self.own_url and getattr(self, self.own_url) is not None:
            return self.own_url.upper()
        is_admin = self.database_url is not None and self.database_url is self.database_admin_url
        return "DATABASE_ADMIN_URL" if is_admin else "DATABASE_URL"

    def as_admin(self) -> Self:
        """Return the settings of the tables' owner: with DATABASE_ADMIN_URL, if it is set."""
        if self.database_admin_url is None:
            return self
        return self.model_copy(update={"database_url": self.database_admin_url})

    @property
    def pool_size(self) -> int:
        """Most connections of a process with DATABASE_POOL=queue: one for each of its threads."""
        return self.request_threads + _OTHER_CONNECTIONS

    @property
    def serves_from_memory_when_away(self) -> bool:
        """Return True if a server that is unreachable at the start means the in-memory store.

        Only in development, where it is the default: production would lose the rows in memory.
        """
        is_development = self.environment is Environment.DEVELOPMENT
        return is_development and self.fallback in (None, Fallback.SERVE)

    @property
    def spools_when_away(self) -> bool:
        """Return True if inserts are spooled while a server is away that the service depends on."""
        return self.fallback is not Fallback.OFF
