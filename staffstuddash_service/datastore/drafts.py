"""Drafts: each version is compared with the version before."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import Unpack

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.columns import Row
from shared_db.ids import new_id
from shared_db.queries.pagination import Keyset, Page, PageOptions
from shared_db.repository import Repository
from shared_db.results import InsertResult
from shared_db.spool.spoolable import SpoolableType, result_per_item
from shared_db.writes.idempotent_insert import content_digest, insert_idempotent
from staffstuddash_service.datastore.performance import recompute
from staffstuddash_service.datastore.student_locks import find_student, lock_owner, lock_owners
from staffstuddash_service.domain.drafts import (
    MIN_REVISIONS,
    Revision,
    compare,
    is_sudden_jump,
    min_jump,
)
from staffstuddash_service.domain.words import words_of
from staffstuddash_service.errors import DraftExists
from staffstuddash_service.models import Draft

DRAFTS_BY_TIME = Keyset("drafts", (Draft.timestamp, Draft.id), is_descending=True)
DRAFT_FIELDS = ("assignment_id", "change_type", "sudden_jump_flag", "timestamp")
_COLUMNS = {name: getattr(Draft, name) for name in DRAFT_FIELDS}


@dataclass(frozen=True)
class DraftToStore:
    """New draft; without an id one is made, without a timestamp it is now."""

    student_id: str
    assignment_id: str
    content: str
    timestamp: datetime | None = None
    id: str | None = None
    accepted_at: datetime | None = None

    def values(self, now: datetime) -> Row:
        """Return the row to insert, without its version and its comparison with the one before."""
        sent = asdict(self)
        id_ = sent.pop("id") or new_id()
        at = sent.pop("accepted_at") or now
        return {
            **sent,
            "timestamp": self.timestamp or at,
            "word_count": len(words_of(self.content)),
            "id": id_,
            "created_at": at,
            "digest": content_digest(sent),
        }


DRAFT = SpoolableType(
    "draft",
    DraftToStore,
    Draft,
    DraftToStore.values,
    DraftExists,
    replay=lambda manager, drafts: manager.drafts.add_many(drafts),
    subject=lambda new: new.student_id,
)


class DraftRepository(Repository):
    """Drafts: versions of students' texts."""

    def add(
        self,
        student_id: str,
        assignment_id: str,
        content: str,
        *,
        timestamp: datetime | None = None,
        draft_id: str | None = None,
    ) -> Draft:
        """Insert the next version of a text and recompute the student's performance record.

        timestamp: of the submission, by default now.

        Raises:
            StudentNotFound: no student has that id.
            StudentErased: the student was erased.
            DraftExists: the draft's id is stored with other content.

        """
        new = DraftToStore(student_id, assignment_id, content, timestamp, draft_id)
        return self.insert(DRAFT, new, _insert, of=[student_id])

    def add_many(self, drafts: Sequence[DraftToStore]) -> list[InsertResult]:
        """Insert drafts in their order; return the result of each, in order."""
        return self.insert_many(DRAFT, drafts, _insert_many, of=lambda new: new.student_id)

    def search_by_student(self, student_id: str, **options: Unpack[PageOptions]) -> Page[Draft]:
        """Return the student's drafts, the latest first.

        Raises:
            StudentNotFound: no student has that id.
            StudentErased: the student was erased.
            ServiceError: as `Repository.page`.

        """
        query = select(Draft).where(Draft.student_id == student_id)
        return self.page(
            DRAFTS_BY_TIME,
            query,
            _COLUMNS,
            require=lambda session: find_student(session, student_id),
            **options,
        )


def _insert(session: Session, draft: DraftToStore) -> Draft:
    stored = _insert_compared(session, draft)
    if not stored.is_replay:
        recompute(session, [stored.student_id], utc_now())
    return stored


def _insert_many(session: Session, drafts: Sequence[DraftToStore]) -> list[InsertResult]:
    # All locks in one statement, in the order of ids: two such transactions could deadlock.
    owners = lock_owners(session, {draft.student_id for draft in drafts})
    results = result_per_item(drafts, partial(_insert_compared, session), DRAFT.id_of)
    pairs = zip(drafts, results, strict=True)
    if students := {owners[draft.student_id] for draft, result in pairs if result.is_stored}:
        recompute(session, students, utc_now())
    return results


def _insert_compared(session: Session, draft: DraftToStore) -> Draft:
    student = lock_owner(session, draft.student_id)
    compared = _compared(session, student.id, draft.assignment_id, draft.content)
    row = draft.values(utc_now()) | compared | {"student_id": student.id}
    return insert_idempotent(session, Draft, row, DraftExists)


def _compared(session: Session, student_id: str, assignment_id: str, content: str) -> Row:
    before = session.execute(
        select(Draft.version, Draft.content)
        .where(Draft.student_id == student_id, Draft.assignment_id == assignment_id)
        .order_by(Draft.version.desc())
        .limit(1)
    ).one_or_none()
    words = words_of(content)
    found: Row = {"version": before.version + 1 if before else 1}
    revision = compare(words_of(before.content), words) if before else None
    if revision is None:
        return found
    pace = select(Draft.new_words).where(
        Draft.student_id == student_id, Draft.new_words.is_not(None)
    )
    least = min_jump(words)
    if revision.new_words < least:
        # No jump at any pace: the only question is whether a pace is known.
        pace = pace.limit(MIN_REVISIONS)
    earlier = [count for count in session.scalars(pace) if count is not None]
    is_jump = is_sudden_jump(revision.new_words, earlier, least)
    return found | comparison(revision, is_jump=is_jump)


def comparison(revision: Revision | None, *, is_jump: bool | None) -> Row:
    """Return the columns of a version's comparison; without a revision all are null."""
    return {
        "new_words": revision and revision.new_words,
        "lexical_similarity": revision and revision.lexical_similarity,
        "retained_share": revision and revision.retained_share,
        "change_type": revision and revision.change_type,
        "reasoning_continuity": revision and revision.reasoning_continuity,
        "sudden_jump_flag": is_jump,
    }
