"""Drafts of a merged student: versions of one assignment are numbered and compared by time."""

from bisect import insort
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, bindparam, func, select, update
from sqlalchemy.orm import Session

from shared_db.columns import Row
from shared_db.row_moves import row_count, shared_keys
from staffstuddash_service.datastore.drafts import comparison
from staffstuddash_service.domain.drafts import compare, is_sudden_jump, min_jump
from staffstuddash_service.domain.words import words_of
from staffstuddash_service.models import Draft

_TABLE: Any = Draft.__table__
_AT_ONCE = 100


@dataclass(frozen=True)
class MergedDrafts:
    """Numbers of drafts: moved, in an assignment that both ids have, and compared again."""

    moved: int
    conflicts: int
    recomputed: int


def merge_drafts(session: Session, old_id: str, new_id: str) -> MergedDrafts:
    """Move the drafts of one id to another; both students must be locked.

    The versions of an assignment that both have are numbered by the time they were handed in, and
    compared with the version before. Other comparisons stay as they are.
    """
    shared = shared_keys(session, [Draft.assignment_id], Draft.student_id, [old_id, new_id])
    assignments = sorted(assignment for (assignment,) in shared)
    is_shared = Draft.assignment_id.in_(assignments)
    own = Draft.student_id.in_([old_id, new_id])
    conflicts = session.scalar(select(func.count()).where(Draft.student_id == old_id, is_shared))
    # Beyond all versions first: no two drafts may have one version at any time.
    last = session.scalar(select(func.max(Draft.version)).where(own)) or 0
    beyond = [
        update(_TABLE)
        .where(_TABLE.c.student_id == id_, _TABLE.c.assignment_id.in_(assignments))
        .values(version=_TABLE.c.version + last * step)
        for id_, step in ((old_id, 1), (new_id, 2))
    ]
    for statement in beyond if assignments else ():
        session.execute(statement)
    move = update(_TABLE).where(_TABLE.c.student_id == old_id).values(student_id=new_id)
    moved = row_count(session.execute(move))
    compared = _compared_by_time(session, new_id, assignments) if assignments else []
    if compared:
        change = update(_TABLE).where(_TABLE.c.id == bindparam("draft"))
        names = [name for name in compared[0] if name != "draft"]
        values: dict[str, Any] = {name: bindparam(name) for name in names}
        session.connection().execute(change.values(values), compared)
    return MergedDrafts(moved, conflicts or 0, len(compared))


def _compared_by_time(session: Session, student_id: str, assignments: Sequence[str]) -> list[Row]:
    """Return version and comparison of the drafts of these assignments."""
    pace = _Pace(session, student_id, assignments)
    query = (
        select(Draft.id, Draft.assignment_id, Draft.content, Draft.timestamp)
        .where(Draft.student_id == student_id, Draft.assignment_id.in_(assignments))
        .order_by(Draft.timestamp, Draft.created_at, Draft.id)
    )
    versions: dict[str, int] = defaultdict(int)
    words_before: dict[str, Sequence[str]] = {}
    rows = list[Row]()
    for draft, assignment, content, at in session.execute(query).yield_per(_AT_ONCE):
        words = words_of(content)
        before = words_before.get(assignment)
        revision = None if before is None else compare(before, words)
        is_jump = None
        if revision is not None:
            is_jump = is_sudden_jump(revision.new_words, pace.before(at), min_jump(words))
            pace.add(at, revision.new_words)
        versions[assignment] += 1
        words_before[assignment] = words
        row = {"draft": draft, "version": versions[assignment]}
        rows.append(row | comparison(revision, is_jump=is_jump))
    return rows


class _Pace:
    """New words of the student's revisions with their time, outside of some assignments."""

    def __init__(self, session: Session, student_id: str, assignments: Sequence[str]) -> None:
        is_other = and_(Draft.student_id == student_id, Draft.assignment_id.not_in(assignments))
        query = select(Draft.timestamp, Draft.new_words).where(
            is_other, Draft.new_words.is_not(None)
        )
        self._revisions: list[tuple[datetime, int]] = sorted(
            (at, words) for at, words in session.execute(query) if words is not None
        )

    def add(self, at: datetime, new_words: int) -> None:
        insort(self._revisions, (at, new_words))

    def before(self, at: datetime) -> list[int]:
        """Return the new words of the revisions up to the instant."""
        return [words for then, words in self._revisions if then <= at]
