"""Keys that were verified lately, on the disk: their callers get in during an outage."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import structlog

from shared_db.errors import DatabaseUnavailable
from shared_db.resilience import descriptors
from shared_db.spool.sqlite_file import connect_private, is_damage, set_aside

logger = structlog.stdlib.get_logger("veritas.keys")

_TABLE = (
    "CREATE TABLE IF NOT EXISTS known_keys"
    " (secret_hash TEXT PRIMARY KEY, name TEXT NOT NULL, scopes TEXT NOT NULL,"
    " verified_at REAL NOT NULL)"
)
# A key in use is verified all the time; to the disk it is written this often.
_WRITE_SECONDS = 300


class OfflineKeyCache:
    """Hashes, names and scopes of verified keys; shared by a service's workers.

    seconds: how long after it was verified a key still counts while the database is away.
    """

    def __init__(self, path: Path, seconds: float) -> None:
        self._path = path
        self._seconds = seconds
        self._lock = threading.Lock()
        self._written: dict[str, float] = {}

    def remember(self, secret_hash: str, name: str, scopes: str) -> None:
        """Note that the database knows the key now."""
        now = time.time()
        if now - self._written.get(secret_hash, 0) < min(_WRITE_SECONDS, self._seconds / 2):
            return
        query = "INSERT OR REPLACE INTO known_keys VALUES (?, ?, ?, ?)"
        with self._file() as connection:
            connection.execute(query, (secret_hash, name, scopes, now))
            connection.execute(
                "DELETE FROM known_keys WHERE verified_at < ?", (now - self._seconds,)
            )
        self._written[secret_hash] = now

    def forget(self, secret_hash: str) -> None:
        """Note that the database does not know the key, or has it as revoked."""
        self._written.pop(secret_hash, None)
        with self._file() as connection:
            connection.execute("DELETE FROM known_keys WHERE secret_hash = ?", (secret_hash,))

    def forget_others(self, in_force: frozenset[str], since: float) -> None:
        """Forget all keys but these; one verified after `since` may be newer than they are."""
        query = "DELETE FROM known_keys WHERE secret_hash = ? AND verified_at < ?"
        with self._file() as connection:
            known = {row[0] for row in connection.execute("SELECT secret_hash FROM known_keys")}
            connection.executemany(query, [(other, since) for other in known - in_force])

    def find(self, secret_hash: str) -> tuple[str, str] | None:
        """Return name and scopes of a key that was verified within the time."""
        query = "SELECT name, scopes FROM known_keys WHERE secret_hash = ? AND verified_at >= ?"
        with self._file() as connection:
            row = connection.execute(query, (secret_hash, time.time() - self._seconds)).fetchone()
        return None if row is None else (row[0], row[1])

    @contextmanager
    def _file(self) -> Iterator[sqlite3.Connection]:
        try:
            with (
                self._lock,
                closing(connect_private(self._path, timeout=5)) as connection,
                connection,
            ):
                connection.execute(_TABLE)
                yield connection
        except (OSError, sqlite3.Error) as failure:
            if shortage := descriptors.shortage(failure):
                raise shortage from failure
            if is_damage(failure):
                self._begin_anew()
            raise DatabaseUnavailable("The keys that were known cannot be read.") from failure

    def _begin_anew(self) -> None:
        # A cache: the next verified key begins a new file.
        aside = set_aside(self._path)
        self._written.clear()
        logger.error(
            "the file of known keys was damaged; it is kept under another name", aside=str(aside)
        )
