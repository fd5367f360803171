"""Calls of staffstuddash that pages make."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any
from urllib.parse import quote

from veritas_web.services.rest import Caller, RestClient, Result


class Staffstuddash:
    """Students, roster, marks, drafts and actions, for one caller."""

    def __init__(self, client: RestClient, caller: Caller) -> None:
        self._client = client
        self._caller = caller

    @property
    def reader(self) -> str | None:
        """Person in whose name the calls are made; None for a developer."""
        return self._caller.headers.get("Veritas-On-Behalf-Of")

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

    async def students(
        self,
        *,
        student_ids: Sequence[str] | None = None,
        search: str | None = None,
        after: str | None = None,
        limit: int = 100,
    ) -> Result:
        """Return students by id, on wish these only, or those of that name."""
        params = {
            "id__in": ",".join(student_ids) if student_ids else None,
            "search": search,
            "after": after,
            "limit": limit,
        }
        return await self._client.get("/students", self._caller, params)

    async def planned_actions(
        self, *, assigned_to: str | None, due_until: date, limit: int = 100
    ) -> Result:
        """Return planned actions by their day, on wish those of one person."""
        params = {
            "state": "planned",
            "assigned_to": assigned_to,
            "due_on__lte": due_until.isoformat(),
            "sort": "due_on",
            "limit": limit,
        }
        return await self._client.get("/actions", self._caller, params)

    async def change_action(self, action_id: str, change: Mapping[str, Any]) -> Result:
        """Mark an action as done or withdrawn, or change its plan."""
        path = f"/actions/{_part(action_id)}"
        return await self._client.send("PATCH", path, self._caller, change)

    async def followed_actions(self, *, course: str | None = None) -> Result:
        """Return what followed actions of the last year, beside similar students."""
        return await self._client.get("/analytics/actions", self._caller, {"course": course})

    async def drawn_orders(self, *, top: int, course: str | None = None) -> Result:
        """Return the effect of being drawn into the first places of a list."""
        params = {"top": top, "course": course}
        return await self._client.get("/analytics/orders", self._caller, params)

    async def student(self, student_id: str) -> Result:
        """Return the dashboard of one student."""
        return await self._client.get(f"/dashboard/student/{_part(student_id)}", self._caller)

    async def student_actions(self, student_id: str, *, limit: int = 50) -> Result:
        """Return the actions about a student, the latest first."""
        path = f"/students/{_part(student_id)}/actions"
        return await self._client.get(path, self._caller, {"limit": limit})

    async def drafts(self, student_id: str, *, limit: int = 20) -> Result:
        """Return the drafts of a student, the latest first."""
        path = f"/students/{_part(student_id)}/drafts"
        return await self._client.get(path, self._caller, {"limit": limit})

    async def get_class(self, class_id: str) -> Result:
        """Return a class of the roster."""
        return await self._client.get(f"/classes/{_part(class_id)}", self._caller)

    async def cohort(self, course: str | None = None) -> Result:
        """Return the figures of the students of a course or of all, with hints at material."""
        return await self._client.get("/dashboard/cohort", self._caller, {"course": course})

    async def action_weeks(self, *, weeks: int, timezone: str) -> Result:
        """Return the numbers of actions done and planned in each of the last weeks."""
        params = {"weeks": weeks, "timezone": timezone}
        return await self._client.get("/analytics/action-weeks", self._caller, params)

    async def people(self, *, limit: int = 200) -> Result:
        """Return members of staff by id."""
        return await self._client.get("/people", self._caller, {"limit": limit})

    async def add_action(self, student_id: str, body: Mapping[str, Any], name: str) -> Result:
        """Store an action about a student; name: by which it may be repeated."""
        path = f"/students/{_part(student_id)}/actions"
        return await self._client.send("POST", path, self._caller, body, name=name)


def _part(id_: str) -> str:
    return quote(id_, safe="")
