"""Calls of staffstuddash that pages make."""

from veritas_web.services.rest import Caller, RestClient, Result


class Staffstuddash:
    """Students, roster, marks, drafts and actions, for one caller."""

    def __init__(self, client: RestClient, caller: Caller) -> None:
        self._client = client
        self._caller = caller

    async def me(self) -> Result:
        """Return the caller: name, kind, permissions."""
        return await self._client.get("/me", self._caller)
