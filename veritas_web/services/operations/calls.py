"""Calls of the routes of operation that each service has, outside of its API."""

from typing import Any

import orjson
import structlog

from veritas_web.services.operations.metrics import parsed
from veritas_web.services.rest import Answer, Away, Caller, RestClient, Result

logger = structlog.stdlib.get_logger("veritas.web")

# OpenMetrics, the other format, has another parser.
_PLAIN = "text/plain;version=0.0.4"
_NOT_WORKING = 503


class Operations:
    """Health and metrics of one service, for one caller."""

    def __init__(self, client: RestClient, caller: Caller) -> None:
        self._client = client
        self._caller = caller

    async def health(self) -> Result:
        """Return the answer to `/health`, also that of a service that does not work."""
        found = await self._client.text("/health", Caller(), also=_NOT_WORKING)
        return self._read(found, orjson.loads)

    async def metrics(self) -> Result:
        """Return the durations of requests by route and status, since the process began."""
        found = await self._client.text("/metrics", self._caller, accept=_PLAIN)
        return self._read(found, lambda text: list(parsed(text)))

    def _read(self, found: Result, parse: Any) -> Result:
        if not isinstance(found, Answer):
            return found
        try:
            return Answer(parse(found.data), found.status)
        except (ValueError, KeyError):
            logger.warning("service answers in another format", service=self._client.service)
            return Away(self._client.service)
