"""Query parameters that find a row by its identifier in another system."""

from typing import Annotated, NamedTuple

from fastapi import Depends, Query

from shared_web.problems import InvalidRequest
from shared_web.requests.fields import IdentifierValue, Label


class KnownElsewhere(NamedTuple):
    """Identifier in another system; system: its name, None: any."""

    value: str
    system: str | None


# async, so that it does not use a worker thread
async def _identifier(
    identifier: Annotated[
        IdentifierValue | None,
        Query(description="Only with this id, account or mailbox in another system; exact."),
    ] = None,
    system: Annotated[
        Label | None, Query(description="With `identifier`: only in this system.")
    ] = None,
) -> KnownElsewhere | None:
    if identifier is not None:
        return KnownElsewhere(identifier, system)
    if system is not None:
        raise InvalidRequest("`system` narrows `identifier`: give both, or leave `system` out.")
    return None


Identifier = Annotated[KnownElsewhere | None, Depends(_identifier)]
