"""Look-ups of keys: one query serves many requests; unknown keys cause no query of their own."""

import ipaddress
import time

from shared_db.errors import DatabaseBusy, DatabaseUnavailable
from shared_web.auth.keys import KeyManager, Principal
from shared_web.auth.rate_limit import SharedBuckets, TokenBuckets
from shared_web.problems import TooManyRequests
from shared_web.shared_cache import SharedCache
from shared_web.threads import ReservedThreads, SharedRuns

# The keys in force are read at most once in this time, so a new key may be unknown for as long.
_UNKNOWN_SECONDS = 1.0
# Unknown keys and refused tokens accepted from one address at once; after that one a second.
_FAILURES = 20
# Concurrent look-ups; other work keeps its threads.
_THREADS = 4
# An attacker owns a whole network of this size, not one address.
_IPV6_PREFIX = 64


class KeyLookup:
    """Look-ups of one process.

    A new key is compared with the hashes of all keys in force, read at most once in
    `_UNKNOWN_SECONDS`. So unknown keys cause no query of their own. A key in force is found even
    if its address has sent too many unknown ones.
    """

    def __init__(self, keys: KeyManager, cache: SharedCache | None = None) -> None:
        self._keys = keys
        self._unknown_seconds = min(_UNKNOWN_SECONDS, keys.cache_seconds)
        own = TokenBuckets(_FAILURES, seconds=_FAILURES)
        self._failures = SharedBuckets("failures", _FAILURES, _FAILURES, own, cache)
        self._in_force: tuple[float, frozenset[str]] = (float("-inf"), frozenset())
        self._threads = ReservedThreads(_THREADS)
        self._runs = SharedRuns(self._threads)

    async def find(self, key: str, address: str | None) -> Principal | None:
        """Return the caller of the key, or None if it is unknown or revoked.

        Raises:
            TooManyRequests: the key is unknown, and its address has sent too many unknown keys.
            DatabaseUnavailable: the database does not answer, and the key is not valid offline.

        """
        found = self._keys.cached(key)
        if found is None and await self._may_be_in_force(key):
            found = await self._find(key)
        if found is None:
            await self.count_failure(address)
        return found

    async def _find(self, key: str) -> Principal | None:
        if not self._keys.cache_seconds:  # one query per request is promised
            return await self._threads.run(lambda: self._keys.find(key))
        return await self._runs.run(self._keys.hash_of(key), lambda: self._keys.find(key))

    async def _may_be_in_force(self, key: str) -> bool:
        if self._keys.was_in_force(key):
            return True
        read_at, hashes = self._in_force
        if time.monotonic() - read_at >= self._unknown_seconds:
            try:
                hashes = await self._runs.run("", self._read_all)
            except (DatabaseUnavailable, DatabaseBusy):
                return True  # `find` then searches the cache on disk
        return self._keys.hash_of(key) in hashes

    def _read_all(self) -> frozenset[str]:
        read_at = time.monotonic()
        hashes = self._keys.hashes_in_force()
        self._in_force = (read_at, hashes)
        return hashes

    async def count_failure(self, address: str | None) -> None:
        """Count a request with an unknown key or a refused token.

        Raises:
            TooManyRequests: the address has sent too many of them.

        """
        state = await self._failures.take(_network(address))
        if not state.is_allowed:
            raise TooManyRequests(
                "Too many unknown keys or refused tokens came from this address. Send a key that "
                "is in force.",
                retry_after=state.retry_in,
            )


def _network(address: str | None) -> str:
    try:
        ip = ipaddress.ip_address(address or "")
    except ValueError:
        return ""
    if isinstance(ip, ipaddress.IPv4Address):
        return str(ip)
    return str(ipaddress.ip_network((ip, _IPV6_PREFIX), strict=False))
