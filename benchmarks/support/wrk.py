"""Load from wrk, which needs little of the machine beside the service."""

import json
import os
import random
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

SCRIPT = Path(__file__).with_name("wrk.lua")
_LONGEST_SECONDS = 30


@dataclass(frozen=True)
class Load:
    """A request to repeat; see `wrk.lua` for `{n}` and `{k}` in path and body.

    items: number of bodies in one request, a JSON array; 0: the body is the request.
    """

    path: str
    body: str = ""
    method: str = "POST"
    items: int = 0
    most: int = 100


@dataclass(frozen=True)
class Figures:
    """Result of a load; latencies in ms, `refused` counts answers other than 2xx and 3xx."""

    requests: int
    seconds: float
    p50: float
    p99: float
    refused: int


def measure(load: Load, url: str, key: str, *, clients: int, seconds: float) -> Figures:
    """Put the load on the service at `url`.

    Raises:
        RuntimeError: wrk is not installed, or a connection was lost.

    """
    program = shutil.which("wrk")
    if program is None:
        raise RuntimeError("Install wrk: it generates the load.")
    asked = {
        "METHOD": load.method,
        "PATH": load.path,
        "BODY": load.body,
        "ITEMS": str(load.items),
        "MOST": str(load.most),
        "KEY": key,
        "SEED": str(random.randrange(2**30)),
    }
    command = [program, "--threads=1", f"--connections={clients}", f"--duration={seconds:.0f}s"]
    answer = subprocess.run(
        [*command, f"--timeout={_LONGEST_SECONDS}s", f"--script={SCRIPT}", url],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, **{f"VERITAS_BENCH_{name}": value for name, value in asked.items()}},
    )
    figures = json.loads(answer.stdout.splitlines()[-1])
    if lost := figures.pop("lost"):
        raise RuntimeError(f"{load.path}: {lost} requests were lost")
    return Figures(**figures)
