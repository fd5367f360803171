"""Terminal of the commands: lines, tables, progress bars and checked arguments."""

import os
import sys
import threading
from contextlib import suppress
from typing import Any

import typer
from pydantic import TypeAdapter, ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from shared_db.errors import ConfigurationError
from shared_web.requests.fields import Id

_COLOURS = {"monitoring": "cyan", "staffstuddash": "green", "dropout": "magenta", "web": "yellow"}
_LABEL_WIDTH = max(map(len, _COLOURS))
_WIDTH_IN_FILES = 260
_output_lock = threading.Lock()


def say(line: str) -> None:
    """Print one line, whole also if several threads print; ignore a closed terminal."""
    with _output_lock, suppress(OSError):
        typer.echo(line)


def say_from(name: str, line: str) -> None:
    """Print one line of a service after its name, coloured in a terminal."""
    label = f"{name:<{_LABEL_WIDTH}} |"
    if sys.stdout.isatty() and "NO_COLOR" not in os.environ:
        label = typer.style(label, fg=_COLOURS.get(name))
    say(f"{label} {line}")


def checked_id(text: str, problem: str, kind: Any = Id) -> str:
    """Return the id of an argument, in NFC.

    kind: the type of the id, for example `StoredId`.

    Raises:
        ConfigurationError: the services would refuse it; the text begins with `problem`.

    """
    try:
        return TypeAdapter[str](kind).validate_python(text)
    except ValidationError as refusal:
        reason = refusal.errors()[0]["msg"].removeprefix("Value error, ")
        raise ConfigurationError(f"{problem}: {reason}.") from None


def command_console() -> Console:
    """Return a console that does not break tables in a file or pipe."""
    has_width = sys.stdout.isatty() or "COLUMNS" in os.environ
    width = None if has_width else _WIDTH_IN_FILES
    return Console(width=width, markup=False, highlight=False, emoji=False)


def progress_bars(console: Console, *, transient: bool = True) -> Progress:
    """Return progress bars with counts and time, shown in a terminal only."""
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=transient,
        disable=not console.is_terminal,
    )
