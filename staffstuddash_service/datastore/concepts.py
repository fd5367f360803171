"""Concepts: what is taught, and how hard it is."""

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from shared_db.clock import utc_now
from shared_db.failures import is_unique_violation
from shared_db.ids import new_id
from shared_db.naming import digest_of, store_one
from shared_db.paging import Keyset, Page
from staffstuddash_service.datastore.part import Part
from staffstuddash_service.errors import ConceptExists, ConceptNotFound
from staffstuddash_service.models import ConceptModule

CONCEPTS_BY_ID = Keyset("concepts", (ConceptModule.id,))


class Concepts(Part):
    """What is taught."""

    def add_concept(
        self, concept: str, subject: str, difficulty: int, *, concept_id: str | None = None
    ) -> ConceptModule:
        """Store a concept of a subject; an assessment's topic of the same name is this concept.

        difficulty: 1 (easy) to 5 (hard).

        Raises:
            ConceptExists: the id has other content, or the concept another id.

        """
        sent = {"concept": concept, "subject": subject, "difficulty": difficulty}
        row = ConceptModule(
            **sent, id=concept_id or new_id(), created_at=utc_now(), digest=digest_of(sent)
        )
        try:
            with self.database.unit_of_work() as session:
                return store_one(session, row, ConceptExists)
        except IntegrityError as refusal:
            if not is_unique_violation(refusal):
                raise
            raise ConceptExists(row.id) from refusal

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
