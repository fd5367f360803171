"""Files of a OneRoster export in a zip or a folder; nothing is unpacked."""

import stat
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo, is_zipfile

from veritas_cli.errors import CommandFailure

MAX_MEMBERS = 1000
MAX_BYTES = 16 * 1024**3
# Text of a roster is compressed to a tenth or a fiftieth; a zip bomb to a thousandth.
MAX_RATIO = 250
_RATIO_FROM_BYTES = 16 * 1024**2
_ZIP_BEGINS = b"PK\x03\x04"
_IS_ENCRYPTED = 0x1
# Entries that operating systems add.
_FOREIGN = ("__macosx",)


class OneRosterError(CommandFailure):
    """Unusable export; the text is one line with the place and the cause."""


@dataclass(frozen=True)
class Member:
    """File of an export: its name in the zip or folder, and its size in bytes."""

    path: str
    size: int


class Archive:
    """Export in a zip or a folder.

    members: by lower-case name of the file, such as `users.csv`.

    Raises:
        OneRosterError: the path is neither a zip nor a folder, or is unsafe to read.

    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self.explained(path.name):
            self.members: Mapping[str, Member] = _members(path)

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """Open a file by its lower-case name.

        Raises:
            OneRosterError: it is damaged; also while it is read.

        """
        member = self.members[name]
        with self.explained(name):
            if self.path.is_dir():
                with (self.path / member.path).open("rb") as content:
                    yield content
                return
            with ZipFile(self.path) as archive, archive.open(member.path) as content:
                yield content

    @contextmanager
    def explained(self, name: str) -> Iterator[None]:
        """Turn errors of reading into one line with the file's name."""
        try:
            yield
        except (BadZipFile, zlib.error, EOFError, NotImplementedError) as failure:
            text = f"{name} in {self.path} is damaged ({failure}). Export it again."
            raise OneRosterError(text) from failure
        except UnicodeDecodeError as failure:
            text = f"{name} in {self.path} is neither UTF-8 nor Windows-1252. Export it as UTF-8."
            raise OneRosterError(text) from failure
        except OSError as failure:
            text = f"{self.path} cannot be read: {failure.strerror or failure}."
            raise OneRosterError(text) from failure


def _members(path: Path) -> dict[str, Member]:
    if path.is_dir():
        return _by_name(path, [_of_folder(path, file) for file in path.iterdir() if _is_csv(file)])
    if not path.exists():
        raise OneRosterError(f"There is no file {path}.")
    if not is_zipfile(path):
        with path.open("rb") as file:
            is_cut_off = file.read(len(_ZIP_BEGINS)) == _ZIP_BEGINS
        kind = "a zip that was cut off" if is_cut_off else "neither a zip nor a folder of CSV files"
        raise OneRosterError(f"{path} is {kind}. Export it again.")
    with ZipFile(path) as archive:
        return _by_name(path, _of_zip(path, archive.infolist()))


def _is_csv(file: Path) -> bool:
    return file.suffix.lower() == ".csv" and not file.name.startswith(".")


def _of_folder(folder: Path, file: Path) -> Member:
    if not file.is_file() or file.resolve().parent != folder.resolve():
        raise OneRosterError(f"{file.name} in {folder} is no file of this folder.")
    return Member(file.name, file.stat().st_size)


def _of_zip(path: Path, infos: list[ZipInfo]) -> list[Member]:
    if len(infos) > MAX_MEMBERS:
        raise OneRosterError(f"{path} has more than {MAX_MEMBERS} entries.")
    if sum(info.file_size for info in infos) > MAX_BYTES:
        raise OneRosterError(f"{path} has more than {MAX_BYTES // 1024**3} GiB unpacked.")
    found = []
    for info in infos:
        _check_path(path, info)
        inner = PurePosixPath(info.filename)
        is_foreign = inner.parts[0].lower() in _FOREIGN or inner.name.startswith(".")
        if info.is_dir() or is_foreign or inner.suffix.lower() != ".csv":
            continue
        _check_content(path, info)
        found.append(Member(info.filename, info.file_size))
    folders = {str(PurePosixPath(member.path).parent) for member in found}
    if len(folders) > 1 or any("/" in folder for folder in folders):
        raise OneRosterError(f"{path} has CSV files in nested folders. Put all files into one.")
    return found


def _check_path(path: Path, info: ZipInfo) -> None:
    name = info.filename
    is_link = stat.S_ISLNK(info.external_attr >> 16)
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or "\\" in name or ":" in name or is_link:
        raise OneRosterError(f"{path} has an entry that leads out of it. Export it again.")


def _check_content(path: Path, info: ZipInfo) -> None:
    name = PurePosixPath(info.filename).name
    if info.flag_bits & _IS_ENCRYPTED:
        raise OneRosterError(f"{name} in {path} is encrypted. Unpack it and name the folder.")
    if info.compress_type not in (ZIP_STORED, ZIP_DEFLATED):
        raise OneRosterError(f"{name} in {path} is compressed by another method than deflate.")
    if info.file_size > max(_RATIO_FROM_BYTES, MAX_RATIO * info.compress_size):
        raise OneRosterError(f"{name} in {path} is more than {MAX_RATIO} times larger unpacked.")


def _by_name(path: Path, members: list[Member]) -> dict[str, Member]:
    found: dict[str, Member] = {}
    for member in members:
        name = PurePosixPath(member.path).name.lower()
        if name in found:
            raise OneRosterError(f"{path} has {name} twice.")
        found[name] = member
    return found
