"""Settings of this service."""

from collections.abc import Mapping
from typing import ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator

from monitoring_service.domain.thresholds import Limits
from shared_web.settings import IngestSettings


class LimitPair(BaseModel):
    """Values of a metric from which it is a warning, and critical."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    warning: float = Field(allow_inf_nan=False)
    critical: float = Field(allow_inf_nan=False)

    @model_validator(mode="after")
    def _critical_is_above(self) -> Self:
        if not self.warning < self.critical:
            raise ValueError("critical must be above warning")
        return self


class Settings(IngestSettings):
    """The common settings, this service's port, and limits by source, `*` for every source."""

    own_url: ClassVar[str | None] = "monitoring_database_url"

    monitoring_database_url: SecretStr | None = None
    monitoring_port: int = Field(8001, ge=1, le=65535)
    monitoring_snapshots: bool = True
    monitoring_thresholds: dict[str, dict[str, LimitPair]] = Field(default_factory=dict)

    @property
    def limits(self) -> Mapping[str, Limits]:
        """The limits as the rules take them."""
        return {
            source: {metric: (pair.warning, pair.critical) for metric, pair in pairs.items()}
            for source, pairs in self.monitoring_thresholds.items()
        }
