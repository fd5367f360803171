"""Clients of the three services, and their calls for one caller."""

from collections.abc import Mapping
from dataclasses import dataclass

import httpx

from veritas_web.services.digests import Digests
from veritas_web.services.dropout import Dropout
from veritas_web.services.imports import Imports
from veritas_web.services.operations.calls import Operations
from veritas_web.services.operations.monitoring import Monitoring
from veritas_web.services.own_records import OwnRecords
from veritas_web.services.rest import KEEP_ALIVE_SECONDS, TRUST, Caller, RestClient
from veritas_web.services.rights.access import Access
from veritas_web.services.rights.students import StudentRecords, StudentRights
from veritas_web.services.sign_ins import SignIns
from veritas_web.services.staffstuddash import Staffstuddash
from veritas_web.services.trust.incoming import Incoming
from veritas_web.services.trust.model_quality import ModelQuality
from veritas_web.settings import Settings

NAMES = ("monitoring", "staffstuddash", "dropout")
# Time for each piece of a body, for a connection, and the number of these to each service.
_STREAM_SECONDS = 60.0
_CONNECT_SECONDS = 1.0
_STREAMS = 20
Transports = Mapping[str, httpx.AsyncBaseTransport]


@dataclass(frozen=True)
class Services:
    """Calls of the services for one caller."""

    staffstuddash: Staffstuddash
    dropout: Dropout
    monitoring: Monitoring
    sign_ins: SignIns
    access: Access
    rights: StudentRights
    records: StudentRecords
    activity_records: StudentRecords
    imports: Imports
    own: OwnRecords
    incoming: Incoming
    quality: ModelQuality
    digests: Digests
    operations: Mapping[str, Operations]


class Clients:
    """Clients of the process; their connections are shared by all callers."""

    def __init__(self, settings: Settings, transports: Transports | None = None) -> None:
        given = transports or {}
        self._clients = {
            name: RestClient(name, settings.url_of(name), given.get(name)) for name in NAMES
        }
        # Connections of their own, so that long downloads leave the pages theirs.
        self._streams = {name: _streaming_client(given.get(name)) for name in NAMES}

    def of(self, caller: Caller) -> Services:
        """Return the calls for a caller."""
        return Services(
            Staffstuddash(self._clients["staffstuddash"], caller),
            Dropout(self._clients["dropout"], caller),
            Monitoring(self._clients["monitoring"], caller),
            SignIns(self._clients["staffstuddash"], caller),
            Access(self._clients["staffstuddash"], caller),
            StudentRights(self._clients["staffstuddash"], caller),
            StudentRecords(self._clients["staffstuddash"], caller),
            StudentRecords(self._clients["dropout"], caller),
            Imports(self._clients["staffstuddash"], caller),
            OwnRecords(self._clients["staffstuddash"], caller),
            Incoming(self._clients["staffstuddash"], caller),
            ModelQuality(self._clients["dropout"], caller),
            Digests(self._clients["staffstuddash"], caller),
            {name: Operations(client, caller) for name, client in self._clients.items()},
        )

    async def stream(self, name: str, request: httpx.Request) -> httpx.Response:
        """Send a request of another frontend to a service; the caller reads and closes the answer.

        Raises:
            httpx.HTTPError: the service does not answer.

        """
        return await self._streams[name].send(request, stream=True)

    async def close(self) -> None:
        """Close all connections."""
        for client in self._clients.values():
            await client.close()
        for stream in self._streams.values():
            await stream.aclose()


def _streaming_client(transport: httpx.AsyncBaseTransport | None) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        timeout=httpx.Timeout(_STREAM_SECONDS, connect=_CONNECT_SECONDS, pool=_CONNECT_SECONDS),
        limits=httpx.Limits(max_connections=_STREAMS, keepalive_expiry=KEEP_ALIVE_SECONDS),
        transport=transport,
        trust_env=False,
        verify=TRUST,
    )
