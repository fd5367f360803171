"""HTTP connections of a server: parser, limits of size, time and number; nothing about routes."""

from shared_web.wire.connections import Connections, Limits
from shared_web.wire.protocol import LimitedProtocol

__all__ = ["Connections", "LimitedProtocol", "Limits"]
