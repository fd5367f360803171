"""API keys: cache and queries. The database stores hashes of the keys, never the keys."""

import hashlib
import secrets
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.connection.database import Database
from shared_db.errors import Conflict, DatabaseBusy, DatabaseUnavailable, NotFound, Overloaded
from shared_db.resilience.deadlines import time_limit
from shared_db.row_limits import rows_limited_to
from shared_web.auth.offline_keys import OfflineKeyCache
from shared_web.auth.tables import AccessBase, ApiKey, KeyUse
from shared_web.auth.validity.key_limits import networks_text
from shared_web.principals import (
    NO_LIMITS,
    KeyLimits,
    Permission,
    Principal,
    Scope,
    known_permissions,
)

__all__ = ["AccessBase", "ApiKey", "KeyExists", "KeyManager", "KeyNotFound", "Principal", "Scope"]

_PREFIX = "veritas_"
_SECRET_BYTES = 32
_MAX_CACHED = 1000


@dataclass(frozen=True)
class IssuedKey:
    """Key without its secret, for lists.

    permissions: all that it may do, those of its scopes included. last_used_at: some minutes late.
    """

    name: str
    scopes: tuple[Scope, ...]
    permissions: tuple[Permission, ...]
    created_at: datetime
    revoked_at: datetime | None = None
    last_used_at: datetime | None = None
    expires_at: datetime | None = None
    addresses: tuple[str, ...] = ()

    @classmethod
    def of(cls, row: ApiKey, last_used_at: datetime | None = None) -> Self:
        """Return the key of a row."""
        words = set(row.scopes.split())
        return cls(
            row.name,
            tuple(sorted(scope for scope in Scope if scope in words)),
            tuple(sorted(known_permissions(row.scopes))),
            row.created_at,
            row.revoked_at,
            last_used_at,
            row.expires_at,
            tuple((row.addresses or "").split()),
        )


def _last_uses(session: Session) -> dict[str, datetime]:
    query = select(KeyUse.key_name, func.max(KeyUse.last_used_at)).group_by(KeyUse.key_name)
    return {row[0]: row[1] for row in session.execute(query)}


class KeyExists(Conflict):
    """Another key, perhaps a revoked one, has the name."""

    slug = "key-exists"
    title = "There is a key of that name"


class KeyNotFound(NotFound):
    """No key has the name."""

    slug = "key-not-found"
    title = "There is no such key"


