"""Drafts: records made from one row, with its references to other rows."""

from dataclasses import dataclass
from enum import StrEnum

from staffstuddash_service.datastore import AssessmentToStore, StudentToStore
from staffstuddash_service.domain.roster import Record as RosterRecord
from veritas_cli.oneroster.reading.columns import File
from veritas_cli.oneroster.reading.staging import StagedRow

Record = RosterRecord | StudentToStore | AssessmentToStore


class Need(StrEnum):
    """Role that a user must have to be referred to."""

    ANY = "any"
    STUDENT = "student"
    STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Reference:
    """Ids of rows of another file that one cell names.

    is_optional: a row with an unknown reference is left out instead of refused. may_end: the other
    row may end or be left out.
    """

    column: str
    file: File
    ids: tuple[str, ...]
    need: Need = Need.ANY
    is_optional: bool = False
    may_end: bool = False


@dataclass(frozen=True, slots=True)
class Draft:
    """Records of one row, and the references that must hold before they are stored."""

    row: StagedRow
    records: tuple[Record, ...]
    references: tuple[Reference, ...] = ()


def referring(column: str, file: File, id_: str | None) -> tuple[Reference, ...]:
    """Return the reference of a cell that may be empty."""
    return () if id_ is None else (Reference(column, file, (id_,)),)
