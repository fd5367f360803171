"""Folder for the files of a test run: in memory, if the machine has one."""

import os
import shutil
import tempfile
from pathlib import Path

_MEMORY = Path("/dev/shm")  # noqa: S108 - files in it are made by `tempfile` as anywhere
# For all databases of a run, the server's write-ahead log and a copy of its programs.
_NEEDED_BYTES = 2 << 30


def prefer_memory() -> None:
    """Put temporary files of this process and its children in memory, unless TMPDIR is set.

    Each test with a database of its own makes and deletes 460 files. On a disk's file system the
    kernel searches all recently deleted files for each new one: a quarter of a second a database.
    """
    if "TMPDIR" not in os.environ and _takes_programs_and_data(_MEMORY):
        os.environ["TMPDIR"] = tempfile.tempdir = str(_MEMORY)


def _takes_programs_and_data(folder: Path) -> bool:
    if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
        return False
    is_executable = not os.statvfs(folder).f_flag & os.ST_NOEXEC
    return is_executable and shutil.disk_usage(folder).free >= _NEEDED_BYTES
