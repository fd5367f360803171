"""SQLite files of a service: private to its user, and opened by SQLite only."""

import fcntl
import os
import sqlite3
import threading
from contextlib import suppress
from itertools import count
from pathlib import Path
from typing import Any

# SQLITE_CORRUPT and SQLITE_NOTADB.
_DAMAGE_CODES = {11, 26}
# SQLite holds a shared lock on this byte of the -shm file as long as a connection is open.
_SHM_IN_USE_BYTE = 128
# No thread may connect to a file between its creation and the closing of that descriptor.
_creating = threading.Lock()


def connect_private(path: Path, **options: Any) -> sqlite3.Connection:
    """Connect to the file, which is created for the service's user alone if it is absent.

    Only SQLite may open the file. Closing any other descriptor of it would drop the locks that
    SQLite holds in this process; another process would then act as the last user, and remove the
    journal of the writers (sqlite.org/howtocorrupt.html, 2.2). SQLite gives its other files the
    same owner and rights.

    Raises:
        OSError: the file cannot be made.
        sqlite3.Error: it cannot be opened.

    """
    with _creating:
        _create(path)
    connection: sqlite3.Connection = sqlite3.connect(path, **options)
    return connection


def _create(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        descriptor = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        try:
            if os.geteuid() == 0:  # root, for a service of another user
                folder = path.parent.stat()
                os.fchown(descriptor, folder.st_uid, folder.st_gid)
        finally:
            os.close(descriptor)


def is_damage(failure: BaseException | None) -> bool:
    """Return True if SQLite found the file damaged, not only unreachable."""
    code = getattr(failure, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in _DAMAGE_CODES


def damage_of(path: Path) -> str | None:
    """Return the first fault that SQLite finds in the file; None if it is sound or absent.

    Raises:
        sqlite3.Error: the file cannot be read at all.

    """
    if not path.exists():
        return None
    connection = sqlite3.connect(path)
    try:
        # One line, or several in one text; one is enough.
        fault: str = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.DatabaseError as failure:
        if not is_damage(failure):
            raise
        return str(failure)
    finally:
        connection.close()
    return None if fault == "ok" else fault.splitlines()[-1]


def is_in_use(path: Path) -> bool:
    """Return True if a process of any release has the file open.

    The caller must have no connection to it: this would drop that connection's locks.
    """
    try:
        descriptor = os.open(f"{path}-shm", os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _SHM_IN_USE_BYTE)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def set_aside(path: Path) -> Path:
    """Rename a damaged file and its journal to NAME.damaged-1, or the next free number.

    The journal is renamed first: beside a new file SQLite would use it as that file's own. The
    caller is the only user of the file.

    Raises:
        OSError: the folder cannot be written.

    """
    aside = next(
        place
        for number in count(1)
        if not (place := Path(f"{path}.damaged-{number}")).exists()
        and not Path(f"{path}.salvaged-{number}").exists()
    )
    _rename(path, aside)
    return aside


def damaged_files(path: Path) -> list[Path]:
    """Return the files that were set aside for damage and not salvaged yet."""
    found = path.parent.glob(f"{path.name}.damaged-*")
    return sorted(file for file in found if file.suffix.rpartition("-")[2].isdigit())


def mark_salvaged(path: Path) -> Path:
    """Rename a file that was set aside, after its rows are recovered; return its name.

    A file of another name keeps its name.

    Raises:
        OSError: the folder cannot be written.

    """
    if ".damaged-" not in path.name:
        return path
    salvaged = path.with_name(path.name.replace(".damaged-", ".salvaged-"))
    _rename(path, salvaged)
    return salvaged


def _rename(path: Path, target: Path) -> None:
    for suffix in ("-wal", "-shm", ""):
        file = Path(f"{path}{suffix}")
        if file.exists():
            file.rename(f"{target}{suffix}")


class FileUsers:
    """Lock that every process holds while it uses a file; exclusive for an only user.

    Only an only user may rename a damaged file: SQLite removes journals by name, so another process
    that closes the renamed file would remove the journal of the new one.
    """

    def __init__(self, path: Path) -> None:
        self._path = Path(f"{path}.users")
        self._descriptor: int | None = None
        self._is_exclusive = False
        self._lock = threading.Lock()

    def is_alone(self) -> bool:
        """Return True if no other process uses the file; others have to wait until `share`.

        False, too, if this process shares it already.

        Raises:
            OSError: the lock's file cannot be made.

        """
        with self._lock:
            if self._descriptor is not None:
                return self._is_exclusive
            self._descriptor = self._opened()
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False
            self._is_exclusive = True
            return True

    def share(self) -> None:
        """Hold the lock together with other processes; wait while one of them is alone.

        Raises:
            OSError: the lock's file cannot be made.

        """
        with self._lock:
            if self._descriptor is None:
                self._descriptor = self._opened()
            fcntl.flock(self._descriptor, fcntl.LOCK_SH)
            self._is_exclusive = False

    def leave(self) -> None:
        """Release the lock."""
        with self._lock:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor, self._is_exclusive = None, False

    def _opened(self) -> int:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        if os.geteuid() == 0:
            folder = self._path.parent.stat()
            os.fchown(descriptor, folder.st_uid, folder.st_gid)
        return descriptor
