"""Looking at real processes: who they started, whether they are gone, what they wrote."""

import os
import subprocess
import time
from collections.abc import Callable


def is_running(process: int) -> bool:
    """Tell whether the process is there and is not just waiting to be noticed as ended."""
    answer = subprocess.run(
        ["ps", "-o", "stat=", "-p", str(process)],  # noqa: S607 - the system's own
        check=False,
        capture_output=True,
        text=True,
    )
    return answer.returncode == 0 and not answer.stdout.startswith("Z")


def children_of(process: int) -> set[int]:
    """Return the processes that this one started itself and that still run."""
    answer = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid="],  # noqa: S607 - the system's own
        check=True,
        capture_output=True,
        text=True,
    )
    pairs = [tuple(map(int, line.split())) for line in answer.stdout.splitlines()]
    return {child for child, parent in pairs if parent == process and is_running(child)}


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> bool:
    """Wait for the condition; tell whether it came true. Generous: machines are slow at times."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def all_gone(processes: set[int]) -> bool:
    """Tell whether none of the processes is left, after giving them time to end."""
    return wait_until(lambda: not any(map(is_running, processes)), seconds=30)


def without_settings(**variables: str) -> dict[str, str]:
    """Return the environment for a command of ours: only what the system needs, and these."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return {**kept, **variables}
