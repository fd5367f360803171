"""Calls of staffstuddash about the records of one student, as the student may make them, too."""

from collections.abc import Mapping
from typing import Any

from veritas_web.services.rest import Caller, RestClient, Result, segment


class OwnRecords:
    """Marks, steps, answers, reads and contacts of one student, for one caller."""

    def __init__(self, client: RestClient, caller: Caller) -> None:
        self._client = client
        self._caller = caller

    async def marks(self, student_id: str, *, limit: int = 100) -> Result:
        """Return the marks of a student, the latest first."""
        return await self._list(student_id, "assessments", limit)

    async def drafts(self, student_id: str, *, limit: int = 100) -> Result:
        """Return the drafts of a student, the latest first."""
        return await self._list(student_id, "drafts", limit)

    async def shown_actions(self, student_id: str, *, limit: int = 100) -> Result:
        """Return done interventions and answers, as the student sees them."""
        return await self._list(student_id, "shown-actions", limit)

    async def reads(self, student_id: str, *, limit: int = 100) -> Result:
        """Return the reads of the data of a student, the latest first."""
        return await self._list(student_id, "reads", limit)

    async def guardians(self, student_id: str) -> Result:
        """Return all guardians of a student."""
        return await self._client.get(_path(student_id, "guardians"), self._caller)

    async def identifiers(self, student_id: str) -> Result:
        """Return the accounts and ids of a student in other systems."""
        return await self._client.get(_path(student_id, "identifiers"), self._caller)

    async def add_answer(self, student_id: str, body: Mapping[str, Any], name: str) -> Result:
        """Store an answer of a student; name: by which it may be repeated."""
        path = _path(student_id, "answers")
        return await self._client.send("POST", path, self._caller, body, name=name)

    async def _list(self, student_id: str, name: str, limit: int) -> Result:
        return await self._client.get(_path(student_id, name), self._caller, {"limit": limit})


def _path(student_id: str, name: str) -> str:
    return f"/students/{segment(student_id)}/{name}"
