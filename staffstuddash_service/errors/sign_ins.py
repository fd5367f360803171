"""Errors of invitations and sign-ins."""

from shared_db.errors import Gone, NotFound


class InvitationNotFound(NotFound):
    """Token of no invitation, or of one that was replaced or revoked."""

    slug = "invitation-not-found"
    title = "There is no such invitation"

    def __init__(self) -> None:
        super().__init__(
            "This invitation is not known, or a newer one replaced it. Ask for another one: "
            "`veritas people invite ID`."
        )


class InvitationOver(Gone):
    """Invitation that was used, or has expired."""

    slug = "invitation-over"
    title = "The invitation is over"

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"This invitation {reason}. Ask for another one: `veritas people invite ID`."
        )
