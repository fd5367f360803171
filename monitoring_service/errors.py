"""Refusals of this service."""

from datetime import datetime

from shared_db.errors import Conflict, Exists, Invalid, NotFound


class LogNotFound(NotFound):
    """No event has that id."""

    slug = "log-not-found"
    title = "There is no such event"

    def __init__(self, event_id: str) -> None:
        super().__init__(f"No event has the id {event_id}.", event_id=event_id)


class EventExists(Exists):
    """The id belongs to a stored event with other content."""

    slug = "event-exists"
    noun = "event"


class EventTooOld(Invalid):
    """The event is older than the days for which events are kept."""

    slug = "event-too-old"
    title = "The event is too old"

    def __init__(self, event_id: str, oldest: datetime) -> None:
        super().__init__(
            f"Events from before {oldest:%Y-%m-%d} UTC are deleted (RETENTION_MONITORING_DAYS).",
            event_id=event_id,
        )


class SeriesTooLong(Invalid):
    """More points are asked for than one answer holds."""

    slug = "series-too-long"
    title = "The series is too long"


class RulesNotFound(NotFound):
    """No limits were set for that source."""

    slug = "rules-not-found"
    title = "There are no rules for this source"

    def __init__(self, source: str) -> None:
        super().__init__("No limits were set for this source: the defaults hold.", source=source)


class IncidentNotFound(NotFound):
    """No incident has that id."""

    slug = "incident-not-found"
    title = "There is no such incident"

    def __init__(self, incident_id: str) -> None:
        super().__init__(f"No incident has the id {incident_id}.", incident_id=incident_id)


class IncidentOver(Conflict):
    """The incident is resolved, so nobody has to take care of it."""

    slug = "incident-over"
    title = "The incident is over"

    def __init__(self, incident_id: str) -> None:
        super().__init__(
            f"Incident {incident_id} is resolved. Write a note; further trouble opens another one.",
            incident_id=incident_id,
        )


class IncidentNoteExists(Exists):
    """The id belongs to a stored note with other content."""

    slug = "incident-note-exists"
    noun = "incident note"
