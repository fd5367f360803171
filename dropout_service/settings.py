"""Settings of this service."""

from typing import ClassVar

from pydantic import Field, SecretStr, ValidationInfo, field_validator

from dropout_service.domain.drawn_order import LEAST_BAND, MOST_BAND, Lottery
from shared_web.settings import IngestSettings, RetentionDays


class Settings(IngestSettings):
    """Common settings, the port of this service, and the intervals of its periodic work."""

    own_url: ClassVar[str | None] = "dropout_database_url"

    dropout_database_url: SecretStr | None = None
    dropout_port: int = Field(8003, ge=1, le=65535)
    erasing_seconds: float = Field(20, ge=0, le=3600)
    recomputing_seconds: float = Field(20, ge=0, le=3600)
    model_weeks_seconds: float = Field(86_400, ge=0, le=604_800)
    randomised_order: int = Field(0, ge=0, le=MOST_BAND)
    retention_audit_days: RetentionDays = None
    retention_corrections_days: RetentionDays = None
    retention_events_days: RetentionDays = None
    retention_features_days: RetentionDays = None
    retention_marks_days: RetentionDays = None
    retention_predictions_days: RetentionDays = None
    retention_roster_days: RetentionDays = None

    @field_validator("randomised_order")
    @classmethod
    def _require_secret(cls, size: int, info: ValidationInfo) -> int:
        if 0 < size < LEAST_BAND:
            raise ValueError(f"must be 0 for no drawn order, or {LEAST_BAND} to {MOST_BAND}")
        pepper = info.data.get("key_pepper")
        if size and (pepper is None or not pepper.get_secret_value()):
            raise ValueError(
                "needs KEY_PEPPER: without a secret everybody could compute who is drawn first"
            )
        return size

    @property
    def lottery(self) -> Lottery:
        """The drawn order of lists."""
        return Lottery(self.randomised_order, self.key_pepper.get_secret_value())
