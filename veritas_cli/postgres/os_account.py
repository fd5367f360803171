"""Which account runs PostgreSQL: it refuses to run as root."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# PostgreSQL wants an account with a name, so an unused number would not do.
_UNPRIVILEGED = ("postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """An account other than root that a process can be started as."""

    name: str
    uid: int
    gid: int

    @property
    def for_process(self) -> dict[str, Any]:
        """The arguments of `subprocess` that start a process as this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def owns(self, path: Path) -> None:
        """Give the file or folder to this account."""
        os.chown(path, self.uid, self.gid)

    def may_enter(self, path: Path) -> bool:
        """Tell whether this account gets to the path and may enter or execute it.

        Tried for real, because access lists and mounts decide too, not only permission bits.
        """
        command = ["test", "-x", str(path)]
        return subprocess.run(command, check=False, **self.for_process).returncode == 0  # noqa: S603


def nearest_existing(path: Path) -> Path:
    """Return the path itself, or the closest folder above it that is there."""
    return next(place for place in (path, *path.parents) if place.exists())


def account_for(folder: Path) -> Account | None:
    """Return whom PostgreSQL with its data in that folder runs as; None means as we run.

    As root it is the owner of the folder, or of the nearest one above it: so the data stay theirs
    when they later start it themselves. Where that is root too: `postgres`, or else `nobody`.
    """
    if os.geteuid() != 0:
        return None
    owner = nearest_existing(folder).stat().st_uid
    known = {entry.pw_uid: entry for entry in pwd.getpwall() if entry.pw_uid != 0}
    by_name = {entry.pw_name: entry for entry in known.values()}
    candidates = (known.get(owner), *(by_name.get(name) for name in _UNPRIVILEGED))
    entry = next((candidate for candidate in candidates if candidate), None)
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid) if entry else None
