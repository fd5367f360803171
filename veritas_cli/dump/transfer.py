"""Transfer by pg_dump or pg_restore through a pipe, with progress by table."""

import re
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from shared_db.errors import ConfigurationError
from veritas_cli.dump.encryption import Copy, plain_copy

_TABLE_LINE = re.compile(r'(?:dumping contents of|processing data for) table "(?:.*\.)?([^".]+)"')
_ERROR_LINE = re.compile(
    r"(?:pg_dump|pg_restore): (?:error|fatal): |connection to server .*FATAL: "
)


@contextmanager
def progress_by_table(title: str, tables: int) -> Iterator[Callable[[str], None]]:
    """Show a progress bar of so many tables; yield the function to call when a table begins."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("{task.fields[table]}"),
    )
    with Progress(*columns) as progress:
        task = progress.add_task(title, total=tables, table="")

        def advance(table: str) -> None:
            progress.update(task, advance=1, table=table)

        yield advance


class Transfer:
    """One run of a client program of PostgreSQL between a pipe and the server."""

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        advance: Callable[[str], None],
    ) -> None:
        self._command = list(command)
        self._environment = dict(environment)
        self._advance = advance
        self._errors: list[str] = []

    def read_into(self, target: IO[bytes], copy: Copy = plain_copy) -> None:
        """Copy the program's output.

        Raises:
            ConfigurationError: the program failed; the text has its last error line.

        """
        with self._running(stdout=subprocess.PIPE) as process:
            assert process.stdout is not None  # noqa: S101 - a pipe was asked for
            copy(process.stdout, target)

    def write_from(self, source: IO[bytes], copy: Copy = plain_copy) -> None:
        """Write the program's input.

        Raises:
            ConfigurationError: the program failed; the text has its last error line.

        """
        with self._running(stdin=subprocess.PIPE) as process:
            assert process.stdin is not None  # noqa: S101 - a pipe was asked for
            try:
                copy(source, process.stdin)
                process.stdin.close()
            except BrokenPipeError:
                pass  # the exit status and the error line have the reason

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
        reader = threading.Thread(target=self._parse, args=(process.stderr,), daemon=True)
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
            last = self._errors[-1] if self._errors else f"exit status {process.returncode}"
            raise ConfigurationError(f"{self._command[0].rpartition('/')[2]} failed: {last}")

    def _parse(self, stream: IO[bytes]) -> None:
        for raw in stream:
            line = raw.decode(errors="replace").strip()
            table = _TABLE_LINE.search(line)
            if table:
                self._advance(table.group(1))
            elif _ERROR_LINE.match(line):
                # DETAIL and CONTEXT lines may contain a row, so they are never kept.
                self._errors.append(line)


def _close(process: subprocess.Popen[bytes]) -> None:
    process.wait()
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None and not pipe.closed:
            pipe.close()
