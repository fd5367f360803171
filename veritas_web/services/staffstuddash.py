"""Calls of staffstuddash that pages make."""

from collections.abc import Sequence

from veritas_web.services.rest import Caller, RestClient, Result


class Staffstuddash:
    """Students, roster, marks, drafts and actions, for one caller."""

    def __init__(self, client: RestClient, caller: Caller) -> None:
        self._client = client
        self._caller = caller

    async def me(self) -> Result:
        """Return the caller: name, kind, permissions."""
        return await self._client.get("/me", self._caller)

    async def students_of_course(
        self,
        course: str,
        *,
        student_ids: Sequence[str] | None = None,
        search: str | None = None,
        limit: int = 100,
    ) -> Result:
        """Return rows of the teacher's dashboard: names, marks, last actions."""
        params = {
            "course": course,
            "student_id__in": ",".join(student_ids) if student_ids else None,
            "search": search,
            "limit": limit,
        }
        return await self._client.get("/dashboard/teacher", self._caller, params)
