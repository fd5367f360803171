"""Stored ids that are not in Unicode's form NFC; requests have ids in NFC only.

Earlier releases stored ids as they were sent. Nothing is renamed or merged here.
"""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from sqlalchemy import String, Table, bindparam, select, text
from sqlalchemy.orm import Session

from dropout_service.models import Base as DropoutBase
from monitoring_service.models import Base as MonitoringBase
from staffstuddash_service.models import Base as StaffstuddashBase

SHOWN = 20
_TABLES: dict[str, Sequence[Table]] = {
    "monitoring": MonitoringBase.metadata.sorted_tables,
    "staffstuddash": StaffstuddashBase.metadata.sorted_tables,
    "dropout": DropoutBase.metadata.sorted_tables,
}


@dataclass(frozen=True)
class OtherForms:
    """Ids of a table that are not in NFC: the first ones, and pairs that only the form tells apart.

    has_more: there are more than these. Both are escaped, because they look alike.
    """

    table: str
    ids: tuple[str, ...]
    pairs: tuple[tuple[str, str], ...]
    has_more: bool


def other_forms(session: Session, service: str) -> Iterator[OtherForms]:
    """Yield the tables of a service, on PostgreSQL, that have ids which are not in NFC."""
    for table in _TABLES[service]:
        id_ = table.c.get("id")
        if id_ is None or not isinstance(id_.type, String):
            continue
        # ASCII ids, nearly all, are recognised by their length.
        is_other = text("octet_length(id) <> char_length(id) AND id IS NOT NFC NORMALIZED")
        query = select(id_).where(is_other).order_by(id_).limit(SHOWN + 1)
        found = list(session.scalars(query))
        if not found:
            continue
        has_more = len(found) > SHOWN
        yield OtherForms(
            f"{table.schema}.{table.name}",
            tuple(ascii(each) for each in found[:SHOWN]),
            tuple(_pairs(session, table, found[:SHOWN])),
            has_more,
        )


def _pairs(session: Session, table: Table, ids: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield each of the ids with another stored id of the same text."""
    composed = {unicodedata.normalize("NFC", id_) for id_ in ids}
    # The ids in NFC are found by the primary key, the others among those that are listed.
    query = select(table.c.id).where(table.c.id.in_(bindparam("ids", expanding=True)))
    stored = set(session.scalars(query, {"ids": sorted(composed)})) | set(ids)
    by_text = dict[str, list[str]]()
    for id_ in sorted(stored):
        by_text.setdefault(unicodedata.normalize("NFC", id_), []).append(id_)
    for first, *others in by_text.values():
        for other in others:
            yield ascii(first), ascii(other)
