"""Rows of the audit: reads, the students that they showed, and the chain of digests.

A row has tokens instead of ids of students. A token is a keyed digest of the id; its key is stored
with the id in another row, which an erasure deletes. After that nothing leads from the token to the
student, and the chain stays verifiable.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from hashlib import blake2b
from secrets import token_hex
from typing import Any

import orjson

from shared_db.columns import Row
from shared_db.pseudonyms import pseudonym_of

# Students of a read that are named one by one; of others only the number is stored.
MAX_NAMED = 200
_DIGEST_BYTES = 32
_TOKEN_BYTES = 16
# Columns of a row that its digest covers, in this order.
_COVERED = (
    "chain",
    "number",
    "read_at",
    "caller",
    "kind",
    "roles",
    "through",
    "route",
    "students",
    "tokens",
    "purpose",
    "previous",
)
# Covered in addition where it is not null, so that rows from before this column stay valid.
_OPENINGS = "openings"


class CallerKind(StrEnum):
    """Kind of a caller: a system with a key, a person, or a student who is among those read."""

    SYSTEM = "system"
    PERSON = "person"
    STUDENT = "student"


@dataclass(frozen=True)
class Read:
    """Answered request that shows data of students.

    caller: name of the key, or id of the person. roles: of the person. through: name of the key
    that acts for the person. route: template of the path. purpose: as the caller stated it.
    openings: students whom the person sees by break-glass, each with the id of the opening.
    """

    read_at: datetime
    caller: str
    is_person: bool
    route: str
    student_ids: Sequence[str]
    roles: Sequence[str] = ()
    through: str | None = None
    purpose: str | None = None
    openings: Mapping[str, str] = field(default_factory=dict)

    @property
    def named_ids(self) -> Sequence[str]:
        """Students that the row names: 200 at most, first those of openings."""
        if len(self.student_ids) <= MAX_NAMED or not self.openings:
            return self.student_ids[:MAX_NAMED]
        return sorted(self.student_ids, key=lambda id_: id_ not in self.openings)[:MAX_NAMED]


@dataclass(frozen=True)
class ChainedRead:
    """Read as it is stored: its row, and the rows of its students."""

    row: Row
    subjects: Sequence[Row]

    def to_json(self) -> str:
        """Return the rows as JSON."""
        return orjson.dumps({"row": self.row, "subjects": self.subjects}).decode()

    @classmethod
    def from_json(cls, content: str) -> "ChainedRead":
        """Return the rows of a JSON text by `to_json`."""
        found = orjson.loads(content)
        read_at = datetime.fromisoformat(found["row"]["read_at"])
        # A row that an earlier release put into a file has no openings.
        return cls({_OPENINGS: None, **found["row"], "read_at": read_at}, found["subjects"])


@dataclass
class Chain:
    """Chain of digests of one process and day: each row has the digest of the one before.

    The first row has the digest of the chain's name, which begins with the day.
    """

    service: str
    _name: str = ""
    _number: int = 0
    _digest: str = ""
    _day: date | None = field(default=None)

    def extend(self, reads: Sequence[Read]) -> list[ChainedRead]:
        """Return the reads as the next rows of the chain; a new day begins a new chain."""
        return [self._chained(read) for read in reads]

    def end(self) -> None:
        """End the chain: the last rows were not stored, so the next row begins another one."""
        self._day = None

    def _chained(self, read: Read) -> ChainedRead:
        day = read.read_at.astimezone(UTC).date()
        if day != self._day:
            self._day, self._number = day, 0
            self._name = f"{day}.{self.service}.{token_hex(_TOKEN_BYTES)}"
            self._digest = first_digest(self._name)
        subjects = _subjects(read.named_ids)
        caller, kind = _caller(read, subjects)
        self._number += 1
        row: Row = {
            "chain": self._name,
            "number": self._number,
            "read_at": read.read_at,
            "caller": caller,
            "kind": kind.value,
            "roles": list(read.roles),
            "through": read.through,
            "route": read.route,
            "students": len(read.student_ids),
            "tokens": [subject["token"] for subject in subjects],
            "purpose": read.purpose,
            "previous": self._digest,
            _OPENINGS: _openings(read, subjects),
        }
        row["digest"] = self._digest = digest_of(row)
        place = {key: row[key] for key in ("chain", "number")}
        return ChainedRead(row, [subject | place for subject in subjects])


def chain_day(chain: str) -> str:
    """Return the day of a chain as in its name."""
    return chain.partition(".")[0]


def first_digest(chain: str) -> str:
    """Return the digest before the first row of a chain."""
    return blake2b(chain.encode(), digest_size=_DIGEST_BYTES).hexdigest()


def digest_of(row: Row) -> str:
    """Return the digest of a row's canonical text, a JSON array of its covered columns."""
    values: dict[str, Any] = {**row, "read_at": row["read_at"].astimezone(UTC).isoformat()}
    covered = [values[name] for name in _COVERED]
    if (openings := values.get(_OPENINGS)) is not None:
        covered.append(sorted(openings.items()))
    text = json.dumps(covered, ensure_ascii=False, separators=(",", ":"))
    return blake2b(text.encode(), digest_size=_DIGEST_BYTES).hexdigest()


def token_of(student_id: str, salt: str) -> str:
    """Return the token of a student under the salt, which is 16 random bytes in hexadecimal."""
    key = bytes.fromhex(salt)
    return blake2b(student_id.encode(), digest_size=_TOKEN_BYTES, key=key).hexdigest()


def _subjects(student_ids: Sequence[str]) -> list[Row]:
    size = 2 * _TOKEN_BYTES
    salts = token_hex(_TOKEN_BYTES * len(student_ids))
    return [
        {"token": token_of(student_id, salt), "salt": salt, "read_as": student_id}
        for place, student_id in enumerate(student_ids)
        for salt in (salts[place * size : (place + 1) * size],)
    ]


def _openings(read: Read, subjects: Sequence[Row]) -> dict[str, str] | None:
    """Return the openings by which students were seen, by token; None if there are none."""
    found = {
        subject["token"]: read.openings[subject["read_as"]]
        for subject in subjects
        if subject["read_as"] in read.openings
    }
    return found or None


def _caller(read: Read, subjects: Sequence[Row]) -> tuple[str, CallerKind]:
    """Return the caller as it is stored: of a student the token, which an erasure makes unknown."""
    if not read.is_person:
        return read.caller, CallerKind.SYSTEM
    for subject in subjects:
        if subject["read_as"] == read.caller:
            return subject["token"], CallerKind.STUDENT
    if "student" in read.roles:
        return pseudonym_of(read.caller), CallerKind.STUDENT
    return read.caller, CallerKind.PERSON
