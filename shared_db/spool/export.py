"""A spool's rows as lines of JSON, to look at or to carry to another machine."""

import json
import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from shared_db.clock import utc_now
from shared_db.errors import ConfigurationError
from shared_db.spool.queue import Entry, Spool, SpoolUnavailable
from shared_db.spool.sqlite_file import is_damage
from shared_db.spool.writes import SpoolableType

AnyKind = SpoolableType[Any, Any]


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


def read_file(path: Path, kinds: Mapping[str, Iterable[AnyKind]]) -> dict[str, list[Entry]]:
    """Return by service what an exported file or a spool of another machine holds, as waiting.

    kinds: by service, what it can take. Whose spool a copied file is, its name tells.

    Raises:
        ConfigurationError: the file is neither, or a row of it is not one that a service takes.

    """
    known = {(service, kind.name): kind for service in kinds for kind in kinds[service]}
    found: dict[str, list[Entry]] = {}
    for number, (service, name, addition) in enumerate(_rows(path, kinds), 1):
        kind = known.get((service, name))
        if kind is None:
            raise ConfigurationError(f"{path}, row {number}: no service takes {service} {name}.")
        found.setdefault(service, []).append(_entry(path, number, kind, addition))
    return found


def _entry(path: Path, number: int, kind: AnyKind, addition: str) -> Entry:
    try:
        return made_anew(kind, addition)
    except (ValidationError, ValueError) as refusal:
        raise ConfigurationError(f"{path}, row {number}: this is no {kind.name}.") from refusal


def _rows(path: Path, services: Iterable[str]) -> list[tuple[str, str, str]]:
    try:
        is_spool = path.stat().st_size > 0 and _is_sqlite(path)
        return _rows_of_spool(path, services) if is_spool else _rows_of_lines(path)
    except (OSError, UnicodeDecodeError, SpoolUnavailable, sqlite3.Error) as failure:
        raise ConfigurationError(f"{path} cannot be read.") from failure


def _is_sqlite(path: Path) -> bool:
    # Asked of SQLite: another descriptor of a spool in use would cost its users their locks.
    with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
        try:
            connection.execute("PRAGMA schema_version")
        except sqlite3.DatabaseError as failure:
            if is_damage(failure):
                return False
            raise
    return True


def made_anew(kind: AnyKind, addition: str) -> Entry:
    """Return the entry of an addition in JSON, with the digest of its content.

    Raises:
        ValueError: it is no addition of this kind.

    """
    return kind.entry(kind.accepted(kind.from_json(addition), utc_now()))


def service_of(path: Path, services: Iterable[str]) -> str:
    """Return the service whose spool the file is, by the file's name.

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
    rows = [(service, entry.kind, entry.payload) for entry in spool.every()]
    spool.close()
    return rows


def _rows_of_lines(path: Path) -> list[tuple[str, str, str]]:
    rows = []
    # Not by `splitlines`, which also ends a line at U+2028 and others that JSON leaves as they are.
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
