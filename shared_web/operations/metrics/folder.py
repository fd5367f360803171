"""Folder in which the worker processes of one service keep their metrics.

This module does not import prometheus_client, which chooses the place of its values when it is
imported.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
_PREFIX = "veritas-metrics-"


@contextmanager
def metrics_folder(workers: int) -> Iterator[None]:
    """Give worker processes that start in the context a common folder; a single one needs none.

    The folder is new, so nothing of an earlier run is counted. Folders of processes that were
    killed are removed.
    """
    os.environ.pop(VARIABLE, None)
    _remove_abandoned()
    if workers == 1:
        yield
        return
    folder = tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-")
    os.environ[VARIABLE] = folder
    try:
        yield
    finally:
        del os.environ[VARIABLE]
        shutil.rmtree(folder, ignore_errors=True)


def shared_folder() -> Path | None:
    """Return the folder of the worker processes, or None if this is the only process."""
    folder = os.environ.get(VARIABLE)
    return Path(folder) if folder else None


def is_running(pid: int) -> bool:
    """Return True if a process of that id runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # of another user
        return True
    return True


def _remove_abandoned() -> None:
    for folder in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        pid = folder.name.removeprefix(_PREFIX).partition("-")[0]
        is_own = folder.lstat().st_uid == os.getuid() and not folder.is_symlink()
        # A process of this id that has just begun is not the one that made the folder.
        is_left = pid.isdecimal() and (int(pid) == os.getpid() or not is_running(int(pid)))
        if is_own and is_left:
            shutil.rmtree(folder, ignore_errors=True)
