"""File in which reads wait for the database: on the disk before their requests are answered."""

import sqlite3
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from shared_db.audit.rows import ChainedRead
from shared_db.spool.file import SpoolUnavailable
from shared_db.spool.sqlite_file import connect_private
from shared_db.spool.store import SpoolStore

_BUSY_SECONDS = 5
_FORMAT = 1
_CREATE = """
CREATE TABLE IF NOT EXISTS reads (
    place INTEGER PRIMARY KEY AUTOINCREMENT,
    content TEXT NOT NULL
)
"""


class AuditFile(SpoolStore):
    """File of waiting reads of one service, shared by its processes.

    Raises SpoolUnavailable from every method when the file cannot be used.
    """

    touch = "UPDATE reads SET place = place WHERE place = 0"
    noun = "the file of the audit"
    remedy = "The reads in it are not in the database; keep it with your records"

    def __init__(self, path: Path, max_bytes: int) -> None:
        super().__init__(path, partial(_connect, max_bytes=max_bytes))

    @classmethod
    def of_service(cls, folder: Path, service: str, max_bytes: int) -> "AuditFile":
        """Return the file of a service in the folder of SPOOL_PATH."""
        return cls(folder / f"{service}-audit.db", max_bytes)

    def append(self, reads: Sequence[ChainedRead]) -> None:
        """Append the reads in one transaction, which is on the disk when this returns."""
        rows = [(read.to_json(),) for read in reads]
        with self.transaction() as connection:
            connection.executemany("INSERT INTO reads (content) VALUES (?)", rows)

    def pending(self, limit: int) -> list[tuple[int, ChainedRead]]:
        """Return the first waiting reads, each with its place in the file."""
        query = "SELECT place, content FROM reads ORDER BY place LIMIT ?"
        with self.connection() as connection:
            rows = connection.execute(query, (limit,)).fetchall()
        return [(place, ChainedRead.from_json(content)) for place, content in rows]

    def waiting(self) -> int:
        """Return the number of waiting reads."""
        with self.connection() as connection:
            [count] = connection.execute("SELECT count(*) FROM reads").fetchone()
        return int(count)

    def remove(self, places: Sequence[int]) -> None:
        """Remove stored reads; nothing of them stays in the file."""
        with self.transaction() as connection:
            connection.executemany("DELETE FROM reads WHERE place = ?", [(p,) for p in places])


def _connect(path: Path, max_bytes: int) -> sqlite3.Connection:
    connection = connect_private(
        path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    try:
        [written] = connection.execute("PRAGMA user_version").fetchone()
        if written > _FORMAT:
            raise SpoolUnavailable(f"{path} is of a newer release; upgrade this one")  # noqa: TRY301 - closes the connection
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA secure_delete = ON")
        [page_bytes] = connection.execute("PRAGMA page_size").fetchone()
        connection.execute(f"PRAGMA max_page_count = {max_bytes // page_bytes}")
        if written < _FORMAT:
            connection.execute(_CREATE)
            connection.execute(f"PRAGMA user_version = {_FORMAT}")
    except BaseException:
        connection.close()
        raise
    return connection
