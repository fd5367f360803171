"""Settings of staffstuddash."""

from typing import ClassVar

from pydantic import Field, SecretStr

from shared_web.settings import RetentionDays, ServiceSettings


class Settings(ServiceSettings):
    """Common settings, the port, and the intervals of the periodic work in seconds; 0 is never."""

    own_url: ClassVar[str | None] = "staffstuddash_database_url"

    staffstuddash_database_url: SecretStr | None = None
    staffstuddash_port: int = Field(8002, ge=1, le=65535)
    records_refresh_seconds: float = Field(15, ge=0, le=3600)
    erasing_seconds: float = Field(20, ge=0, le=3600)
    retention_actions_days: RetentionDays = None
    retention_audit_days: RetentionDays = None
    retention_drafts_days: RetentionDays = None
    retention_leavers_days: RetentionDays = None
    retention_marks_days: RetentionDays = None
    retention_roster_days: RetentionDays = None
