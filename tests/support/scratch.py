"""Where the files of a test run are: in memory, if this machine has a place for that."""

import os
import shutil
import tempfile
from pathlib import Path

_MEMORY = Path("/dev/shm")  # noqa: S108 - files in it are made by `tempfile` as anywhere
# All databases of a run at once, its server's log of changes and a copy of its programs.
_NEEDED_BYTES = 2 << 30


def prefer_memory() -> None:
    """Let temporary files of this process, and of those it starts, be in memory; TMPDIR decides.

    Each test with a database of its own makes and deletes 460 files. On a disk's file system the
    kernel looks through all that were deleted lately to make the next, which cost a quarter of a
    second of its time for each database.
    """
    if "TMPDIR" not in os.environ and _takes_programs_and_data(_MEMORY):
        os.environ["TMPDIR"] = tempfile.tempdir = str(_MEMORY)


def _takes_programs_and_data(folder: Path) -> bool:
    if not (folder.is_dir() and os.access(folder, os.W_OK | os.X_OK)):
        return False
    is_executable = not os.statvfs(folder).f_flag & os.ST_NOEXEC
    return is_executable and shutil.disk_usage(folder).free >= _NEEDED_BYTES
