"""Quality: the model or the rules in use, and how far their places held."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from shared_web.principals import Permission
from veritas_web.dependencies import STAFF, CurrentServices, allowed
from veritas_web.domain.reasons import topic_of
from veritas_web.domain.trust.frequencies import frequency, of_whole
from veritas_web.domain.trust.quality import (
    ATTRIBUTES,
    GROUPS,
    LEVELS,
    OUTCOMES,
    calibration_of,
    day_of,
    direction,
    groups_of,
    verdict_rows,
    week_chart,
)
from veritas_web.domain.write_down import VERDICTS
from veritas_web.pages import page
from veritas_web.services.all import Services
from veritas_web.services.rest import Refused
from veritas_web.services.results import optional

router = APIRouter(dependencies=[STAFF, allowed(Permission.PREDICTIONS_READ)])

_TOO_SMALL = "group-too-small"
# Pages of a hundred models each; a school has a few.
_MOST_PAGES = 5


@router.get("/quality")
async def get_quality(
    request: Request,
    services: CurrentServices,
    day: Annotated[int | None, Query(ge=0, le=10_000)] = None,
) -> Response:
    """Return the quality of the model in use, at the end of a day of the course."""
    (is_known, model), counted = await asyncio.gather(
        _active(services), services.quality.feedback_counts()
    )
    context = {
        "is_known": is_known,
        "model": model,
        "outcomes": OUTCOMES,
        "frequency": frequency,
        "of_whole": of_whole,
        **_feedback(counted),
        **(await _evaluated(services, model["id"], day) if model else _NOTHING),
    }
    return page(request, "trust/quality.html", context)


_NOTHING: dict[str, Any] = {"evaluation": None, "weeks": None}


async def _active(services: Services) -> tuple[bool, dict[str, Any] | None]:
    """Return the active model; the flag is False if it is not known now."""
    after: str | None = None
    for _ in range(_MOST_PAGES):
        found = optional(await services.quality.models(after=after))
        if found is None:
            return False, None
        active = next((one for one in found["items"] if one["is_active"]), None)
        after = found["next"]
        if active is not None or after is None:
            return True, active
    return False, None


async def _evaluated(services: Services, version: str, wanted: int | None) -> dict[str, Any]:
    evaluation, weeks = map(
        optional,
        await asyncio.gather(services.quality.evaluation(version), services.quality.weeks(version)),
    )
    days = (evaluation["days"] or []) if evaluation else []
    shown = day_of(days, wanted)
    return {
        "evaluation": evaluation,
        "days": [one["day"] for one in days],
        "shown": shown,
        "calibration": calibration_of(shown["bins"]) if shown and shown["bins"] else None,
        "groups": groups_of(shown["gaps"]) if shown else [],
        "attributes": ATTRIBUTES,
        "group_names": GROUPS,
        "comparison": _compared(evaluation["comparison"]) if evaluation else None,
        "weeks": weeks and weeks["items"],
        "week_chart": week_chart(weeks["items"]) if weeks else None,
        "levels": LEVELS,
    }


def _compared(comparison: dict[str, Any] | None) -> dict[str, Any] | None:
    if comparison is None:
        return None
    return {
        **comparison,
        "order": direction(comparison["roc_auc"], is_more_better=True),
        "chances": direction(comparison["brier"], is_more_better=False),
    }


def _feedback(counted: Any) -> dict[str, Any]:
    found = optional(counted)
    return {
        "has_few": isinstance(counted, Refused) and counted.slug == _TOO_SMALL,
        "feedback": found,
        "by_sign": verdict_rows(found["by_sign"]) if found else [],
        "by_version": verdict_rows(found["by_version"]) if found else [],
        "verdicts": VERDICTS,
        "topic_of": topic_of,
    }
