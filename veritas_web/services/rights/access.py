"""Calls of staffstuddash about people, roles and keys."""

from collections.abc import Mapping, Sequence
from typing import Any

from veritas_web.services.rest import Caller, RestClient, Result, segment


class Access:
    """People, their access, roles and keys, for one caller."""

    def __init__(self, client: RestClient, caller: Caller) -> None:
        self._client = client
        self._caller = caller

    async def people(
        self, *, search: str | None = None, after: str | None = None, limit: int = 50
    ) -> Result:
        """Return members of staff by id, on wish those of a name."""
        params = {"search": search, "after": after, "limit": limit}
        return await self._client.get("/people", self._caller, params)

    async def named(self, person_ids: Sequence[str]) -> Result:
        """Return these members of staff, the ended ones included."""
        ids = ",".join(person_ids)
        params = {"id__in": ids, "include_ended": "true", "limit": max(1, len(person_ids))}
        return await self._client.get("/people", self._caller, params)

    async def staff(
        self, *, search: str | None = None, after: str | None = None, limit: int = 50
    ) -> Result:
        """Return members of staff with their access, classes and students."""
        params = {"search": search, "after": after, "limit": limit}
        return await self._client.get("/access", self._caller, params)

    async def person(self, person_id: str) -> Result:
        """Return a member of staff."""
        return await self._client.get(f"/people/{segment(person_id)}", self._caller)

    async def access(self, person_id: str) -> Result:
        """Return the access of a member of staff."""
        return await self._client.get(f"/people/{segment(person_id)}/access", self._caller)

    async def classes(self, person_id: str, *, limit: int = 25) -> Result:
        """Return the classes that a member of staff teaches today."""
        path = f"/people/{segment(person_id)}/classes"
        return await self._client.get(path, self._caller, {"limit": limit})

    async def give_role(self, person_id: str, role: str) -> Result:
        """Give a role, also after a revocation."""
        path = f"/people/{segment(person_id)}/access"
        return await self._client.send("PUT", path, self._caller, {"role": role})

    async def revoke(self, person_id: str) -> Result:
        """Revoke the access of a person."""
        path = f"/people/{segment(person_id)}/access"
        return await self._client.send("DELETE", path, self._caller)

    async def invite(self, person_id: str, days: int) -> Result:
        """Make the token of an invitation."""
        path = f"/people/{segment(person_id)}/invitations"
        return await self._client.send("POST", path, self._caller, {"days": days})

    async def revoke_invitation(self, person_id: str) -> Result:
        """Revoke the invitation of a person."""
        path = f"/people/{segment(person_id)}/invitations"
        return await self._client.send("DELETE", path, self._caller)

    async def roles(self) -> Result:
        """Return all roles."""
        return await self._client.get("/roles", self._caller)

    async def role(self, name: str) -> Result:
        """Return one role."""
        return await self._client.get(f"/roles/{segment(name)}", self._caller)

    async def put_role(self, name: str, body: Mapping[str, Any]) -> Result:
        """Store or replace a role of the school."""
        return await self._client.send("PUT", f"/roles/{segment(name)}", self._caller, body)

    async def delete_role(self, name: str) -> Result:
        """Delete a role of the school."""
        return await self._client.send("DELETE", f"/roles/{segment(name)}", self._caller)

    async def keys(self) -> Result:
        """Return all keys."""
        return await self._client.get("/keys", self._caller)

    async def add_key(self, body: Mapping[str, Any]) -> Result:
        """Make a key, which the answer shows."""
        return await self._client.send("POST", "/keys", self._caller, body)

    async def revoke_key(self, name: str) -> Result:
        """Revoke a key."""
        return await self._client.send("DELETE", f"/keys/{segment(name)}", self._caller)
