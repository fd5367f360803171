"""Manifest of a OneRoster export: its version, and the mode of each file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from veritas_cli.oneroster.reading.archive import Archive, OneRosterError
from veritas_cli.oneroster.reading.columns import NOT_IMPORTED, File, normal_name
from veritas_cli.oneroster.reading.tables import Table

MANIFEST = "manifest.csv"
FIRST_VERSION = "1.1"
VERSIONS = (FIRST_VERSION, "1.2")
_VERSION = re.compile(r"v?(1\.[12])(\.\d+)*")


class Mode(StrEnum):
    """Meaning of a file: all rows there are, or only those that changed."""

    ABSENT = "absent"
    BULK = "bulk"
    DELTA = "delta"


@dataclass(frozen=True)
class Manifest:
    """Version of an export, the mode of its files, its system's name, and notes for the reader."""

    version: str
    modes: Mapping[File, Mode]
    system: str | None
    notes: tuple[str, ...] = ()

    @property
    def present(self) -> list[File]:
        """The files that are there, in the order of reading."""
        return [file for file in File if self.mode(file) is not Mode.ABSENT]

    def mode(self, file: File) -> Mode:
        """Return the mode of a file."""
        return self.modes.get(file, Mode.ABSENT)


def read_manifest(archive: Archive) -> Manifest:
    """Read the manifest; without one all files that are there count as bulk.

    Raises:
        OneRosterError: the manifest is wrong, or names a file that is missing.

    """
    present = {file for file in File if file.filename.lower() in archive.members}
    notes = [
        f"{name}.csv has nothing that is imported."
        for name in NOT_IMPORTED
        if f"{name}.csv".lower() in archive.members
    ]
    if MANIFEST not in archive.members:
        if not present:
            raise OneRosterError(f"{archive.path} has no file of OneRoster, such as users.csv.")
        notes.append(f"There is no {MANIFEST}: all files count as bulk.")
        version = VERSIONS[File.ROLES in present]
        return Manifest(version, dict.fromkeys(present, Mode.BULK), None, tuple(notes))
    properties = _properties(archive)
    modes = {file: _mode(properties, file) for file in File}
    for file, mode in modes.items():
        if mode is not Mode.ABSENT and file not in present:
            raise OneRosterError(f"{MANIFEST} names {file.filename}, which is not there.")
        if mode is Mode.ABSENT and file in present:
            notes.append(f"{file.filename} is left out: {MANIFEST} has it as absent.")
    if all(mode is Mode.ABSENT for mode in modes.values()):
        raise OneRosterError(f"{MANIFEST} has no file as bulk or delta.")
    return Manifest(_version(properties), modes, properties.get("source.systemname"), tuple(notes))


def _properties(archive: Archive) -> dict[str, str]:
    found: dict[str, str] = {}
    with Table.opened(archive, MANIFEST, ("propertyName", "value")) as table:
        for line, cells in table:
            if isinstance(cells, str):
                raise OneRosterError(f"{MANIFEST}, line {line}: {cells}.")
            name = normal_name(cells.get("propertyName", ""))
            if name in found:
                raise OneRosterError(f"{MANIFEST}, line {line}: this property is there twice.")
            found[name] = cells.get("value", "")
    return found


def _mode(properties: Mapping[str, str], file: File) -> Mode:
    value = properties.get(f"file.{file.value}".lower(), "").lower() or Mode.ABSENT.value
    if value not in set(Mode):
        raise OneRosterError(f"{MANIFEST}: file.{file.value} is none of {', '.join(Mode)}.")
    return Mode(value)


def _version(properties: Mapping[str, str]) -> str:
    found = _VERSION.fullmatch(properties.get("oneroster.version", "").lower())
    if found is None:
        allowed = " or ".join(VERSIONS)
        raise OneRosterError(f"{MANIFEST}: oneroster.version is not {allowed}.")
    return found[1]
