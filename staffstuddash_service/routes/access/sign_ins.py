"""Routes of invitations, sign-ins and sign-outs, for pages that keep sessions."""

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool

from shared_db.errors import NeedsPostgresql
from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import Authenticator, Roles, needs
from shared_web.auth.granting import require_grantable
from shared_web.auth.persons import default_role
from shared_web.principals import Permission, Principal
from shared_web.problems import Forbidden, documented
from shared_web.wire.compression import UNCOMPRESSED
from staffstuddash_service.dependencies import Datastore
from staffstuddash_service.errors import InvitationNotFound, InvitationOver, PersonNotFound
from staffstuddash_service.routes.path_parameters import PersonId
from staffstuddash_service.schemas.sign_ins import (
    InvitationOut,
    NewInvitation,
    NewSignIn,
    SignInOut,
    SignOutOut,
)

router = APIRouter(tags=["access"], route_class=AdmittedRoute)

MANAGE = needs(Permission.PEOPLE_MANAGE)
Manager = Annotated[Principal, MANAGE]
Leaving = Annotated[Principal, needs(Permission.PEOPLE_MANAGE, own="person_id")]


@router.post(
    "/people/{person_id}/invitations",
    dependencies=[UNCOMPRESSED],
    status_code=201,
    responses=documented(PersonNotFound),
)
def invite(
    person_id: PersonId,
    new: NewInvitation,
    datastore: Datastore,
    principal: Manager,
    roles: Roles,
) -> InvitationOut:
    """Make a one-time link for a member of staff; it replaces an earlier one.

    Nobody invites a person with more rights than their own: the link may come into other hands.
    """
    access = datastore.person_access.get(person_id)
    role = roles.find(access.role or default_role(access.staff_role) or "")
    if access.is_revoked or role is None:
        raise Forbidden(
            "This person has no access to Veritas. Give a role first: PUT "
            "/people/{person_id}/access, or `veritas people set-role ID ROLE`."
        )
    require_grantable(principal, role.permissions, sees_all=role.sees_all)
    invited = datastore.sign_ins.invite(person_id, days=new.days, actor=principal.name)
    return InvitationOut.model_validate(invited)


@router.delete(
    "/people/{person_id}/invitations",
    status_code=204,
    dependencies=[MANAGE],
    responses=documented(PersonNotFound),
)
def revoke_invitation(person_id: PersonId, datastore: Datastore) -> None:
    """Revoke the invitation of a person, if there is one."""
    datastore.sign_ins.revoke_invitation(person_id)


@router.post(
    "/sign-ins",
    dependencies=[needs(Permission.ACT_AS)],
    responses=documented(InvitationNotFound, InvitationOver, NeedsPostgresql),
)
async def sign_in(new: NewSignIn, request: Request, datastore: Datastore) -> SignInOut:
    """Return the person of a proof; an invitation is used up by it."""
    if new.invitation is not None:
        redeemed = await run_in_threadpool(datastore.sign_ins.redeem, new.invitation)
        return SignInOut.model_validate(redeemed)
    authenticator: Authenticator = request.app.state.authenticator
    found = await authenticator.find_person(new.login or "")
    identity = await run_in_threadpool(datastore.sign_ins.identify, found.name)
    if identity is None:
        raise Forbidden("The roster has nobody of this login.")
    return SignInOut.model_validate(identity)


@router.post("/people/{person_id}/sign-outs", responses=documented(PersonNotFound))
def sign_out(person_id: PersonId, datastore: Datastore, principal: Leaving) -> SignOutOut:
    """End all sessions of a member of staff; also by the person themself."""
    revision = datastore.sign_ins.sign_out(person_id, actor=principal.name)
    return SignOutOut(session_revision=revision)
