"""API keys: who may call, and what for. The keys stand in the database, only as hashes."""

import hashlib
import secrets
import threading
import time
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import String, select
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from shared_db.clock import utc_now
from shared_db.columns import Base as ColumnsBase
from shared_db.columns import Key, service_metadata
from shared_db.connection.database import Database
from shared_db.errors import Conflict, DatabaseBusy, DatabaseUnavailable, NotFound, Overloaded
from shared_db.resilience.deadlines import within
from shared_web.auth.offline_keys import OfflineKeyCache

_PREFIX = "veritas_"
_SECRET_BYTES = 32
_MOST_CACHED = 1000


class Scope(StrEnum):
    """What a key is for; `admin` includes the others."""

    READ = "read"
    WRITE = "write"
    INGEST = "ingest"
    ADMIN = "admin"


@dataclass(frozen=True)
class Principal:
    """Who calls: the key's name, which is the actor in logs and records."""

    name: str
    scopes: frozenset[Scope]

    def may(self, scope: Scope) -> bool:
        """Tell whether the scope, or `admin`, is among the key's."""
        return scope in self.scopes or Scope.ADMIN in self.scopes


class AccessBase(ColumnsBase, DeclarativeBase):
    """The mapped classes of schema `access`."""

    metadata = service_metadata("access")


class ApiKey(AccessBase):
    """A key that was given out; a revoked one stays, so that its name is not taken again."""

    __tablename__ = "api_keys"

    name: Mapped[str] = mapped_column(Key, primary_key=True)
    secret_hash: Mapped[str] = mapped_column(
        String(64), unique=True, comment="BLAKE2b-256 of the key, keyed with KEY_PEPPER"
    )
    scopes: Mapped[str] = mapped_column(String(100), comment="The scopes, separated by spaces")
    created_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]

    @property
    def principal(self) -> Principal:
        """The caller that this key stands for."""
        return Principal(self.name, frozenset(map(Scope, self.scopes.split())))


class KeyExists(Conflict):
    """The name was given to a key before."""

    slug = "key-exists"
    title = "There is a key of that name"


class KeyNotFound(NotFound):
    """No key has that name."""

    slug = "key-not-found"
    title = "There is no such key"


class KeyManager:
    """Every query on the keys."""

    def __init__(self, database: Database, *, pepper: str = "", cache_seconds: float = 0) -> None:
        self._database = database
        self._pepper = hashlib.blake2b(pepper.encode(), digest_size=32).digest()
        self.cache_seconds = cache_seconds
        self._cache: dict[str, tuple[float, Principal]] = {}
        self._lock = threading.Lock()
        self._known: OfflineKeyCache | None = None

    def remember_on_disk(self, known: OfflineKeyCache) -> None:
        """Let callers in during an outage whose key was verified before."""
        self._known = known

    def add_key(self, name: str, scopes: Iterable[Scope]) -> str:
        """Make a key and return it; it is shown this once and cannot be had again.

        Raises:
            KeyExists: the name is taken, perhaps by a revoked key.

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
        """Return all keys by name, the revoked ones too."""
        with self._database.reading() as session:
            return session.scalars(select(ApiKey).order_by(ApiKey.name)).all()

    def revoke_key(self, name: str) -> ApiKey:
        """Revoke a key; services refuse it within KEY_CACHE_SECONDS.

        Raises:
            KeyNotFound: no key has that name.

        """
        with self._database.unit_of_work() as session:
            row = session.get(ApiKey, name)
            if row is None:
                raise KeyNotFound(f"There is no key named {name}.")
            row.revoked_at = row.revoked_at or utc_now()
            return row

    def has_keys(self) -> bool:
        """Tell whether any key is in force."""
        query = select(ApiKey.name).where(ApiKey.revoked_at.is_(None)).limit(1)
        with self._database.reading() as session:
            return session.scalar(query) is not None

    def remembered(self, key: str) -> Principal | None:
        """Return the caller if the key was found within the last `cache_seconds`."""
        found = self._cache.get(self.hash_of(key))
        return found[1] if found is not None and found[0] > time.monotonic() else None

    def was_found(self, key: str) -> bool:
        """Tell whether the key was in force when it was last looked up, however long ago."""
        return self.hash_of(key) in self._cache

    def hashes_in_force(self) -> frozenset[str]:
        """Return the hashes of all keys in force; the others are forgotten on the disk, too.

        Raises:
            DatabaseUnavailable: the database is away.

        """
        began = time.time()
        query = select(ApiKey.secret_hash).where(ApiKey.revoked_at.is_(None))
        with self._waiting(), self._database.reading() as session:
            hashes = frozenset(session.scalars(query))
        if self._known is not None:
            with suppress(DatabaseUnavailable):
                self._known.forget_others(hashes, began)
        return hashes

    def find(self, key: str) -> Principal | None:
        """Return the caller whom the key stands for, or None if it is unknown or revoked.

        While the database is away or too slow, a key counts that was verified within
        KEY_OUTAGE_SECONDS.

        Raises:
            DatabaseUnavailable: the database is away, and the key was not verified lately.

        """
        secret_hash = self.hash_of(key)
        try:
            row = self._stored(secret_hash)
        except (DatabaseUnavailable, DatabaseBusy):
            found = self._known.find(secret_hash) if self._known else None
            if found is None:
                raise
            return Principal(found[0], frozenset(map(Scope, found[1].split())))
        if row is None:
            self._forget(secret_hash)
            return None
        self._remember(row)
        return row.principal

    def _stored(self, secret_hash: str) -> ApiKey | None:
        query = select(ApiKey).where(ApiKey.secret_hash == secret_hash, ApiKey.revoked_at.is_(None))
        with self._waiting(), self._database.reading() as session:
            return session.scalar(query)

    def _waiting(self) -> AbstractContextManager[None]:
        # A request that may be spooled must not wait for longer on the way to it.
        return within(self._database.store.adding_seconds) if self._known else nullcontext()

    def _remember(self, row: ApiKey) -> None:
        with self._lock:
            if len(self._cache) >= _MOST_CACHED:
                self._cache.clear()
            self._cache[row.secret_hash] = (time.monotonic() + self.cache_seconds, row.principal)
        if self._known is not None:
            with suppress(DatabaseUnavailable, Overloaded):  # the file is only for an outage
                self._known.remember(row.secret_hash, row.name, row.scopes)

    def _forget(self, secret_hash: str) -> None:
        with self._lock:
            self._cache.pop(secret_hash, None)
        if self._known is not None:
            with suppress(DatabaseUnavailable, Overloaded):
                self._known.forget(secret_hash)

    def hash_of(self, key: str) -> str:
        """Return what is stored of the key."""
        # Fast is enough: the key is 32 random bytes, which no dictionary holds.
        return hashlib.blake2b(key.encode(), key=self._pepper, digest_size=32).hexdigest()
