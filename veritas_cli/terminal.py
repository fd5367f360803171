"""What the commands write: lines of several processes that do not run into each other."""

import os
import sys
import threading
from contextlib import suppress

import typer

_COLOURS = {"monitoring": "cyan", "staffstuddash": "green", "dropout": "magenta"}
_WIDTH = max(map(len, _COLOURS))
_one_at_a_time = threading.Lock()


def say(line: str) -> None:
    """Write one line; a terminal that is gone is no reason to fail."""
    with _one_at_a_time, suppress(OSError):
        typer.echo(line)


def say_from(name: str, line: str) -> None:
    """Write one line of a service after its name, coloured in a terminal."""
    label = f"{name:<{_WIDTH}} |"
    if sys.stdout.isatty() and "NO_COLOR" not in os.environ:
        label = typer.style(label, fg=_COLOURS.get(name))
    say(f"{label} {line}")
