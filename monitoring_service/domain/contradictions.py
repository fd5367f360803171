"""Fields of an event that contradict each other, and the level that the source gives it."""

from collections.abc import Iterator, Mapping
from typing import Any

from monitoring_service.domain.findings import CRITICAL_SEVERITY, WARNING_SEVERITY, Finding
from monitoring_service.domain.output_checks import claims_success

SUCCESS_WITH_ERROR = 0.8
FAILURE_CALLED_SUCCESS = 0.8
ERROR_SEVERITY = 0.8
# Names of syslog (RFC 5424), java.util.logging and the usual libraries.
LEVELS = {
    "warning": WARNING_SEVERITY,
    "warn": WARNING_SEVERITY,
    "error": ERROR_SEVERITY,
    "err": ERROR_SEVERITY,
    "severe": ERROR_SEVERITY,
    "critical": CRITICAL_SEVERITY,
    "crit": CRITICAL_SEVERITY,
    "fatal": CRITICAL_SEVERITY,
    "alert": CRITICAL_SEVERITY,
    "emergency": CRITICAL_SEVERITY,
    "emerg": CRITICAL_SEVERITY,
    "panic": CRITICAL_SEVERITY,
}
# Numbers of syslog, of which lower ones are worse, and of java.util.logging.
_NUMBERS = {
    0: "EMERGENCY",
    1: "ALERT",
    2: "CRITICAL",
    3: "ERROR",
    4: "WARNING",
    900: "WARNING",
    1000: "SEVERE",
}

_CODES = ("status", "status_code", "http_status")
_BODIES = ("body", "response")
_ERRORS = ("error", "errors", "exception")
_NO_ERROR = {"", "none", "null", "nil", "no", "false", "ok", "no error", "n/a", "-", "0"}
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
        if _is_error(data.get(name)):
            return name
    for outer in _BODIES:
        body = data.get(outer)
        if isinstance(body, Mapping):
            for name in _ERRORS:
                if _is_error(body.get(name)):
                    return f"{outer}.{name}"
    return None


def _is_error(value: object) -> bool:
    words = value.strip().lower() if isinstance(value, str) else None
    return bool(value) and words not in _NO_ERROR


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
    is_number = isinstance(level, int) and not isinstance(level, bool)
    name = str(_NUMBERS.get(level) if is_number else level).strip()  # type: ignore[call-overload] # an int
    severity = LEVELS.get(name.lower())
    if severity is not None:
        yield Finding(
            "reported_level",
            severity,
            f"The source itself calls it {name.upper()}.",
            "Look at the source's own log at this instant.",
        )
