"""Store of a spool: its file as one process opens, reads, writes and shrinks it."""

import logging
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import ClassVar

from shared_db.spool.connection import (
    Connect,
    SpoolConnection,
    require_no_older_user,
    unusable,
)
from shared_db.spool.file import COLUMNS, Entry, SpoolUnavailable, connect, is_mostly_free
from shared_db.spool.sqlite_file import FileUsers, damage_of, damaged_files, set_aside

logger = logging.getLogger(__name__)


class SpoolStore:
    """File of a spool, with one connection that writes and one that reads.

    Raises SpoolUnavailable from every method when the file cannot be used.
    touch: SQL that changes no row and fails if the file cannot be written. noun: the file in
    messages. remedy: what to do with a damaged one.
    """

    touch: ClassVar[str] = "UPDATE spool SET attempts = attempts WHERE place = 0"
    noun: ClassVar[str] = "the spool"
    remedy: ClassVar[str] = "`veritas spool salvage` recovers its rows"

    def __init__(self, path: Path, connect: Connect = connect) -> None:
        self.path = path
        self._users = FileUsers(path)
        self._writer = SpoolConnection(path, self._users, connect)
        self._reader = SpoolConnection(path, self._users, connect)

    def open(self) -> None:
        """Create the file if it is absent, and check that it can be written.

        A damaged file is set aside under another name, and a new one begins. If another process
        uses it, this raises SpoolUnavailable instead.
        """
        try:
            if self._users.is_alone():
                require_no_older_user(self.path)
                self._set_aside_if_damaged()
            else:
                self._require_sound()
        except (OSError, sqlite3.Error, SpoolUnavailable) as failure:
            self.close()
            raise unusable(self.path, "opened", failure) from failure
        with self.transaction() as connection:
            connection.execute(self.touch)

    def close(self) -> None:
        """Close the file; the next use opens it again."""
        self._writer.close()
        self._reader.close()
        self._users.leave()

    def damaged_files(self) -> list[Path]:
        """Return the files that were set aside for damage and not salvaged yet."""
        return damaged_files(self.path)

    def truncate_wal(self) -> None:
        """Return unused space to the file system, and wipe removed rows from the journal.

        SQLite's journal keeps old pages. While another process reads the file they stay, until the
        next call by any process.
        """
        if not self._journal_bytes():
            return
        try:
            with self._writer.use() as connection:
                if is_mostly_free(connection):
                    connection.execute("VACUUM")
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
                connection.execute("PRAGMA shrink_memory")
        except (OSError, sqlite3.Error) as failure:
            raise unusable(self.path, "written", failure) from failure

    def entries(
        self,
        where: str,
        values: Sequence[object] | dict[str, object] = (),
        limit: int | None = None,
    ) -> list[Entry]:
        """Return the rows that meet an SQL condition, in the order of acceptance.

        where: SQL of this package, never of a client.
        """
        most = -1 if limit is None else limit
        query = f"SELECT {COLUMNS} FROM spool WHERE {where} ORDER BY place LIMIT {most:d}"  # noqa: S608 - ours
        with self.connection() as connection:
            rows = connection.execute(query, values).fetchall()
        return [
            Entry(kind, id_, subject, payload, digest, datetime.fromisoformat(accepted_at), *rest)
            for kind, id_, subject, payload, digest, accepted_at, *rest in rows
        ]

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection in a transaction that is committed at the end."""
        try:
            with self._writer.transaction() as connection:
                yield connection
        except (OSError, sqlite3.Error) as failure:
            raise unusable(self.path, "written", failure) from failure

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection that reads."""
        try:
            with self._reader.use() as connection:
                yield connection
        except (OSError, sqlite3.Error) as failure:
            raise unusable(self.path, "read", failure) from failure

    def _journal_bytes(self) -> int:
        try:
            return Path(f"{self.path}-wal").stat().st_size
        except FileNotFoundError:
            return 0

    def _require_sound(self) -> None:
        fault = damage_of(self.path)
        if fault is not None:
            raise SpoolUnavailable(
                f"{self.path} is damaged ({fault}) and in use; stop every process of the service "
                "and start it again"
            )

    def _set_aside_if_damaged(self) -> None:
        fault = damage_of(self.path)
        if fault is not None:
            aside = set_aside(self.path)
            logger.error(
                "%s was damaged (%s); it is kept as %s, and a new one begins. %s",
                self.noun,
                fault,
                aside,
                self.remedy,
            )
