"""API keys: table, cache and queries. The database stores hashes of the keys, never the keys."""

import hashlib
import secrets
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import datetime

from sqlalchemy import String, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared_db.clock import utc_now
from shared_db.columns import Base as ColumnsBase
from shared_db.columns import Key, service_metadata
from shared_db.connection.database import Database
from shared_db.errors import Conflict, DatabaseBusy, DatabaseUnavailable, NotFound, Overloaded
from shared_db.personal_data import STAFF, personal, register
from shared_db.resilience.deadlines import time_limit
from shared_web.auth.offline_keys import OfflineKeyCache
from shared_web.principals import Principal, Scope

__all__ = ["AccessBase", "ApiKey", "KeyExists", "KeyManager", "KeyNotFound", "Principal", "Scope"]

_PREFIX = "veritas_"
_SECRET_BYTES = 32
_MAX_CACHED = 1000


class AccessBase(ColumnsBase, DeclarativeBase):
    """Base of the mapped classes of schema `access`."""

    metadata = service_metadata("access")


@register(
    purpose="to recognise callers; a key names a system",
    keep="for good; a revoked name is not used again",
)
class ApiKey(AccessBase):
    """Issued key. A revoked one is kept, so that its name is not used again."""

    __tablename__ = "api_keys"

    name: Mapped[str] = mapped_column(
        Key,
        primary_key=True,
        info=personal(STAFF, purpose="to name callers in logs; it should name a system, no person"),
    )
    secret_hash: Mapped[str] = mapped_column(
        String(64), unique=True, comment="BLAKE2b-256 of the key, keyed with KEY_PEPPER"
    )
    scopes: Mapped[str] = mapped_column(String(100), comment="The scopes, separated by spaces")
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]

    @property
    def principal(self) -> Principal:
        """Caller that the key identifies."""
        return Principal.of_scopes(self.name, map(Scope, self.scopes.split()))


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
        self._lock = threading.Lock()
        self._offline: OfflineKeyCache | None = None

    def use_offline_cache(self, offline: OfflineKeyCache) -> None:
        """Admit callers of `offline` while the database is unavailable."""
        self._offline = offline

    def add_key(self, name: str, scopes: Iterable[Scope]) -> str:
        """Insert a key and return it; it cannot be retrieved later.

        Raises:
            KeyExists: another key, perhaps a revoked one, has the name.

        """
        key = _PREFIX + secrets.token_urlsafe(_SECRET_BYTES)
        with self._database.unit_of_work() as session:
            if session.get(ApiKey, name) is not None:
                raise KeyExists(f"{name} is taken. Choose another name.")
            row = ApiKey(
                name=name,
                secret_hash=self.hash_of(key),
                scopes=" ".join(sorted(set(scopes))),
                created_at=utc_now(),
            )
            session.add(row)
        return key

    def list_keys(self) -> Sequence[ApiKey]:
        """Return all keys sorted by name, including revoked ones."""
        with self._database.reading() as session:
            return session.scalars(select(ApiKey).order_by(ApiKey.name)).all()

    def revoke_key(self, name: str) -> ApiKey:
        """Revoke a key; services refuse it after at most KEY_CACHE_SECONDS.

        Raises:
            KeyNotFound: no key has the name.

        """
        with self._database.unit_of_work() as session:
            row = session.get(ApiKey, name)
            if row is None:
                raise KeyNotFound(f"There is no key named {name}.")
            row.revoked_at = row.revoked_at or utc_now()
            return row

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

        While the database is unavailable or too slow, a key is valid for KEY_OUTAGE_SECONDS after
        its last verification.

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
            return Principal.of_scopes(found[0], map(Scope, found[1].split()))
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
            if len(self._cache) >= _MAX_CACHED:
                self._cache.clear()
            self._cache[row.secret_hash] = (time.monotonic() + self.cache_seconds, row.principal)
        if self._offline is not None:
            with suppress(DatabaseUnavailable, Overloaded):  # the file is only used in an outage
                self._offline.remember(row.secret_hash, row.name, row.scopes)

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
