"""Calls of dropout that pages make."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from veritas_web.services.rest import Caller, RestClient, Result


class Dropout:
    """Courses, places, reasons and feedback, for one caller."""

    def __init__(self, client: RestClient, caller: Caller) -> None:
        self._client = client
        self._caller = caller

    async def courses(self, *, after: str | None = None, limit: int = 100) -> Result:
        """Return a page of courses by id."""
        return await self._client.get("/courses", self._caller, {"after": after, "limit": limit})

    async def course_changes(self, course: str, *, top: int) -> Result:
        """Return students that entered, stayed in or left the first places within a week."""
        path = f"/courses/{_part(course)}/changes"
        return await self._client.get(path, self._caller, {"top": top})

    async def changes(
        self,
        *,
        top: int,
        courses: Sequence[str] | None = None,
        reasons: bool = False,
        after: str | None = None,
        limit: int = 100,
    ) -> Result:
        """Return the same for each course in the caller's sight, on wish for these only.

        reasons: with the main reasons of each student.
        """
        params = {
            "top": top,
            "course__in": _joined(courses),
            "reasons": "true" if reasons else None,
            "after": after,
            "limit": limit,
        }
        return await self._client.get("/changes", self._caller, params)

    async def weekly_activity(self, *, courses: Sequence[str], weeks: int) -> Result:
        """Return the numbers of active students of these courses by week."""
        params = {"course__in": _joined(courses), "weeks": weeks}
        return await self._client.get("/activity", self._caller, params)

    async def freshness(self, *, after: str | None = None, limit: int = 100) -> Result:
        """Return the last arrival of rows by kind, of a page of courses by id."""
        return await self._client.get("/freshness", self._caller, {"after": after, "limit": limit})

    async def course_risks(
        self,
        course: str,
        *,
        student_ids: Sequence[str] | None = None,
        history: int = 0,
        after: str | None = None,
        limit: int = 100,
    ) -> Result:
        """Return the brief rows of a course by place, on wish of these students only."""
        params = {
            "view": "brief",
            "student_id__in": _joined(student_ids),
            "history": history or None,
            "after": after,
            "limit": limit,
        }
        return await self._client.get(f"/courses/{_part(course)}/risks", self._caller, params)

    async def course_activity(
        self, course: str, *, student_ids: Sequence[str], weeks: int = 8
    ) -> Result:
        """Return active days by week and pieces of work of these students."""
        params = {"student_id__in": _joined(student_ids), "weeks": weeks}
        return await self._client.get(f"/courses/{_part(course)}/activity", self._caller, params)

    async def predictions(
        self, student_id: str, *, course: str | None = None, limit: int
    ) -> Result:
        """Return the predictions of a student, the latest first, on wish those in one course."""
        path = f"/students/{_part(student_id)}/predictions"
        return await self._client.get(path, self._caller, {"course": course, "limit": limit})

    async def activity(self, student_id: str, *, course: str | None) -> Result:
        """Return the active days of a student by week, beside the course."""
        path = f"/students/{_part(student_id)}/activity"
        return await self._client.get(path, self._caller, {"course": course})

    async def submissions(self, student_id: str, *, course: str | None) -> Result:
        """Return the work of a student with its state, by due day."""
        path = f"/students/{_part(student_id)}/submissions"
        return await self._client.get(path, self._caller, {"course": course})

    async def reads(self, student_id: str, *, limit: int = 100) -> Result:
        """Return the reads of the data of a student, the latest first."""
        path = f"/students/{_part(student_id)}/reads"
        return await self._client.get(path, self._caller, {"limit": limit})

    async def feedback(self, prediction_id: str) -> Result:
        """Return the verdicts on a prediction, the latest first."""
        path = f"/predictions/{_part(prediction_id)}/feedback"
        return await self._client.get(path, self._caller)

    async def add_feedback(self, prediction_id: str, body: Mapping[str, Any], name: str) -> Result:
        """Store a verdict on a prediction; name: by which it may be repeated."""
        path = f"/predictions/{_part(prediction_id)}/feedback"
        return await self._client.send("POST", path, self._caller, body, name=name)

    async def withdraw_feedback(self, prediction_id: str, feedback_id: str) -> Result:
        """Take a verdict back."""
        path = f"/predictions/{_part(prediction_id)}/feedback/{_part(feedback_id)}"
        return await self._client.send("DELETE", path, self._caller)


def _part(id_: str) -> str:
    return quote(id_, safe="")


def _joined(ids: Sequence[str] | None) -> str | None:
    return ",".join(ids) if ids else None
