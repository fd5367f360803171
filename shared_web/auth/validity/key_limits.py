"""Limits of keys as they are stored and given: networks as text, days of expiry."""

import ipaddress
from collections.abc import Iterable
from datetime import datetime

from shared_db.errors import Invalid
from shared_web.principals import KeyLimits, Network, Principal
from shared_web.problems import Forbidden

MAX_NETWORKS = 100


def network(text: str) -> Network:
    """Return the network of a text, such as `10.0.0.0/8` or one address.

    Raises:
        ValueError: it is none, or has bits beyond its prefix.

    """
    try:
        return ipaddress.ip_network(text.strip())
    except ValueError as failure:
        raise ValueError("must be an address or a network, as 10.0.0.0/8") from failure


def networks_text(limits: KeyLimits) -> str | None:
    """Return the networks separated by spaces, None without any."""
    return " ".join(map(str, limits.networks)) or None


def stored_limits(expires_at: datetime | None, addresses: str | None) -> KeyLimits:
    """Return the limits of a stored key."""
    return KeyLimits(expires_at, tuple(map(network, (addresses or "").split())))


def checked_limits(
    expires_at: datetime | None, networks: Iterable[Network], now: datetime
) -> KeyLimits:
    """Return the limits of a new key.

    Raises:
        Invalid: it would have expired already.

    """
    limits = KeyLimits(expires_at, tuple(dict.fromkeys(networks)))
    if limits.is_over_at(now):
        raise Invalid("The key would have expired. Name a later day.", field="expires_at")
    return limits


def require_limits_within(caller: Principal, limits: KeyLimits) -> None:
    """Check that a key of these limits lives no longer and reaches no further than its maker's.

    Raises:
        Forbidden: the caller's key expires earlier, or is for fewer addresses.

    """
    if not caller.limits.includes(limits):
        raise Forbidden(
            f"Nobody grants more than they have: the key of {caller.name} expires, or is for some "
            "addresses only. Limit the new key as much, or ask somebody else."
        )
