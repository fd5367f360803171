"""Backup file: a zip of PostgreSQL's dump and a manifest with its contents."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from zipfile import BadZipFile, ZipFile

from shared_db.errors import ConfigurationError
from veritas_cli.private_file import private_file

DUMP = "database.dump"
_MANIFEST = "manifest.json"
_FORMAT = 1
_EXISTS = "{} exists already; a backup is never overwritten."
_CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True)
class Manifest:
    """Contents of a backup: versions, the revision of each schema, and the rows of each table."""

    made_at: str
    veritas: str
    server: str
    pg_dump: str
    revisions: dict[str, str | None]
    rows: dict[str, int]
    format: int = _FORMAT


@contextmanager
def new_archive(file: Path) -> Iterator[ZipFile]:
    """Yield the zip to fill; the file gets its name when it is completely on the disk.

    Raises:
        ConfigurationError: a file of that name exists, or it cannot be written.

    """
    with private_file(file, exists=_EXISTS) as raw, ZipFile(raw, "w") as archive:
        yield archive


def write_manifest(archive: ZipFile, manifest: Manifest) -> None:
    """Add the manifest; call it last, when the dump is complete."""
    archive.writestr(_MANIFEST, json.dumps(asdict(manifest), indent=2, sort_keys=True))


@contextmanager
def opened_archive(file: Path) -> Iterator[tuple[ZipFile, Manifest]]:
    """Yield a backup's zip and manifest.

    Raises:
        ConfigurationError: the file does not exist, is no backup, or is of a newer release.

    """
    try:
        with ZipFile(file) as archive:
            yield archive, _manifest(archive, file)
    except BadZipFile as failure:
        raise ConfigurationError(f"{file} is no backup of Veritas, or it is cut off.") from failure
    except OSError as failure:
        raise ConfigurationError(f"{file} cannot be read: {failure.strerror}.") from failure


def _manifest(archive: ZipFile, file: Path) -> Manifest:
    try:
        values = json.loads(archive.read(_MANIFEST))
        if values["format"] > _FORMAT:
            raise ConfigurationError(f"{file} is of a newer release of Veritas; restore with that.")
        return Manifest(**values)
    except (KeyError, ValueError, TypeError) as failure:
        raise ConfigurationError(f"{file} is no backup of Veritas: no manifest.") from failure


def require_whole(archive: ZipFile, file: Path) -> None:
    """Read the whole dump to check it, before anything is changed.

    Raises:
        ConfigurationError: a part of it is missing or was altered.

    """
    try:
        with archive.open(DUMP) as dump:
            while dump.read(_CHUNK_BYTES):
                pass
    except (BadZipFile, EOFError, KeyError) as failure:
        raise ConfigurationError(f"{file} is damaged: its check sum is wrong.") from failure
