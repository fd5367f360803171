"""Routes of concepts."""

from typing import Annotated

from fastapi import APIRouter, Query, Response

from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import needs
from shared_web.principals import Permission, Principal
from shared_web.problems import documented
from shared_web.query.pagination import After, Limit, PageOut
from shared_web.requests.fields import Term
from shared_web.requests.idempotency import IdempotencyKey, mark_replay, row_id
from staffstuddash_service.dependencies import Datastore
from staffstuddash_service.errors import ConceptExists, ConceptNotFound
from staffstuddash_service.routes.filters import LISTING
from staffstuddash_service.routes.path_parameters import ConceptId
from staffstuddash_service.schemas.concepts import ConceptChange, ConceptOut, NewConcept

router = APIRouter(prefix="/concepts", tags=["concepts"], route_class=AdmittedRoute)

READ = needs(Permission.ROSTER_READ)
WRITE = needs(Permission.MARKS_WRITE)
Writer = Annotated[Principal, WRITE]

Subject = Annotated[Term | None, Query(description="Only the concepts of this subject.")]


@router.post("", status_code=201, responses=documented(ConceptExists))
def add_concept(
    new: NewConcept,
    datastore: Datastore,
    principal: Writer,
    response: Response,
    key: IdempotencyKey = None,
) -> ConceptOut:
    """Store a concept of a subject."""
    concept = datastore.concepts.add(
        new.concept, new.subject, new.difficulty, concept_id=row_id(new.id, key, principal)
    )
    mark_replay(response, is_replay=concept.is_replay)
    return ConceptOut.model_validate(concept)


@router.get("", dependencies=[READ], responses=LISTING)
def list_concepts(
    datastore: Datastore, subject: Subject = None, after: After = None, limit: Limit = 100
) -> PageOut[ConceptOut]:
    """Return concepts by id."""
    page = datastore.concepts.search(subject=subject, after=after, limit=limit)
    return PageOut[ConceptOut].of(page)


@router.patch("/{concept_id}", dependencies=[WRITE], responses=documented(ConceptNotFound))
def change_concept(
    concept_id: ConceptId, change: ConceptChange, datastore: Datastore
) -> ConceptOut:
    """Change the difficulty of the concept."""
    concept = datastore.concepts.update(concept_id, difficulty=change.difficulty)
    return ConceptOut.model_validate(concept)
