"""Backup file: a zip of PostgreSQL's dump and a manifest; both may be encrypted."""

import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO
from zipfile import BadZipFile, ZipFile

from shared_db.errors import ConfigurationError
from veritas_cli.dump.encryption import Copy, decryption_by, plain_copy, read_identities
from veritas_cli.private_file import private_file

_DUMP = "database.dump"
_MANIFEST = "manifest.json"
_ENCRYPTED = ".age"
_FORMAT = 1
# Of the open manifest beside encrypted parts: a release without encryption refuses it as newer.
_ENCRYPTED_FORMAT = 2
_EXISTS = "{} exists already; a backup is never overwritten."


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


@contextmanager
def new_dump(archive: ZipFile, *, is_encrypted: bool) -> Iterator[IO[bytes]]:
    """Yield the part of the archive for the dump."""
    with archive.open(_part(_DUMP, is_encrypted=is_encrypted), "w", force_zip64=True) as dump:
        yield dump


def write_manifest(archive: ZipFile, manifest: Manifest, encrypt: Copy | None = None) -> None:
    """Add the manifest; call it last, when the dump is complete."""
    text = json.dumps(asdict(manifest), indent=2, sort_keys=True)
    if encrypt is None:
        archive.writestr(_MANIFEST, text)
        return
    archive.writestr(_MANIFEST, json.dumps({"format": _ENCRYPTED_FORMAT}))
    with archive.open(_part(_MANIFEST, is_encrypted=True), "w") as part:
        encrypt(io.BytesIO(text.encode()), part)


def _part(name: str, *, is_encrypted: bool) -> str:
    return f"{name}{_ENCRYPTED}" if is_encrypted else name


@dataclass(frozen=True)
class Backup:
    """Backup that is being read.

    copy: decrypts the dump on the way to its reader, or leaves it as it is.
    """

    file: Path
    manifest: Manifest
    copy: Copy
    archive: ZipFile
    dump_name: str

    @contextmanager
    def dump(self) -> Iterator[IO[bytes]]:
        """Yield the dump as it is in the file."""
        with self.archive.open(self.dump_name) as dump:
            yield dump


@contextmanager
def opened_backup(file: Path, identity: Path | None = None) -> Iterator[Backup]:
    """Yield a backup.

    identity: the file with the key of an encrypted one.

    Raises:
        ConfigurationError: the file does not exist, is no backup, or is of a newer release; the key
            is missing or does not fit.

    """
    try:
        with ZipFile(file) as archive:
            yield _backup(archive, file, identity)
    except BadZipFile as failure:
        raise ConfigurationError(f"{file} is no backup of Veritas, or it is cut off.") from failure
    except OSError as failure:
        raise ConfigurationError(f"{file} cannot be read: {failure.strerror}.") from failure


def _backup(archive: ZipFile, file: Path, identity: Path | None) -> Backup:
    is_encrypted = _part(_MANIFEST, is_encrypted=True) in archive.namelist()
    dump_name = _part(_DUMP, is_encrypted=is_encrypted)
    if not is_encrypted:
        if identity is not None:
            raise ConfigurationError(
                f"{file} is not encrypted. Leave --identity out if you trust where it comes from."
            )
        return Backup(file, _manifest(archive, file), plain_copy, archive, dump_name)
    if identity is None:
        raise ConfigurationError(
            f"{file} is encrypted. Name the file of its secret key: --identity KEYFILE."
        )
    decrypt = decryption_by(read_identities(identity), file)
    return Backup(file, _manifest(archive, file, decrypt), decrypt, archive, dump_name)


def _manifest(archive: ZipFile, file: Path, decrypt: Copy | None = None) -> Manifest:
    try:
        values = json.loads(_read(archive, decrypt))
        if values["format"] > _FORMAT:
            raise ConfigurationError(f"{file} is of a newer release of Veritas; restore with that.")
        return Manifest(**values)
    except (KeyError, ValueError, TypeError) as failure:
        raise ConfigurationError(f"{file} is no backup of Veritas: no manifest.") from failure


def _read(archive: ZipFile, decrypt: Copy | None) -> bytes:
    if decrypt is None:
        return archive.read(_MANIFEST)
    text = io.BytesIO()
    with archive.open(_part(_MANIFEST, is_encrypted=True)) as part:
        decrypt(part, text)
    return text.getvalue()


def require_whole(backup: Backup) -> None:
    """Read the whole dump to check it, before anything is changed.

    Raises:
        ConfigurationError: a part of it is missing or was altered.

    """
    try:
        with backup.dump() as dump, Path(os.devnull).open("wb") as nowhere:
            backup.copy(dump, nowhere)
    except (BadZipFile, EOFError, KeyError) as failure:
        raise ConfigurationError(f"{backup.file} is damaged: its check sum is wrong.") from failure
