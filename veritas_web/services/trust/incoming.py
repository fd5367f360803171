"""Calls of staffstuddash about data that come in."""

from veritas_web.services.rest import Caller, RestClient, Result


class Incoming:
    """Freshness of the school's data, and imports, for one caller."""

    def __init__(self, client: RestClient, caller: Caller) -> None:
        self._client = client
        self._caller = caller

    async def freshness(self) -> Result:
        """Return the last arrival of rows by kind, of the whole school."""
        return await self._client.get("/freshness", self._caller)

    async def imports(self, *, limit: int = 100) -> Result:
        """Return the imports of the last days, the latest first."""
        return await self._client.get("/imports", self._caller, {"limit": limit})
