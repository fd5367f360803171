"""Calls of staffstuddash about weekly digests, which the pages make in their own name."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from veritas_web.services.rest import Caller, RestClient, Result, segment


class Digests:
    """Recipients of digests, and their mails."""

    def __init__(self, client: RestClient, caller: Caller) -> None:
        self._client = client
        self._caller = caller

    async def recipients(self, week: date) -> Result:
        """Return the staff who had no digest of the week yet."""
        return await self._client.get(f"/digests/{week.isoformat()}/recipients", self._caller)

    async def put(
        self, week: date, person_id: str, body: Mapping[str, Any], *, dry_run: bool = False
    ) -> Result:
        """Send a digest, once for each person and week; dry_run: return its text alone."""
        path = f"/digests/{week.isoformat()}/recipients/{segment(person_id)}"
        query = "?dry_run=true" if dry_run else ""
        return await self._client.send("PUT", path + query, self._caller, body)
