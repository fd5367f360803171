"""Concepts: what is taught, and how hard it is."""

from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from shared_db.clock import utc_now
from shared_db.connection.database import Database
from shared_db.ids import new_id
from shared_db.queries.pagination import Keyset, Page
from shared_db.repository import Repository
from shared_db.resilience.error_classification import is_unique_violation
from shared_db.spool.writes import SpoolableType, insert_or_spool, one_by_one
from shared_db.writes.idempotent_insert import content_digest, insert_idempotent
from staffstuddash_service.errors import ConceptExists, ConceptNotFound
from staffstuddash_service.models import ConceptModule

CONCEPTS_BY_ID = Keyset("concepts", (ConceptModule.id,))


@dataclass(frozen=True)
class ConceptToStore:
    """A concept before it is stored; without an id one is made."""

    concept: str
    subject: str
    difficulty: int
    id: str | None = None
    accepted_at: datetime | None = None

    def row(self, now: datetime) -> ConceptModule:
        """Return the row to store."""
        sent = asdict(self)
        id_ = sent.pop("id") or new_id()
        at = sent.pop("accepted_at") or now
        return ConceptModule(**sent, id=id_, created_at=at, digest=content_digest(sent))


def _give(manager: "Concepts", concept: ConceptToStore) -> ConceptModule:
    return manager.store_concept(concept)


CONCEPT = SpoolableType(
    "concept", ConceptToStore, ConceptToStore.row, ConceptExists, one_by_one(_give)
)


class Concepts(Repository):
    """What is taught."""

    def add_concept(
        self, concept: str, subject: str, difficulty: int, *, concept_id: str | None = None
    ) -> ConceptModule:
        """Store a concept of a subject; an assessment's topic of the same name is this concept.

        difficulty: 1 (easy) to 5 (hard).

        Raises:
            ConceptExists: the id has other content, or the concept another id.

        """
        return self.store_concept(ConceptToStore(concept, subject, difficulty, concept_id))

    def store_concept(self, concept: ConceptToStore) -> ConceptModule:
        """Do what `add_concept` does."""
        return insert_or_spool(self.database, CONCEPT, concept, partial(_store, self.database))

    def get_concepts(
        self, *, subject: str | None = None, after: str | None = None, limit: int = 100
    ) -> Page[ConceptModule]:
        """Return concepts by id; only those of one subject if given.

        Raises:
            MalformedCursor: the cursor is not one of this list.

        """
        query = select(ConceptModule)
        if subject is not None:
            query = query.where(ConceptModule.subject == subject)
        with self.database.reading() as session:
            return CONCEPTS_BY_ID.page(session, query, after=after, limit=limit)

    def change_concept(self, concept_id: str, *, difficulty: int) -> ConceptModule:
        """Change how hard the concept is said to be, 1 to 5.

        Raises:
            ConceptNotFound: no concept has that id.

        """
        with self.database.unit_of_work() as session:
            row = session.get(ConceptModule, concept_id, with_for_update=True)
            if row is None:
                raise ConceptNotFound(concept_id)
            row.difficulty = difficulty
            return row


def _store(database: Database, concept: ConceptToStore) -> ConceptModule:
    row = concept.row(utc_now())
    try:
        with database.unit_of_work() as session:
            return insert_idempotent(session, row, ConceptExists)
    except IntegrityError as refusal:
        if not is_unique_violation(refusal):
            raise
        raise ConceptExists(row.id) from refusal
