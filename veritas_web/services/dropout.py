"""Calls of dropout that pages make."""

from veritas_web.services.rest import Caller, RestClient, Result


class Dropout:
    """Courses, places, reasons and feedback, for one caller."""

    def __init__(self, client: RestClient, caller: Caller) -> None:
        self._client = client
        self._caller = caller

    async def courses(self, *, after: str | None = None, limit: int = 100) -> Result:
        """Return a page of courses by id."""
        return await self._client.get("/courses", self._caller, {"after": after, "limit": limit})
