"""Calls of monitoring that pages make."""

from collections.abc import Sequence

from veritas_web.services.rest import Caller, RestClient, Result, segment


class Monitoring:
    """Health of the systems, for one caller."""

    def __init__(self, client: RestClient, caller: Caller) -> None:
        self._client = client
        self._caller = caller

    async def health(self) -> Result:
        """Return the present health of the systems."""
        return await self._client.get("/monitoring/health", self._caller)

    async def health_days(self, *, days: int, timezone: str) -> Result:
        """Return the health of the systems by day."""
        params = {"days": days, "timezone": timezone}
        return await self._client.get("/monitoring/health/days", self._caller, params)

    async def background_work(self) -> Result:
        """Return the background work of all services."""
        return await self._client.get("/monitoring/background-work", self._caller)

    async def incidents(
        self, *, states: Sequence[str], after: str | None = None, limit: int = 50
    ) -> Result:
        """Return incidents of these states, the latest opened first."""
        params = {"state__in": ",".join(states), "after": after, "limit": limit}
        return await self._client.get("/monitoring/incidents", self._caller, params)

    async def incident(self, incident_id: str) -> Result:
        """Return an incident with notes and events."""
        path = f"/monitoring/incidents/{segment(incident_id)}"
        return await self._client.get(path, self._caller)

    async def acknowledge_incident(self, incident_id: str) -> Result:
        """Note that the caller takes care of an incident."""
        path = f"/monitoring/incidents/{segment(incident_id)}/acknowledge"
        return await self._client.send("POST", path, self._caller)

    async def resolve_incident(self, incident_id: str) -> Result:
        """Declare an incident to be over."""
        path = f"/monitoring/incidents/{segment(incident_id)}/resolve"
        return await self._client.send("POST", path, self._caller)

    async def add_incident_note(self, incident_id: str, text: str, name: str) -> Result:
        """Store a note about an incident; name: by which it may be repeated."""
        path = f"/monitoring/incidents/{segment(incident_id)}/notes"
        return await self._client.send("POST", path, self._caller, {"text": text}, name=name)
