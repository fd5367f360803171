"""Check of the active model in `/health`, from the latest week that could be judged."""

from threading import Lock
from time import monotonic
from typing import Any

from dropout_service.database.model_quality.weeks import ModelWeekRepository
from dropout_service.domain.enrolments.week_quality import WeekLevel
from dropout_service.models import ModelWeek
from shared_db.errors import ServiceError

# The weeks change once in some hours, and a probe comes every few seconds.
FRESH_SECONDS = 60.0

Checks = dict[str, list[dict[str, Any]]]


class ModelQualityCheck:
    """Check `model:quality`: it warns of a bad week, and never fails.

    Probes within `fresh_seconds` get the same answer. While the database is unavailable, the last
    answer stays: the check of the database reports the outage.
    """

    def __init__(self, weeks: ModelWeekRepository, fresh_seconds: float = FRESH_SECONDS) -> None:
        self._weeks, self._fresh_seconds = weeks, fresh_seconds
        self._lock = Lock()
        self._checks: Checks = {}
        self._read_at: float | None = None

    def checks(self) -> Checks:
        """Return the check; nothing before a week of the active model was judged."""
        with self._lock:
            now = monotonic()
            if self._read_at is None or now - self._read_at >= self._fresh_seconds:
                self._read_at = now
                try:
                    week = self._weeks.get_latest_judged()
                except ServiceError:
                    return self._checks
                self._checks = {} if week is None else {"model:quality": [_check(week)]}
            return self._checks


def bad_week_text(week: ModelWeek) -> str | None:
    """Return a sentence about a week with a warning, and where to read on; else None."""
    if week.level is not WeekLevel.WARNING:
        return None
    return (
        f"the predictions of {week.version} in the week of {week.week} were bad: "
        f"{'; '.join(week.reasons)}. GET /api/v1/models/{week.version}/weeks has all weeks, "
        'docs/operations.md ("Training and predicting") the remedy'
    )


def _check(week: ModelWeek) -> dict[str, Any]:
    warning = bad_week_text(week)
    return {
        "componentType": "component",
        "componentId": week.version,
        "observedValue": week.level.value,
        "time": week.computed_at.isoformat(),
        "status": "warn" if warning else "pass",
        "output": warning or "",
    }
