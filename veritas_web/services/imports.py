"""Calls of staffstuddash for imports of tables."""

from collections.abc import AsyncIterator, Awaitable, Callable

import httpx

from veritas_web.services.rest import (
    Away,
    Caller,
    RestClient,
    Result,
    request_id,
    result_of,
    segment,
)

Send = Callable[[httpx.Request], Awaitable[httpx.Response]]
_SERVICE = "staffstuddash"


class Imports:
    """Imports, for one caller."""

    def __init__(self, client: RestClient, caller: Caller) -> None:
        self._client = client
        self._caller = caller

    async def list_imports(self, *, after: str | None = None, limit: int = 100) -> Result:
        """Return imports, the latest first."""
        return await self._client.get("/imports", self._caller, {"after": after, "limit": limit})

    async def get_import(self, import_id: str) -> Result:
        """Return an import with its progress."""
        return await self._client.get(f"/imports/{segment(import_id)}", self._caller)

    async def continue_import(
        self, import_id: str, *, column_map: str | None, on_conflict: str, dry_run: bool
    ) -> Result:
        """Check an import again, or store its rows."""
        body = {"column_map": column_map, "on_conflict": on_conflict, "dry_run": dry_run}
        path = f"/imports/{segment(import_id)}"
        return await self._client.send("PATCH", path, self._caller, body)

    async def cancel_import(self, import_id: str) -> Result:
        """Cancel an import."""
        path = f"/imports/{segment(import_id)}"
        return await self._client.send("DELETE", path, self._caller)


async def send_table(
    send: Send, url: str, caller: Caller, kind: str, content: AsyncIterator[bytes]
) -> Result:
    """Pass a table on as an import that is checked first, piece by piece as it comes.

    send: sends a request without limit of its whole time. url: address of staffstuddash.
    """
    request = httpx.Request(
        "POST",
        f"{url}/api/v1/imports",
        params={"kind": kind, "confirm": "true"},
        headers={**caller.headers, **request_id(), "Content-Type": "text/csv"},
        content=content,
    )
    try:
        answer = await send(request)
        try:
            await answer.aread()
        finally:
            await answer.aclose()
    except httpx.HTTPError:
        return Away(_SERVICE)
    return result_of(_SERVICE, answer)
