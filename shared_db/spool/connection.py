"""Connection to the file of a spool, for one thread at a time."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from shared_db.spool.file import SpoolUnavailable, connect
from shared_db.spool.sqlite_file import FileUsers, is_damage, is_in_use

Connect = Callable[[Path], sqlite3.Connection]


class SpoolConnection:
    """Connection that is opened on first use, and used by one thread after the other.

    connect: opens the file, and makes or upgrades its tables.
    """

    def __init__(self, path: Path, users: FileUsers, connect: Connect = connect) -> None:
        self.lock = threading.RLock()
        self._path = path
        self._users = users
        self._connect = connect
        self._connection: sqlite3.Connection | None = None
        self._inode = 0

    @contextmanager
    def use(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection to this thread alone.

        Raises:
            OSError: the file cannot be made.
            sqlite3.Error: it cannot be opened, or is damaged.

        """
        with self.lock:
            if self._connection is None:
                self._connection = self._opened()
                self._inode = self._path.stat().st_ino
            yield self._connection

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Yield the connection in a transaction that is committed at the end.

        Raises:
            SpoolUnavailable: the file was removed or replaced, so the rows are lost.

        """
        with self.use() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            if not self._is_current():
                raise SpoolUnavailable(
                    f"{self._path} was removed or replaced while in use; restart the service"
                )

    def close(self) -> None:
        """Close the connection; the next use opens it again."""
        with self.lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _opened(self) -> sqlite3.Connection:
        if not self._users.is_alone():
            self._users.share()  # waits while an only user makes or upgrades the file
            return self._connect(self._path)
        try:
            require_no_older_user(self._path)
            connection = self._connect(self._path)
        except BaseException:
            self._users.leave()
            raise
        self._users.share()
        return connection

    def _is_current(self) -> bool:
        try:
            return self._path.stat().st_ino == self._inode
        except FileNotFoundError:
            return False


def require_no_older_user(path: Path) -> None:
    """Return if no process has the file open, including those of a release without `FileUsers`.

    Raises:
        SpoolUnavailable: a process has it open; the file was not changed.

    """
    if is_in_use(path):
        raise SpoolUnavailable(
            f"{path} is in use by a process of an older release; stop it, and start this one again"
        )


def unusable(path: Path, done: str, failure: BaseException | None) -> SpoolUnavailable:
    """Return the refusal for a failure; done: `read` or `written`."""
    if isinstance(failure, SpoolUnavailable):
        return failure
    if is_damage(failure):
        return SpoolUnavailable(f"{path} is damaged; restart the service, which sets it aside")
    return SpoolUnavailable(f"{path} cannot be {done}")
