"""How processes of ours end: with us, even if we are killed, and not by the terminal's Ctrl-C."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

_PR_SET_PDEATHSIG = 1


def apart(farewell: signal.Signals) -> dict[str, Any]:
    """Return the arguments of `Popen` for a process that only we stop.

    It gets a session of its own, so the terminal's Ctrl-C does not reach it before we want; on
    Linux the kernel sends it `farewell` if we are gone, even by SIGKILL. That is tied to the
    thread that starts it, so it must be the main thread.
    """
    return {"start_new_session": True, "preexec_fn": _wish(farewell)}


def end(process: subprocess.Popen[bytes], *steps: tuple[signal.Signals, float]) -> None:
    """Send each signal in turn and wait that many seconds, then kill; return when it is gone.

    The process must have been started `apart`, so that it leads a group of its own.
    """
    for sign, seconds in steps:
        process.send_signal(sign)
        with suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
            return
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)  # its own workers too
    process.wait()


def _wish(farewell: signal.Signals) -> Callable[[], None] | None:
    if sys.platform != "linux":
        return None
    # Loaded before the fork: the child may do next to nothing between fork and exec.
    prctl = ctypes.CDLL(None).prctl
    number = int(farewell)

    def wish() -> None:
        prctl(_PR_SET_PDEATHSIG, number)

    return wish
