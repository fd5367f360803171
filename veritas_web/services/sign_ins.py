"""Calls of staffstuddash about sign-ins, which the pages make in their own name or a person's."""

from veritas_web.services.rest import Caller, RestClient, Result, segment


class SignIns:
    """Sign-ins and sign-outs, for one caller."""

    def __init__(self, client: RestClient, caller: Caller) -> None:
        self._client = client
        self._caller = caller

    async def redeem(self, invitation: str) -> Result:
        """Return the person of an invitation, which is used up."""
        return await self._client.send(
            "POST", "/sign-ins", self._caller, {"invitation": invitation}
        )

    async def find(self, login: str) -> Result:
        """Return the person of a login that was verified."""
        return await self._client.send("POST", "/sign-ins", self._caller, {"login": login})

    async def end_all(self, person_id: str) -> Result:
        """End all sessions of a person."""
        path = f"/people/{segment(person_id)}/sign-outs"
        return await self._client.send("POST", path, self._caller)

    async def staff(self) -> Result:
        """Return the first members of staff by id."""
        return await self._client.get("/people", self._caller, {"limit": 100})

    async def students(self) -> Result:
        """Return the first students by id."""
        return await self._client.get("/students", self._caller, {"limit": 3})
