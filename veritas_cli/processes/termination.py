"""Termination of child processes: with ours, even by SIGKILL, but not by Ctrl-C."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

_PR_SET_PDEATHSIG = 1


def detached(death_signal: signal.Signals) -> dict[str, Any]:
    """Return the arguments of `Popen` for a process that only we terminate.

    The process gets its own session, so the terminal's Ctrl-C does not reach it. On Linux the
    kernel sends it `death_signal` when the thread that started it ends, even by SIGKILL; so start
    it from the main thread.
    """
    return {"start_new_session": True, "preexec_fn": _set_death_signal(death_signal)}


def terminate(process: subprocess.Popen[bytes], *steps: tuple[signal.Signals, float]) -> None:
    """Send each signal in turn and wait so many seconds, then kill; return when it has ended.

    The process must have been started `detached`, so that it leads its own process group.
    """
    for number, seconds in steps:
        process.send_signal(number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
            return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # its own workers too
    process.wait()


def _set_death_signal(death_signal: signal.Signals) -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    # Loaded before the fork: the child may do next to nothing between fork and exec.
    prctl = ctypes.CDLL(None).prctl
    number = int(death_signal)

    def set_death_signal() -> None:
        prctl(_PR_SET_PDEATHSIG, number)

    return set_death_signal
