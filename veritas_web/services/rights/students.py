"""Calls about the rights of a student: reads, openings, holds and erasure."""

from veritas_web.services.rest import Caller, RestClient, Result, segment

# An erasure locks tables and deletes many rows, so it may take longer than other calls.
ERASURE_SECONDS = 30.0


class StudentRecords:
    """Record of a student in one service: its reads and erasure, for one caller."""

    def __init__(self, client: RestClient, caller: Caller) -> None:
        self._client = client
        self._caller = caller

    async def student(self, student_id: str) -> Result:
        """Return the record of a student."""
        return await self._client.get(_path(student_id), self._caller)

    async def reads(self, student_id: str, *, after: str | None = None, limit: int = 50) -> Result:
        """Return the reads of the data of a student, the latest first."""
        params = {"after": after, "limit": limit}
        return await self._client.get(f"{_path(student_id)}/reads", self._caller, params)

    async def erase(self, student_id: str) -> Result:
        """Erase a student for good; repeating it changes nothing."""
        return await self._client.send(
            "DELETE", _path(student_id), self._caller, seconds=ERASURE_SECONDS
        )


class StudentRights:
    """Openings and legal holds, for one caller."""

    def __init__(self, client: RestClient, caller: Caller) -> None:
        self._client = client
        self._caller = caller

    async def open(self, student_id: str, reason: str) -> Result:
        """Open a student outside of the sight of the caller."""
        path = f"{_path(student_id)}/break-glass"
        return await self._client.send("POST", path, self._caller, {"reason": reason})

    async def openings(self, *, after: str | None = None, limit: int = 50) -> Result:
        """Return all openings, the latest first."""
        params = {"after": after, "limit": limit}
        return await self._client.get("/break-glass", self._caller, params)

    async def acknowledge(self, opening_id: str) -> Result:
        """Note that the caller knows of an opening."""
        path = f"/break-glass/{segment(opening_id)}/acknowledge"
        return await self._client.send("POST", path, self._caller)

    async def end_opening(self, opening_id: str) -> Result:
        """End an opening at once."""
        return await self._client.send(
            "DELETE", f"/break-glass/{segment(opening_id)}", self._caller
        )

    async def hold(self, student_id: str) -> Result:
        """Return the legal hold of a student."""
        return await self._client.get(f"{_path(student_id)}/hold", self._caller)

    async def put_hold(self, student_id: str, reason: str) -> Result:
        """Hold a student, or replace the reason."""
        path = f"{_path(student_id)}/hold"
        return await self._client.send("PUT", path, self._caller, {"reason": reason})

    async def lift_hold(self, student_id: str) -> Result:
        """Lift the legal hold of a student."""
        return await self._client.send("DELETE", f"{_path(student_id)}/hold", self._caller)


def _path(student_id: str) -> str:
    return f"/students/{segment(student_id)}"
