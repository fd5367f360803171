"""Account that runs PostgreSQL, which refuses to run as root."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# PostgreSQL needs an account with a name, so an unused number would not do.
_UNPRIVILEGED = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """Account other than root."""

    name: str
    uid: int
    gid: int

    @property
    def popen_arguments(self) -> dict[str, Any]:
        """The arguments of `subprocess` that start a process as this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def chown(self, path: Path) -> None:
        """Make the file or folder this account's own."""
        os.chown(path, self.uid, self.gid)

    def may_enter(self, path: Path) -> bool:
        """Return True if this account can reach the path and may enter or execute it.

        Tested by a process, because access lists and mounts count as well as permission bits.
        """
        command = ["test", "-x", str(path)]
        return subprocess.run(command, check=False, **self.popen_arguments).returncode == 0  # noqa: S603


def nearest_existing(path: Path) -> Path:
    """Return the path itself, or the closest existing folder above it."""
    return next(place for place in (path, *path.parents) if place.exists())


def account_for(folder: Path) -> Account | None:
    """Return the account for a PostgreSQL with its data in that folder; None is our own.

    For root it is the owner of the folder, or of the nearest existing one above it, so that the
    owner can start the server later. If that owner is root too: `postgres`, or else `nobody`.
    """
    if os.geteuid() != 0:
        return None
    owner = nearest_existing(folder).stat().st_uid
    known = {entry.pw_uid: entry for entry in pwd.getpwall() if entry.pw_uid != 0}
    by_name = {entry.pw_name: entry for entry in known.values()}
    candidates = (known.get(owner), *(by_name.get(name) for name in _UNPRIVILEGED))
    entry = next((candidate for candidate in candidates if candidate), None)
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid) if entry else None
