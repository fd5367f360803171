"""Concepts: topics of a subject and their difficulty."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import Unpack

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from shared_db.clock import utc_now
from shared_db.columns import Row
from shared_db.ids import new_id
from shared_db.queries.pagination import Keyset, Page, PageOptions
from shared_db.repository import Repository
from shared_db.resilience.error_classification import is_unique_violation
from shared_db.results import InsertResult
from shared_db.spool.spoolable import SpoolableType, result_per_item
from shared_db.writes.idempotent_insert import content_digest, insert_idempotent
from staffstuddash_service.errors import ConceptExists, ConceptNotFound
from staffstuddash_service.models import ConceptModule

CONCEPTS_BY_ID = Keyset("concepts", (ConceptModule.id,))


@dataclass(frozen=True)
class ConceptToStore:
    """New concept; without an id one is made."""

    concept: str
    subject: str
    difficulty: int
    id: str | None = None
    accepted_at: datetime | None = None

    def values(self, now: datetime) -> Row:
        """Return the row to insert."""
        sent = asdict(self)
        id_ = sent.pop("id") or new_id()
        at = sent.pop("accepted_at") or now
        return {**sent, "id": id_, "created_at": at, "digest": content_digest(sent)}


CONCEPT = SpoolableType(
    "concept",
    ConceptToStore,
    ConceptModule,
    ConceptToStore.values,
    ConceptExists,
    replay=lambda manager, concepts: manager.concepts.add_many(concepts),
)


class ConceptRepository(Repository):
    """Concepts."""

    def add(
        self, concept: str, subject: str, difficulty: int, *, concept_id: str | None = None
    ) -> ConceptModule:
        """Insert a concept of a subject; assessments refer to it by their `topic`.

        difficulty: 1 (easy) to 5 (hard).

        Raises:
            ConceptExists: the id has other content, or the concept another id.

        """
        new = ConceptToStore(concept, subject, difficulty, concept_id)
        return self.insert(CONCEPT, new, _insert)

    def add_many(self, concepts: Sequence[ConceptToStore]) -> list[InsertResult]:
        """Insert concepts; return the result of each, in order."""
        return self.insert_many(CONCEPT, concepts, _insert_many)

    def search(
        self, *, subject: str | None = None, **options: Unpack[PageOptions]
    ) -> Page[ConceptModule]:
        """Return a page of the concepts by id, of one subject if given."""
        query = select(ConceptModule)
        if subject is not None:
            query = query.where(ConceptModule.subject == subject)
        return self.page(CONCEPTS_BY_ID, query, **options)

    def update(self, concept_id: str, *, difficulty: int) -> ConceptModule:
        """Update the difficulty, 1 to 5.

        Raises:
            ConceptNotFound: no concept has that id.

        """
        return self.write(lambda session: _update(session, concept_id, difficulty))


def _insert(session: Session, concept: ConceptToStore) -> ConceptModule:
    row = concept.values(utc_now())
    try:
        # The savepoint keeps the transaction usable for the other concepts of a batch.
        with session.begin_nested():
            return insert_idempotent(session, ConceptModule, row, ConceptExists)
    except IntegrityError as refusal:
        if not is_unique_violation(refusal):
            raise
        raise ConceptExists(row["id"]) from refusal


def _insert_many(session: Session, concepts: Sequence[ConceptToStore]) -> list[InsertResult]:
    return result_per_item(concepts, partial(_insert, session), CONCEPT.id_of)


def _update(session: Session, concept_id: str, difficulty: int) -> ConceptModule:
    row = session.get(ConceptModule, concept_id, with_for_update=True)
    if row is None:
        raise ConceptNotFound(concept_id)
    row.difficulty = difficulty
    return row
