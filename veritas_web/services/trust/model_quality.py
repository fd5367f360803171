"""Calls of dropout about the learned models and the feedback on them."""

from veritas_web.services.rest import Caller, RestClient, Result, segment


class ModelQuality:
    """Models, their evaluation and weeks, and counts of feedback, for one caller."""

    def __init__(self, client: RestClient, caller: Caller) -> None:
        self._client = client
        self._caller = caller

    async def models(self, *, after: str | None = None, limit: int = 100) -> Result:
        """Return a page of the learned models by id."""
        return await self._client.get("/models", self._caller, {"after": after, "limit": limit})

    async def evaluation(self, version: str) -> Result:
        """Return the evaluation that was stored with a model."""
        return await self._client.get(f"/models/{segment(version)}/evaluation", self._caller)

    async def weeks(self, version: str, *, limit: int = 30) -> Result:
        """Return the weeks of a model against known outcomes, the latest first."""
        path = f"/models/{segment(version)}/weeks"
        return await self._client.get(path, self._caller, {"limit": limit})

    async def feedback_counts(self) -> Result:
        """Return the numbers of verdicts by type, sign and version."""
        return await self._client.get("/analytics/feedback", self._caller)
