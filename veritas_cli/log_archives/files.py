"""Files of archives: a Parquet file for each part, and a manifest beside it."""

import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO

from monitoring_service.database.log_archives import Part, Summary
from shared_db.errors import ConfigurationError

_PREFIX = "logs-"
_PIECE_BYTES = 1024 * 1024
_FORMAT = 1


@dataclass(frozen=True)
class Manifest:
    """Account of an archive; sha256: of its file. first, last: instants of its events."""

    name: str
    rows: int
    first: str | None
    last: str | None
    fingerprint: str
    sha256: str
    size: int
    made_at: str
    format: int = _FORMAT


class Archives:
    """Folder of archives.

    Raises:
        ConfigurationError: the folder cannot be made.

    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as failure:
            raise ConfigurationError(f"{folder} cannot be made: {failure.strerror}.") from failure

    @contextmanager
    def partial(self, suffix: str) -> Iterator[IO[bytes]]:
        """Yield a private file that is deleted afterwards, unless it was published."""
        with NamedTemporaryFile(
            dir=self.folder, prefix=".", suffix=f"{suffix}.partial", delete=False
        ) as file:
            try:
                yield file
            finally:
                Path(file.name).unlink(missing_ok=True)

    def publish(self, part: Part, parquet: Path, summary: Summary, now: datetime) -> Manifest:
        """Give a complete file its name, with its manifest; both are on the disk afterwards."""
        manifest = Manifest(
            part.name,
            summary.rows,
            _written(summary.first),
            _written(summary.last),
            summary.fingerprint,
            digest_of(parquet),
            parquet.stat().st_size,
            now.isoformat(timespec="seconds"),
        )
        _sync(parquet)
        parquet.replace(self.file_of(manifest.name))
        with self.partial(".json") as file:
            file.write(json.dumps(asdict(manifest), indent=2).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).replace(self._manifest_file(manifest.name))
        _sync(self.folder)
        return manifest

    def all(self) -> list[Manifest]:
        """Return the manifests by name."""
        return [self._read(file) for file in sorted(self.folder.glob(f"{_PREFIX}*.json"))]

    def has(self, name: str) -> bool:
        """Return True if there is an archive of that name."""
        return self._manifest_file(name).is_file()

    def get(self, name: str) -> Manifest:
        """Return the manifest of an archive, whose file is as it was written.

        Raises:
            ConfigurationError: there is none, or its file is damaged.

        """
        file = self._manifest_file(name)
        if not self.has(name):
            known = ", ".join(one.name for one in self.all()) or "none"
            raise ConfigurationError(
                f"There is no archive {name} in {self.folder}; there are: {known}."
            )
        manifest = self._read(file)
        parquet = self.file_of(name)
        if not parquet.is_file() or digest_of(parquet) != manifest.sha256:
            raise ConfigurationError(
                f"{parquet} is missing or damaged: its checksum is not that of its manifest."
                " Take it from a backup."
            )
        return manifest

    def file_of(self, name: str) -> Path:
        """Return the Parquet file of an archive."""
        return self.folder / f"{_PREFIX}{name}.parquet"

    def delete_before(self, day: date) -> list[str]:
        """Delete the archives whose last event is before the day; return their names."""
        gone = []
        for manifest in self.all():
            last = manifest.last and datetime.fromisoformat(manifest.last).astimezone(UTC).date()
            if last and last < day:
                self.file_of(manifest.name).unlink(missing_ok=True)
                self._manifest_file(manifest.name).unlink()
                gone.append(manifest.name)
        return gone

    def _manifest_file(self, name: str) -> Path:
        if "/" in name or name.startswith("."):
            raise ConfigurationError(f"{name} is no name of an archive.")
        return self.folder / f"{_PREFIX}{name}.json"

    def _read(self, file: Path) -> Manifest:
        try:
            manifest = Manifest(**json.loads(file.read_bytes()))
        except (ValueError, TypeError) as failure:
            raise ConfigurationError(f"{file} is no manifest of an archive.") from failure
        if manifest.format > _FORMAT:
            raise ConfigurationError(f"{file} was written by a newer release of Veritas.")
        return manifest


def digest_of(file: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    digest = hashlib.sha256()
    with file.open("rb") as content:
        while piece := content.read(_PIECE_BYTES):
            digest.update(piece)
    return digest.hexdigest()


def _written(instant: datetime | None) -> str | None:
    return None if instant is None else instant.astimezone(UTC).isoformat()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
