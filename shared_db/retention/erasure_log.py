"""Log of erasures in a file beside the backups: pseudonyms and instants, no ids.

After a restore the erasures are applied again from it. The tombstones in the database are the
source: entries that are missing are added later, and none is of an erasure that was rolled back.
"""

import fcntl
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from shared_db.errors import ConfigurationError

_ENTRY = re.compile(r"(\S+) (erased-[0-9a-f]{32})")


class ErasureLog:
    """File with a line for each tombstone, readable for its owner only."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def read(self) -> dict[str, datetime]:
        """Return the instants of the erasures by pseudonym; empty without a file.

        An entry that was cut off at the end of the file is left out.

        Raises:
            ConfigurationError: a line is no entry, or the file cannot be read.

        """
        try:
            return self._parsed(self.file.read_bytes())
        except FileNotFoundError:
            return {}
        except OSError as failure:
            raise ConfigurationError(
                f"{self.file} cannot be read: {failure.strerror}."
            ) from failure

    def add(self, erasures: Mapping[str, datetime]) -> int:
        """Add the erasures that the file lacks, onto the disk; return their number.

        Raises:
            ConfigurationError: a line of the file is no entry, or it cannot be written.

        """
        if not erasures:
            return 0
        try:
            with self._locked() as descriptor:
                content = _content(descriptor)
                known = self._parsed(content)
                new = {each: at for each, at in erasures.items() if each not in known}
                if new:
                    whole = content.rfind(b"\n") + 1
                    os.ftruncate(descriptor, whole)  # without an entry that was cut off
                    lines = [f"{at.isoformat()} {each}\n" for each, at in sorted(new.items())]
                    _write(descriptor, "".join(lines).encode(), whole)
                return len(new)
        except OSError as failure:
            raise ConfigurationError(
                f"{self.file} cannot be written: {failure.strerror}. The folder must exist, and "
                "the file must belong to the user of the service."
            ) from failure

    def _parsed(self, content: bytes) -> dict[str, datetime]:
        whole = content[: content.rfind(b"\n") + 1].decode(errors="replace")
        found = {}
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                at, pseudonym = _fields(line)
            except ValueError as failure:
                raise ConfigurationError(
                    f"{self.file}, line {number}: this is no erasure, as `2026-11-29T12:00:00+00:00"
                    " erased-...`. Correct or remove the line."
                ) from failure
            found[pseudonym] = at
        return found

    @contextmanager
    def _locked(self) -> Iterator[int]:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
        is_new = not self.file.exists()
        descriptor = os.open(self.file, flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            if is_new:
                self._adopt(descriptor)
            yield descriptor
        finally:
            os.close(descriptor)

    def _adopt(self, descriptor: int) -> None:
        """Put the new name onto the disk, and give root's file to the owner of the folder."""
        folder = os.open(self.file.parent, os.O_RDONLY)
        try:
            if os.geteuid() == 0:
                owner = os.fstat(folder)
                os.fchown(descriptor, owner.st_uid, owner.st_gid)
            os.fsync(folder)
        finally:
            os.close(folder)


def _fields(line: str) -> tuple[datetime, str]:
    match = _ENTRY.fullmatch(line)
    at = datetime.fromisoformat(match[1]) if match else None
    if match is None or at is None or at.tzinfo is None:
        raise ValueError(line)
    return at, match[2]


def _content(descriptor: int) -> bytes:
    size = os.fstat(descriptor).st_size
    return os.pread(descriptor, size, 0)


def _write(descriptor: int, content: bytes, offset: int) -> None:
    while content:
        written = os.pwrite(descriptor, content, offset)
        content, offset = content[written:], offset + written
    os.fsync(descriptor)
