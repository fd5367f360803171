"""Fields of an event that contradict each other, and the level that the source gives it."""

from collections.abc import Iterator, Mapping
from typing import Any

from monitoring_service.domain.findings import CRITICAL_SEVERITY, WARNING_SEVERITY, Finding
from monitoring_service.domain.output_checks import claims_success

SUCCESS_WITH_ERROR = 0.8
FAILURE_CALLED_SUCCESS = 0.8
LEVELS = {
    "warning": WARNING_SEVERITY,
    "warn": WARNING_SEVERITY,
    "error": 0.8,
    "critical": CRITICAL_SEVERITY,
    "fatal": CRITICAL_SEVERITY,
}

_CODES = ("status", "status_code", "http_status")
_BODIES = ("body", "response")
_ERRORS = ("error", "errors", "exception")
# Most events have no such field and need no further check. A claimed success alone is no
# contradiction.
_READ_FIELDS = {*_CODES, *_BODIES, *_ERRORS, "level"}
_OK = range(200, 300)
_FAILED = range(500, 600)


def contradictions(data: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield findings for contradicting fields of an event, and for the level of its source."""
    if _READ_FIELDS.isdisjoint(data):
        return
    code = next((c for name in _CODES if (c := _code(data.get(name))) is not None), None)
    error = _error(data)
    if error is not None and (code in _OK or (code is None and claims_success(data))):
        yield _success_with_error(code, error)
    if code in _FAILED and claims_success(data):
        yield _failure_called_success(code)
    yield from _level(data.get("level"))


def _code(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _error(data: Mapping[str, Any]) -> str | None:
    """Return the name of the field that holds an error, or None."""
    for name in _ERRORS:
        if data.get(name):
            return name
    for outer in _BODIES:
        body = data.get(outer)
        if isinstance(body, Mapping):
            for name in _ERRORS:
                if body.get(name):
                    return f"{outer}.{name}"
    return None


def _success_with_error(code: int | None, error: str) -> Finding:
    said = "it calls itself a success" if code is None else f"the status is {code}"
    return Finding(
        "success_with_error",
        SUCCESS_WITH_ERROR,
        f"{error} is set, but {said}.",
        "Look at how errors are turned into the status: callers take this one for a success.",
    )


def _failure_called_success(code: int | None) -> Finding:
    return Finding(
        "failure_called_success",
        FAILURE_CALLED_SUCCESS,
        f"The status is {code}, but it calls itself a success.",
        "Look at where success is set: the failure comes after it.",
    )


def _level(level: object) -> Iterator[Finding]:
    severity = LEVELS.get(level.lower()) if isinstance(level, str) else None
    if severity is not None and isinstance(level, str):
        yield Finding(
            "reported_level",
            severity,
            f"The source itself calls it {level.upper()}.",
            "Look at the source's own log at this instant.",
        )
