"""Settings of this service."""

from collections.abc import Mapping
from typing import ClassVar

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator

from monitoring_service.domain.thresholds import Limits, check_limits
from shared_web.settings import IngestSettings, RetentionDays


class LimitPair(BaseModel):
    """Values of a metric from which it is a warning, and critical; see `Threshold`."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    warning: float = Field(allow_inf_nan=False)
    critical: float = Field(allow_inf_nan=False)


LimitPairs = dict[str, dict[str, LimitPair]]


class Settings(IngestSettings):
    """The common settings, this service's port, and limits by source, `*` for every source."""

    own_url: ClassVar[str | None] = "monitoring_database_url"

    monitoring_database_url: SecretStr | None = None
    monitoring_port: int = Field(8001, ge=1, le=65535)
    monitoring_snapshots: bool = True
    # 0: never, for tests whose transaction is rolled back.
    monitoring_months_seconds: float = Field(3_600, ge=0, le=86_400)
    monitoring_incidents_seconds: float = Field(30, ge=0, le=3600)
    monitoring_rollups_seconds: float = Field(300, ge=0, le=86_400)
    retention_monitoring_days: RetentionDays = None
    monitoring_thresholds: LimitPairs = Field(default_factory=dict)

    @field_validator("monitoring_thresholds")
    @classmethod
    def _check_limits(cls, sent: LimitPairs) -> LimitPairs:
        for limits in _limits(sent).values():
            check_limits(limits)
        return sent

    @property
    def limits(self) -> Mapping[str, Limits]:
        """The limits as the rules take them."""
        return _limits(self.monitoring_thresholds)


def _limits(sent: LimitPairs) -> Mapping[str, Limits]:
    return {
        source: {metric: (pair.warning, pair.critical) for metric, pair in pairs.items()}
        for source, pairs in sent.items()
    }
