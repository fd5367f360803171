"""Events that are sent again under another id of a merged student: replays, not conflicts."""

from collections.abc import Collection, Iterator, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from dropout_service.models import Alias, LearningEvent
from shared_db.columns import Row
from shared_db.results import InsertResult, Outcome
from shared_db.writes.idempotent_insert import content_digest

_SENT = ("event_type", "question_id", "course", "data", "occurred_at")


def accept_other_ids(
    session: Session, rows: Sequence[Row], results: Sequence[InsertResult]
) -> list[InsertResult]:
    """Return the results; a conflict that only another id of the student makes is a replay.

    The digest of a stored event has the id that was sent first. An event that was sent without
    `occurred_at` stays a conflict.
    """
    pairs = list(zip(rows, results, strict=True))
    conflicts = [row for row, result in pairs if result.outcome is Outcome.CONFLICT]
    former = _former_ids(session, {row["student_id"] for row in conflicts})
    if not former:
        return list(results)
    event = LearningEvent
    query = select(event.id, event.student_id, event.digest)
    query = query.where(event.id.in_([row["id"] for row in conflicts]))
    stored = {row.id: (row.student_id, row.digest) for row in session.execute(query)}

    def is_replay(row: Row) -> bool:
        owner, digest = stored.get(row["id"], (None, None))
        return owner == row["student_id"] and digest in _digests(row, former.get(owner, ()))

    return [
        InsertResult(result.id, Outcome.REPEATED)
        if result.outcome is Outcome.CONFLICT and is_replay(row)
        else result
        for row, result in pairs
    ]


def _former_ids(session: Session, student_ids: Collection[str]) -> dict[str, list[str]]:
    """Return the former ids of each of these students that has some."""
    found = dict[str, list[str]]()
    for alias in session.scalars(select(Alias).where(Alias.new_id.in_(student_ids))):
        found.setdefault(alias.new_id, []).append(alias.old_id)
    return found


def _digests(row: Row, former: Sequence[str]) -> Iterator[bytes]:
    """Yield the digest of the event under the present and each former id of its student."""
    sent = {name: row[name] for name in _SENT}
    for student_id in (row["student_id"], *former):
        yield content_digest({**sent, "student_id": student_id})
