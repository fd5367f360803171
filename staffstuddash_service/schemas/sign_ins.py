"""Bodies of invitations and sign-ins."""

from datetime import datetime
from typing import Annotated, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator

from shared_web.auth.tokens.logins import checked_login
from shared_web.requests.fields import Body, Out, refusal_by_field

Token = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{1,100}$")]
Login = Annotated[str, StringConstraints(min_length=1), AfterValidator(checked_login)]


class NewInvitation(Body):
    """Invitation of a member of staff to sign in by a link, once."""

    days: int = Field(7, ge=1, le=30, description="Time until it expires.")


class InvitationOut(Out):
    """New invitation; the token is shown only here."""

    token: str
    expires_at: datetime


class NewSignIn(Body):
    """Proof of a person: the token of an invitation, or a login that the caller has verified."""

    invitation: Token | None = None
    login: Login | None = Field(None, description="E-mail address, user name, account or id.")

    @model_validator(mode="after")
    def _require_one_proof(self) -> Self:
        if (self.invitation is None) == (self.login is None):
            raise refusal_by_field({"invitation": "send either this or `login`"}, {})
        return self


class SignInOut(Out):
    """Person who has signed in. A session ends when the revision of the person is higher."""

    person_id: str
    name: str
    session_revision: int


class SignOutOut(Out):
    """Revision of new sessions; those of earlier ones are over."""

    session_revision: int
