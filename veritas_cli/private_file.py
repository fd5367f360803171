"""Files that are private from the first byte and get their name when they are complete."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import mkstemp
from typing import IO

from shared_db.errors import ConfigurationError


@contextmanager
def private_file(file: Path, *, exists: str, replace: bool = False) -> Iterator[IO[bytes]]:
    """Yield a file of this run to write; it gets its name when it is completely on the disk.

    exists: the refusal if a file of that name exists, unless `replace` is True; {} is the name.

    Raises:
        ConfigurationError: a file of that name exists, or it cannot be written.

    """
    if file.exists() and not replace:
        raise ConfigurationError(exists.format(file))
    try:
        with _partial(file) as (partial, descriptor):
            with os.fdopen(descriptor, "wb") as raw:
                yield raw
                raw.flush()
                os.fsync(raw.fileno())
            if replace:
                partial.replace(file)
            else:
                _publish(partial, file)
    except FileExistsError as failure:
        raise ConfigurationError(exists.format(file)) from failure
    except OSError as failure:
        raise ConfigurationError(f"{file} cannot be written: {failure.strerror}.") from failure


@contextmanager
def _partial(file: Path) -> Iterator[tuple[Path, int]]:
    descriptor, name = mkstemp(dir=file.parent, prefix=f"{file.name}.", suffix=".partial")
    try:
        yield Path(name), descriptor
    finally:
        Path(name).unlink(missing_ok=True)


def _publish(partial: Path, file: Path) -> None:
    # A link, because a rename would replace a file that was created under this name meanwhile.
    try:
        os.link(partial, file)
    except FileExistsError:
        raise
    except OSError:  # a file system without links, as on many USB sticks
        if file.exists():
            raise FileExistsError(str(file)) from None
        partial.rename(file)
