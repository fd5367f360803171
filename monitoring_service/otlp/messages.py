"""Messages of OTLP/HTTP in both encodings, and the status of a refusal."""

import base64
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, TypeVar

import orjson
from google.protobuf import json_format
from google.protobuf.message import DecodeError, Message

PROTOBUF, JSON = "application/x-protobuf", "application/json"
# In JSON these are hexadecimal, other than bytes elsewhere.
_HEXADECIMAL = {"traceId", "spanId", "parentSpanId", "trace_id", "span_id", "parent_span_id"}
# Codes of google.rpc.Code by the status of HTTP.
_CODES = {
    HTTPStatus.UNAUTHORIZED: 16,
    HTTPStatus.FORBIDDEN: 7,
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: 8,
    HTTPStatus.REQUEST_TIMEOUT: 4,
    HTTPStatus.TOO_MANY_REQUESTS: 8,
    HTTPStatus.NOT_IMPLEMENTED: 12,
    HTTPStatus.SERVICE_UNAVAILABLE: 14,
}
_INVALID_ARGUMENT = 3

M = TypeVar("M", bound=Message)


class MalformedMessage(ValueError):
    """The body is no message of the kind that the route reads."""


@dataclass(frozen=True)
class Encoding:
    """One of the two encodings; the answer has that of the request."""

    media_type: str

    def decode(self, kind: type[M], body: bytes) -> M:
        """Return the message of a body.

        Raises:
            MalformedMessage: the body is none.

        """
        message = kind()
        try:
            if self.media_type == PROTOBUF:
                message.ParseFromString(body)
            else:
                sent = dict(_with_bytes(orjson.loads(body)))
                json_format.ParseDict(sent, message, ignore_unknown_fields=True)
        except (DecodeError, json_format.ParseError, RecursionError, TypeError, ValueError) as why:
            raise MalformedMessage(f"The body is no {kind.__name__}.") from why
        return message

    def encode(self, message: Message) -> bytes:
        """Return the message as a body."""
        if self.media_type == PROTOBUF:
            return message.SerializeToString()
        return json_format.MessageToJson(message, indent=None).encode()

    def encode_status(self, status: int, text: str, problem: bytes) -> bytes:
        """Return a `google.rpc.Status` for the status of HTTP: its code and its message.

        problem: the refusal as other routes answer it; in JSON its members are there, too.
        """
        code = _CODES.get(HTTPStatus(status), _INVALID_ARGUMENT)
        if self.media_type != PROTOBUF:
            return orjson.dumps({**orjson.loads(problem), "code": code, "message": text})
        sent = text.encode()
        # The two fields of the message by hand: the library with it is only for gRPC.
        return bytes([0x08, code, 0x12]) + _varint(len(sent)) + sent


def encoding_of(content_type: str) -> Encoding | None:
    """Return the encoding of a Content-Type, None if it is another one."""
    media_type = content_type.partition(";")[0].strip().lower()
    return Encoding(media_type) if media_type in {PROTOBUF, JSON} else None


def _with_bytes(value: Any) -> Any:
    if isinstance(value, list):
        return [_with_bytes(each) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        name: base64.b64encode(bytes.fromhex(each)).decode()
        if name in _HEXADECIMAL and isinstance(each, str)
        else _with_bytes(each)
        for name, each in value.items()
    }


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:  # noqa: PLR2004 - seven bits in each byte
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)
