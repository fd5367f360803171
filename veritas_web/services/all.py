"""Clients of the three services, and their calls for one caller."""

from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from veritas_web.services.dropout import Dropout
from veritas_web.services.monitoring import Monitoring
from veritas_web.services.rest import Caller, RestClient
from veritas_web.services.staffstuddash import Staffstuddash
from veritas_web.settings import Settings

NAMES = ("monitoring", "staffstuddash", "dropout")
Transports = Mapping[str, httpx.AsyncBaseTransport]


@dataclass(frozen=True)
class Services:
    """Calls of the services for one caller."""

    staffstuddash: Staffstuddash
    dropout: Dropout
    monitoring: Monitoring


class Clients:
    """Clients of the process; their connections are shared by all callers."""

    def __init__(self, settings: Settings, transports: Transports | None = None) -> None:
        given = transports or {}
        self._clients = {
            name: RestClient(name, settings.url_of(name), given.get(name)) for name in NAMES
        }

    def of(self, caller: Caller) -> Services:
        """Return the calls for a caller."""
        return Services(
            Staffstuddash(self._clients["staffstuddash"], caller),
            Dropout(self._clients["dropout"], caller),
            Monitoring(self._clients["monitoring"], caller),
        )

    async def close(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.close()
