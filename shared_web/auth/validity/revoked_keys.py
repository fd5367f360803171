"""Keys revoked without the database: a file of their names, which each process reads again."""

import os
import time
import unicodedata
from pathlib import Path

from shared_db.errors import DatabaseUnavailable

FILE_NAME = "revoked-keys"
# A process may admit a key for so long after it was added to the file.
REREAD_SECONDS = 1.0
_MODE = 0o600


class RevokedKeys:
    """Names in the file of one folder. The names of revoked keys are never used again.

    reread_seconds: the file is looked at most this often.
    """

    def __init__(self, folder: Path, reread_seconds: float = REREAD_SECONDS) -> None:
        self.path = folder / FILE_NAME
        self._reread_seconds = reread_seconds
        self._read_at = float("-inf")
        self._version: tuple[int, ...] | None = None
        self._names: frozenset[str] = frozenset()

    def has(self, name: str) -> bool:
        """Return True if the key of this name is in the file.

        Raises:
            DatabaseUnavailable: the file is there and cannot be read, so no key can be trusted.

        """
        now = time.monotonic()
        if now - self._read_at >= self._reread_seconds:
            self._read()
            self._read_at = now
        return _normal(name) in self._names

    def add(self, name: str) -> None:
        """Add the name of a key; it is on the disk when this returns.

        The file is private, and belongs to the owner of its folder if root adds the name.

        Raises:
            OSError: the file cannot be written.

        """
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, _MODE)
        try:
            os.fchmod(descriptor, _MODE)
            if os.geteuid() == 0:
                folder = self.path.parent.stat()
                os.fchown(descriptor, folder.st_uid, folder.st_gid)
            # The first line break ends a line that was written by hand without one.
            os.write(descriptor, f"\n{_normal(name)}\n".encode())
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        self._read_at = float("-inf")

    def _read(self) -> None:
        try:
            found = self.path.stat()
            version = (found.st_ino, found.st_mtime_ns, found.st_size)
            if version != self._version:
                lines = self.path.read_text(encoding="utf-8").split("\n")
                self._names = frozenset(_normal(line.strip()) for line in lines if line.strip())
                self._version = version
        except (FileNotFoundError, NotADirectoryError):
            self._names, self._version = frozenset(), None
        except (OSError, UnicodeDecodeError) as failure:
            raise DatabaseUnavailable(
                f"The file {FILE_NAME} beside the spool cannot be read, so no key is accepted."
            ) from failure


def _normal(name: str) -> str:
    return unicodedata.normalize("NFC", name)
