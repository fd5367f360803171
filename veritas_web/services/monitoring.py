"""Calls of monitoring that pages make."""

from veritas_web.services.rest import Caller, RestClient, Result


class Monitoring:
    """Health of the systems, for one caller."""

    def __init__(self, client: RestClient, caller: Caller) -> None:
        self._client = client
        self._caller = caller

    async def health(self) -> Result:
        """Return the present health of the systems."""
        return await self._client.get("/monitoring/health", self._caller)