class KeyManager:
    """Queries on the keys, with a cache in memory and one on disk."""

    def __init__(self, database: Database, *, pepper: str = "", cache_seconds: float = 0) -> None:
        self._database = database
        self._pepper = hashlib.blake2b(pepper.encode(), digest_size=32).digest()
        self.cache_seconds = cache_seconds
        self._cache: dict[str, tuple[float, Principal]] = {}
        # Hashes of keys that this process revoked, for look-ups that began before.
        self._revoked: set[str] = set()
        self._lock = threading.Lock()
        self._offline: OfflineKeyCache | None = None

    def use_offline_cache(self, offline: OfflineKeyCache) -> None:
        """Admit callers of `offline` while the database is unavailable."""
        self._offline = offline

    def add_key(
        self, name: str, granted: Iterable[Scope | Permission], limits: KeyLimits = NO_LIMITS
    ) -> str:
        """Insert a key with these scopes and permissions, and return it.

        It cannot be retrieved later.

        Raises:
            KeyExists: another key, perhaps a revoked one, has the name.

        """
        return self.issue(name, granted, limits)[1]

    def issue(
        self, name: str, granted: Iterable[Scope | Permission], limits: KeyLimits = NO_LIMITS
    ) -> tuple[IssuedKey, str]:
        """Insert a key as `add_key` does; return it for lists, and the key itself.

        Raises:
            KeyExists: another key, perhaps a revoked one, has the name.

        """
        key = _PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
        with rows_limited_to(None), self._database.unit_of_work() as session:
            row = ApiKey(
                name=name,
                secret_hash=self.hash_of(key),
                scopes=" ".join(sorted(set(granted))),
                created_at=utc_now(),
                expires_at=limits.expires_at,
                addresses=networks_text(limits),
            )
            session.add(row)
            try:
                session.flush()
            except IntegrityError as failure:
                raise KeyExists(f"{name} is taken. Choose another name.") from failure
        with self._lock:  # as out of date, so that this process looks it up at its first use
            self._cache[row.secret_hash] = (float("-inf"), row.principal)
        return IssuedKey.of(row), key

    def list_keys(self) -> Sequence[IssuedKey]:
        """Return all keys sorted by name, including revoked ones."""
        with rows_limited_to(None), self._database.reading() as session:
            last_uses = _last_uses(session)
            rows = session.scalars(select(ApiKey).order_by(ApiKey.name))
            return [IssuedKey.of(row, last_uses.get(row.name)) for row in rows]

    def revoke_key(self, name: str) -> IssuedKey:
        """Revoke a key; this process refuses it at once, others after KEY_CACHE_SECONDS at most.

        Raises:
            KeyNotFound: no key has the name.

        """
        with rows_limited_to(None), self._database.unit_of_work() as session:
            row = session.get(ApiKey, name)
            if row is None:
                raise KeyNotFound(f"There is no key named {name}. `veritas keys list` shows all.")
            row.revoked_at = row.revoked_at or utc_now()
            revoked = IssuedKey.of(row, _last_uses(session).get(name))
        with self._lock:
            self._revoked.add(row.secret_hash)
        self._forget(row.secret_hash)
        return revoked

    @property
    def use_fallback(self) -> bool:
        """Return True if the in-memory store answers, which has no keys."""
        return self._database.use_fallback

    def has_keys(self) -> bool:
        """Return True if at least one key is in force."""
        query = select(ApiKey.name).where(ApiKey.revoked_at.is_(None)).limit(1)
        with self._database.reading() as session:
            return session.scalar(query) is not None

    def cached(self, key: str) -> Principal | None:
        """Return the caller if the key was found in the last `cache_seconds`."""
        found = self._cache.get(self.hash_of(key))
        return found[1] if found is not None and found[0] > time.monotonic() else None

    def was_in_force(self, key: str) -> bool:
        """Return True if the key was in force at its last look-up, however long ago."""
        return self.hash_of(key) in self._cache

    def hashes_in_force(self) -> frozenset[str]:
        """Return the hashes of all keys in force, and delete all others from the cache on disk.

        Raises:
            DatabaseUnavailable: the database does not answer.

        """
        began = time.time()
        query = select(ApiKey.secret_hash).where(ApiKey.revoked_at.is_(None))
        with self._time_limit(), self._database.reading() as session:
            hashes = frozenset(session.scalars(query))
        if self._offline is not None:
            with suppress(DatabaseUnavailable):
                self._offline.forget_others(hashes, began)
        return hashes

    def find(self, key: str) -> Principal | None:
        """Return the caller that the key identifies, or None if it is unknown or revoked.

        The limits of the key are in the caller, also those of an expired one. While the database is
        unavailable or too slow, a key is valid for KEY_OUTAGE_SECONDS after its last verification.

        Raises:
            DatabaseUnavailable: the database does not answer, and the key is not valid offline.

        """
        secret_hash = self.hash_of(key)
        try:
            row = self._select(secret_hash)
        except (DatabaseUnavailable, DatabaseBusy):
            found = self._offline.find(secret_hash) if self._offline else None
            if found is None:
                raise
            name, scopes, limits = found
            return Principal(name, known_permissions(scopes), limits=limits)
        if row is None:
            self._forget(secret_hash)
            return None
        self._remember(row)
        return row.principal

    def _select(self, secret_hash: str) -> ApiKey | None:
        query = select(ApiKey).where(ApiKey.secret_hash == secret_hash, ApiKey.revoked_at.is_(None))
        with self._time_limit(), self._database.reading() as session:
            return session.scalar(query)

    def _time_limit(self) -> AbstractContextManager[None]:
        # A request that may be spooled must not wait longer for its key.
        return time_limit(self._database.store.adding_seconds) if self._offline else nullcontext()

    def _remember(self, row: ApiKey) -> None:
        with self._lock:
            if row.secret_hash in self._revoked:
                return
            if len(self._cache) >= _MAX_CACHED:
                self._cache.clear()
            self._cache[row.secret_hash] = (time.monotonic() + self.cache_seconds, row.principal)
        if self._offline is not None:
            with suppress(DatabaseUnavailable, Overloaded):  # the file is only used in an outage
                self._offline.remember(row.secret_hash, row.name, row.scopes, row.limits)

    def _forget(self, secret_hash: str) -> None:
        with self._lock:
            self._cache.pop(secret_hash, None)
        if self._offline is not None:
            with suppress(DatabaseUnavailable, Overloaded):
                self._offline.forget(secret_hash)

    def hash_of(self, key: str) -> str:
        """Return the stored hash of the key."""
        # A fast hash is enough: the key is 32 random bytes, which cannot be guessed.
        return hashlib.blake2b(key.encode(), key=self._pepper, digest_size=32).hexdigest()
