"""Events of OpenTelemetry's records: what they have in common."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from google.protobuf.message import Message
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope
from opentelemetry.proto.resource.v1.resource_pb2 import Resource

from monitoring_service.otlp.values import clean, label, short_attributes_of, without_nothing

# As the conventions call a service without a name.
UNKNOWN_SERVICE = "unknown_service"
# Fields of an event, as a client would send them.
Fields = dict[str, Any]
_ID_BYTES = 16


@dataclass(frozen=True)
class Origin:
    """Resource and scope of records, in the form in which each event has them."""

    source: str
    metadata: Fields
    digest: bytes

    @classmethod
    def of(cls, resource: Resource, scope: InstrumentationScope) -> "Origin":
        """Return the origin: the source is `service.name`, with its namespace before it."""
        attributes = short_attributes_of(resource.attributes)
        names = [attributes.get(f"service.{part}") for part in ("namespace", "name")]
        source = label("/".join(filter(None, map(str, filter(None, names)))))
        metadata = without_nothing(
            {
                "resource": attributes,
                "instance": attributes.get("service.instance.id"),
                "scope": label(scope.name),
                "scope_version": label(scope.version),
            }
        )
        sent = (_bytes(resource), _bytes(scope))
        return cls(source or UNKNOWN_SERVICE, metadata, blake2b(b"\0".join(sent)).digest())


class Events:
    """Events of one request, with ids that follow from their content.

    A request that is sent again has the same ids, so nothing is stored twice.
    """

    def __init__(self) -> None:
        self._seen: Counter[bytes] = Counter()

    def event(
        self, origin: Origin, record: Message, fields: Fields, *, may_repeat: bool = False
    ) -> Fields:
        """Return the event of a record.

        may_repeat: equal records in one request are different events, as of two equal lines.
        """
        content = blake2b(origin.digest, digest_size=_ID_BYTES)
        content.update(_bytes(record))
        digest = content.digest()
        if may_repeat:
            self._seen[digest] += 1
            if self._seen[digest] > 1:
                content.update(b"again %d" % self._seen[digest])
                digest = content.digest()
        known = {**fields, "metadata": {**origin.metadata, **fields.get("metadata", {})}}
        return without_nothing(
            {"event_id": f"otlp-{digest.hex()}", "source": origin.source, **known}
        )


def origins(groups: Iterable[Any], scopes: str) -> Iterator[tuple[Origin, Any]]:
    """Yield each scope of each resource with its origin; scopes: the name of their field."""
    for group in groups:
        for scope in getattr(group, scopes):
            yield Origin.of(group.resource, scope.scope), scope


def trace_of(record: Any) -> Fields:
    """Return the ids of the trace of a record, as text."""
    return without_nothing({"trace_id": record.trace_id.hex(), "span_id": record.span_id.hex()})


def message_of(text: str) -> str | None:
    """Return a message, cut to the length that events may have; None if it is empty."""
    return clean(text)[:10_000] or None


def _bytes(message: Message) -> bytes:
    return message.SerializeToString(deterministic=True)
