"""Running pg_dump and pg_restore: bytes through a pipe, progress by table, failures in one line."""

import re
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from shared_db.errors import ConfigurationError

_CHUNK_BYTES = 256 * 1024
_A_TABLES_TURN = re.compile(
    r'(?:dumping contents of|processing data for) table "(?:.*\.)?([^".]+)"'
)
_A_FAILURE = re.compile(r"(?:pg_dump|pg_restore): (?:error|fatal): |connection to server .*FATAL: ")


@contextmanager
def progress_by_table(what: str, tables: int) -> Iterator[Callable[[str], None]]:
    """Show a bar of so many tables; give the function that is told when a table's turn comes."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[table]}"),
    )
    with Progress(*columns) as progress:
        task = progress.add_task(what, total=tables, table="")

        def turn_of(table: str) -> None:
            progress.update(task, advance=1, table=table)

        yield turn_of


class Transfer:
    """One run of a program of PostgreSQL between a pipe of ours and the server."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        turn_of: Callable[[str], None],
    ) -> None:
        self._command = list(command)
        self._environment = dict(environment)
        self._turn_of = turn_of
        self._said: list[str] = []

    def read_into(self, target: IO[bytes]) -> None:
        """Copy what the program writes.

        Raises:
            ConfigurationError: the program failed; its last line says why.

        """
        with self._running(stdout=subprocess.PIPE) as process:
            assert process.stdout is not None  # noqa: S101 - a pipe was asked for
            _copy(process.stdout, target)

    def write_from(self, source: IO[bytes]) -> None:
        """Give the program what it reads.

        Raises:
            ConfigurationError: the program failed; its last line says why.

        """
        with self._running(stdin=subprocess.PIPE) as process:
            assert process.stdin is not None  # noqa: S101 - a pipe was asked for
            try:
                _copy(source, process.stdin)
                process.stdin.close()
            except BrokenPipeError:
                pass  # it gave up; its exit status and last line say why

    @contextmanager
    def _running(
        self, *, stdin: int = subprocess.DEVNULL, stdout: int = subprocess.DEVNULL
    ) -> Iterator[subprocess.Popen[bytes]]:
        process = subprocess.Popen(  # noqa: S603 - a program of PostgreSQL that we looked up
            self._command,
            env=self._environment,
            stdin=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
        )
        reader = threading.Thread(target=self._listen, args=(process.stderr,), daemon=True)
        reader.start()
        try:
            yield process
            process.wait()
        except BaseException:
            process.kill()
            raise
        finally:
            reader.join(timeout=10)
            _close(process)
        if process.returncode != 0:
            last = self._said[-1] if self._said else f"exit status {process.returncode}"
            raise ConfigurationError(f"{self._command[0].rpartition('/')[2]} failed: {last}")

    def _listen(self, stream: IO[bytes]) -> None:
        for raw in stream:
            line = raw.decode(errors="replace").strip()
            turn = _A_TABLES_TURN.search(line)
            if turn:
                self._turn_of(turn.group(1))
            elif _A_FAILURE.match(line):
                # DETAIL and CONTEXT lines, which may hold a row, are never kept.
                self._said.append(line)


def _copy(source: IO[bytes], target: IO[bytes]) -> None:
    while chunk := source.read(_CHUNK_BYTES):
        target.write(chunk)


def _close(process: subprocess.Popen[bytes]) -> None:
    process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None and not pipe.closed:
            pipe.close()
