"""CSV file of an import by the command."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from shared_web.problems import InvalidRequest
from staffstuddash_service.importing.source import TableSource
from veritas_cli.errors import CommandFailure


class TableFile:
    """Table in a file; size: its bytes.

    Raises:
        CommandFailure: the file cannot be read, or is of an unknown encoding.

    """

    def __init__(self, path: Path) -> None:
        self.name = path.name
        self._path = path
        with self.opened() as source:
            self.encoding = source.encoding
        self.size = path.stat().st_size

    @contextmanager
    def opened(self) -> Iterator[TableSource]:
        """Open the file for the block.

        Raises:
            CommandFailure: as the constructor.

        """
        try:
            with self._path.open("rb") as file:
                yield _source(file, self.name)
        except OSError as failure:
            raise CommandFailure(f"{self._path} cannot be read: {failure.strerror}.") from failure


def _source(file: IO[bytes], name: str) -> TableSource:
    try:
        return TableSource(file, name)
    except InvalidRequest as refusal:
        raise CommandFailure(refusal.detail) from refusal
