"""Checks of real processes: children, termination, environment."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[2]
VERITAS = (sys.executable, "-c", "from veritas_cli.main import app; app()")


def is_running(process: int) -> bool:
    """Return True if the process exists and is no zombie."""
    return process in _running()


def children_of(process: int) -> set[int]:
    """Return the running children of a process."""
    return {child for child, parent in _running().items() if parent == process}


def _running() -> dict[int, int]:
    """Return the parent of each process that is no zombie."""
    answer = subprocess.run(
        ["ps", "-A", "-o", "pid=,ppid=,stat="],  # noqa: S607 - the system's own
        check=True,
        capture_output=True,
        text=True,
    )
    found = [line.split() for line in answer.stdout.splitlines()]
    return {int(each): int(parent) for each, parent, state in found if not state.startswith("Z")}


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> bool:
    """Wait for the condition and return True if it came true; long, as machines may be slow."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def all_gone(processes: set[int]) -> bool:
    """Wait for the end of the processes, and return True if all have ended."""
    return wait_until(lambda: processes.isdisjoint(_running()), seconds=30)


def without_settings(**variables: str) -> dict[str, str]:
    """Return the environment of a command: the variables that the system needs, and these."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "TMPDIR") if name in os.environ}
    return {**kept, **variables}
