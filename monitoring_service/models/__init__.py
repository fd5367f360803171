"""Tables of this service, and views of the other services that it reads; no queries."""

from monitoring_service.models.base import (
    Base,
    background_work,
    background_work_of_dropout,
    background_work_of_staffstuddash,
)
from monitoring_service.models.health import SourceState, SystemHealth
from monitoring_service.models.incidents import IncidentNote, MonitoringIncident, WaitingEvent
from monitoring_service.models.logs import (
    MESSAGE_WORDS,
    EventKey,
    LogCount,
    MonitoringLog,
    MonitoringResult,
)
from monitoring_service.models.rollups import LogRollup, LogRollupMark, LogRollupPeriod
from monitoring_service.models.rules import SourceRules

__all__ = [
    "MESSAGE_WORDS",
    "Base",
    "EventKey",
    "IncidentNote",
    "LogCount",
    "LogRollup",
    "LogRollupMark",
    "LogRollupPeriod",
    "MonitoringIncident",
    "MonitoringLog",
    "MonitoringResult",
    "SourceRules",
    "SourceState",
    "SystemHealth",
    "WaitingEvent",
    "background_work",
    "background_work_of_dropout",
    "background_work_of_staffstuddash",
]
