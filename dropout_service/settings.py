"""Settings of this service."""

from typing import ClassVar

from pydantic import Field, SecretStr

from shared_web.settings import IngestSettings, RetentionDays


class Settings(IngestSettings):
    """Common settings, the port of this service, and the intervals of its periodic work."""

    own_url: ClassVar[str | None] = "dropout_database_url"

    dropout_database_url: SecretStr | None = None
    dropout_port: int = Field(8003, ge=1, le=65535)
    erasing_seconds: float = Field(20, ge=0, le=3600)
    recomputing_seconds: float = Field(20, ge=0, le=3600)
    model_weeks_seconds: float = Field(86_400, ge=0, le=604_800)
    retention_audit_days: RetentionDays = None
    retention_corrections_days: RetentionDays = None
    retention_events_days: RetentionDays = None
    retention_features_days: RetentionDays = None
    retention_marks_days: RetentionDays = None
    retention_predictions_days: RetentionDays = None
    retention_roster_days: RetentionDays = None
