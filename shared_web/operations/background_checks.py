"""Checks of background work in `/health`."""

from datetime import datetime
from typing import Any

from shared_db.background_work.state import BackgroundWork, WorkState
from shared_db.clock import utc_now


def background_checks(background: BackgroundWork) -> dict[str, list[dict[str, Any]]]:
    """Return a check for each background task of this process."""
    now = utc_now()
    return {f"background:{state.name}": [_check(state, now)] for state in background.states()}


def _check(state: WorkState, now: datetime) -> dict[str, Any]:
    warning = state.warning(now)
    return {
        "componentType": "system",
        "observedValue": state.age_seconds(now),
        "observedUnit": "s",
        "time": _instant(state.last_success_at),
        "durationSeconds": state.duration_seconds,
        "nextRun": _instant(state.next_run_at),
        "rows": state.rows,
        "failures": state.failures,
        "lastError": state.last_error,
        "lastErrorTime": _instant(state.last_error_at),
        "status": "warn" if warning else "pass",
        "output": warning or "",
    }


def _instant(instant: datetime | None) -> str | None:
    return instant.isoformat() if instant else None
