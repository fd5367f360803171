"""Export of a spool's rows as lines of JSON, for people or for another machine."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from shared_db.clock import utc_now
from shared_db.errors import ConfigurationError
from shared_db.spool.file import Entry, SpoolUnavailable
from shared_db.spool.queue import Spool
from shared_db.spool.spoolable import SpoolableType
from shared_db.spool.sqlite_file import is_damage

_ENTRIES_AT_ONCE = 100

AnyType = SpoolableType[Any, Any]


def as_line(service: str, entry: Entry) -> str:
    """Return one row of the spool of a service as a line of JSON."""
    return json.dumps(
        {
            "service": service,
            "kind": entry.kind,
            "id": entry.id,
            "accepted_at": entry.accepted_at.isoformat(),
            "problem": entry.problem,
            "addition": json.loads(entry.payload),
        },
        ensure_ascii=False,
    )


def lines_of_subjects(service: str, spool: Spool, subjects: Iterable[str]) -> Iterator[str]:
    """Yield the rows of these students in the spool, waiting or refused, a line of JSON each."""
    for subject in sorted(subjects):
        last = 0
        while found := spool.entries(
            "subject = ? AND place > ?", (subject, last), limit=_ENTRIES_AT_ONCE
        ):
            yield from (as_line(service, entry) for entry in found)
            last = found[-1].sequence


def read_file(path: Path, kinds: Mapping[str, Iterable[AnyType]]) -> dict[str, list[Entry]]:
    """Return, by service, the rows of an exported file or of another machine's spool, as waiting.

    kinds: by service, the types that it knows. The name of a copied spool contains its service.

    Raises:
        ConfigurationError: the file is neither, or no service knows the type of a row.

    """
    known = {(service, kind.name): kind for service in kinds for kind in kinds[service]}
    found: dict[str, list[Entry]] = {}
    for number, (service, name, addition) in enumerate(_rows(path, kinds), 1):
        kind = known.get((service, name))
        if kind is None:
            raise ConfigurationError(f"{path}, row {number}: no service takes {service} {name}.")
        found.setdefault(service, []).append(_entry(path, number, kind, addition))
    return found


def _entry(path: Path, number: int, kind: AnyType, addition: str) -> Entry:
    try:
        return entry_from_json(kind, addition)
    except (ValidationError, ValueError) as refusal:
        raise ConfigurationError(f"{path}, row {number}: this is no {kind.name}.") from refusal


def _rows(path: Path, services: Iterable[str]) -> list[tuple[str, str, str]]:
    try:
        is_spool = path.stat().st_size > 0 and _is_sqlite(path)
        return _rows_of_spool(path, services) if is_spool else _rows_of_lines(path)
    except (OSError, UnicodeDecodeError, SpoolUnavailable, sqlite3.Error) as failure:
        raise ConfigurationError(f"{path} cannot be read.") from failure


def _is_sqlite(path: Path) -> bool:
    # By SQLite itself: closing another descriptor of a spool in use would drop the locks on it.
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        try:
            connection.execute("PRAGMA schema_version")
        except sqlite3.DatabaseError as failure:
            if is_damage(failure):
                return False
            raise
    return True


def entry_from_json(kind: AnyType, addition: str) -> Entry:
    """Return the entry of an item in JSON, with a digest of its content.

    Raises:
        ValueError: it is no item of this type.

    """
    return kind.entry(kind.stamped(kind.from_json(addition), utc_now()))


def service_of(path: Path, services: Iterable[str]) -> str:
    """Return the service of a spool by the name of its file.

    Raises:
        ConfigurationError: the name is not that of a spool.

    """
    service = next((name for name in services if path.name.startswith(f"{name}-")), None)
    if service is None:
        names = " or ".join(f"{name}-spool.db" for name in services)
        raise ConfigurationError(f"Whose spool is {path.name}? Name it {names}.")
    return service


def _rows_of_spool(path: Path, services: Iterable[str]) -> list[tuple[str, str, str]]:
    service = service_of(path, services)
    spool = Spool(path)
    rows = [(service, entry.kind, entry.payload) for entry in spool.all_entries()]
    spool.close()
    return rows


def _rows_of_lines(path: Path) -> list[tuple[str, str, str]]:
    rows = []
    # Not by `splitlines`, which also splits at U+2028 and others that JSON does not escape.
    for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"), 1):
        if not line.strip():
            continue
        try:
            rows.append(_row(line))
        except (ValueError, KeyError, TypeError) as refusal:
            raise ConfigurationError(f"{path}, line {number}: not of an export.") from refusal
    return rows


def _row(line: str) -> tuple[str, str, str]:
    row = json.loads(line)
    service, kind, accepted_at = row["service"], row["kind"], row["accepted_at"]
    datetime.fromisoformat(accepted_at)
    return service, kind, json.dumps({**row["addition"], "accepted_at": accepted_at})
