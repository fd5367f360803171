"""Recently verified keys, a table in the spool file; their callers are admitted in an outage."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from pathlib import Path

from shared_db.errors import DatabaseUnavailable
from shared_db.resilience import descriptors
from shared_db.spool.file import SpoolUnavailable
from shared_db.spool.store import SpoolStore
from shared_web.auth.validity.key_limits import networks_text, stored_limits
from shared_web.principals import NO_LIMITS, KeyLimits

# Not part of the spool's format, so that processes of an older release can use the file as well.
_TABLE = (
    "CREATE TABLE IF NOT EXISTS verified_keys"
    " (secret_hash TEXT PRIMARY KEY, name TEXT NOT NULL, scopes TEXT NOT NULL,"
    " verified_at REAL NOT NULL, expires_at TEXT, addresses TEXT)"
)
# Of earlier releases, whose keys have no limits.
_DROP_OLD = "DROP TABLE IF EXISTS known_keys"
# A key in use is verified all the time; it is written to disk at most this often.
_WRITE_SECONDS = 300


class OfflineKeyCache:
    """Hashes, names, scopes and limits of verified keys, shared by the workers of a service.

    seconds: validity of a key after its last verification while the database is unavailable.
    Every method raises DatabaseUnavailable if the file cannot be used, and Overloaded if no file
    descriptor is left.
    """

    def __init__(self, spool: SpoolStore, seconds: float) -> None:
        self._spool = spool
        self._seconds = seconds
        self._written: dict[str, float] = {}

    def remember(
        self, secret_hash: str, name: str, scopes: str, limits: KeyLimits = NO_LIMITS
    ) -> None:
        """Upsert a key that the database has just confirmed."""
        now = time.time()
        if now - self._written.get(secret_hash, 0) < min(_WRITE_SECONDS, self._seconds / 2):
            return
        query = "INSERT OR REPLACE INTO verified_keys VALUES (?, ?, ?, ?, ?, ?)"
        expires_at = limits.expires_at and limits.expires_at.isoformat()
        values = (secret_hash, name, scopes, now, expires_at, networks_text(limits))
        with self._table(self._spool.transaction) as connection:
            connection.execute(_DROP_OLD)
            connection.execute(query, values)
            connection.execute(
                "DELETE FROM verified_keys WHERE verified_at < ?", (now - self._seconds,)
            )
        self._written[secret_hash] = now

    def forget(self, secret_hash: str) -> None:
        """Delete a key that is unknown to the database or revoked."""
        self._written.pop(secret_hash, None)
        with self._table(self._spool.transaction) as connection:
            connection.execute("DELETE FROM verified_keys WHERE secret_hash = ?", (secret_hash,))

    def forget_others(self, in_force: frozenset[str], since: float) -> None:
        """Delete all other keys, except those verified after `since`, which may be newer."""
        query = "DELETE FROM verified_keys WHERE secret_hash = ? AND verified_at < ?"
        with self._table(self._spool.transaction) as connection:
            known = {row[0] for row in connection.execute("SELECT secret_hash FROM verified_keys")}
            connection.executemany(query, [(other, since) for other in known - in_force])

    def find(self, secret_hash: str) -> tuple[str, str, KeyLimits] | None:
        """Return name, scopes and limits of a key that was verified lately enough."""
        query = (
            "SELECT name, scopes, expires_at, addresses FROM verified_keys"
            " WHERE secret_hash = ? AND verified_at >= ?"
        )
        with self._table(self._spool.connection) as connection:
            row = connection.execute(query, (secret_hash, time.time() - self._seconds)).fetchone()
        if row is None:
            return None
        expires_at = row[2] and datetime.fromisoformat(row[2])
        return row[0], row[1], stored_limits(expires_at, row[3])

    @contextmanager
    def _table(
        self, use: Callable[[], AbstractContextManager[sqlite3.Connection]]
    ) -> Iterator[sqlite3.Connection]:
        try:
            with use() as connection:
                connection.execute(_TABLE)
                yield connection
        except SpoolUnavailable as failure:
            if shortage := descriptors.shortage(failure.__cause__):
                raise shortage from failure
            raise DatabaseUnavailable("The keys that were known cannot be read.") from failure


def remove_key_file(folder: Path, service: str) -> None:
    """Delete the key file of earlier releases and its damaged copies."""
    for file in folder.glob(f"{service}-keys.db*"):
        file.unlink(missing_ok=True)
