"""Routes of weekly digests, for the system that writes them in the name of each person."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from shared_db.errors import NeedsPostgresql
from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import Roles, needs
from shared_web.auth.persons import default_role
from shared_web.principals import Permission, Role
from shared_web.problems import documented
from shared_web.requests.idempotency import mark_replay
from staffstuddash_service.dependencies import Datastore
from staffstuddash_service.errors import DigestWeekOutside, MailsOff, PersonNotFound
from staffstuddash_service.routes.path_parameters import PersonId
from staffstuddash_service.schemas.mail.digests import (
    DigestOut,
    NewDigest,
    RecipientOut,
    RecipientsOut,
)

router = APIRouter(prefix="/digests", tags=["access"], route_class=AdmittedRoute)

# A key that acts for each person may write to each.
ACT_AS = needs(Permission.ACT_AS)
_READS = (Permission.PREDICTIONS_READ, Permission.ACTIONS_READ)

Week = Annotated[date, Path(description="The Monday of this week or of the one before.")]


@router.get(
    "/{week}/recipients",
    dependencies=[ACT_AS],
    responses=documented(DigestWeekOutside, NeedsPostgresql),
)
def list_recipients(week: Week, datastore: Datastore, roles: Roles) -> RecipientsOut:
    """Return staff with rights on students and an address, without a digest of the week."""
    found = [
        RecipientOut(person_id=one.person_id)
        for one in datastore.digests.candidates(week)
        if _reads_students(roles.find(one.role or default_role(one.staff_role) or ""))
    ]
    return RecipientsOut(items=found)


@router.put(
    "/{week}/recipients/{person_id}",
    dependencies=[ACT_AS],
    responses=documented(DigestWeekOutside, NeedsPostgresql, MailsOff, PersonNotFound),
)
def put_digest(
    week: Week,
    person_id: PersonId,
    new: NewDigest,
    datastore: Datastore,
    response: Response,
    dry_run: Annotated[bool, Query(description="Return the text, and send nothing.")] = False,  # noqa: FBT002 - a query parameter
) -> DigestOut:
    """Send the digest of a person and week, once; another one changes nothing.

    Lines about restricted or erased students are left out.
    """
    stored, is_replay = datastore.digests.put(person_id, week, new.digest(), dry_run=dry_run)
    mark_replay(response, is_replay=is_replay)
    return DigestOut.model_validate(stored)


def _reads_students(role: Role | None) -> bool:
    return role is not None and (
        Permission.STUDENTS_READ in role.permissions and not role.permissions.isdisjoint(_READS)
    )
