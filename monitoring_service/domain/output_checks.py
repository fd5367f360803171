"""Missing or invalid outputs, and completed work without a result."""

from collections.abc import Iterator, Mapping
from typing import Any

from monitoring_service.domain.findings import Finding

NULL_OUTPUT = 0.6
INVALID_OUTPUT = 0.6
SUCCESS_WITHOUT_RESULT = 0.5
COMPLETED_WITH_NOTHING = 0.5

_OUTPUTS = ("output", "response", "prediction", "result")
_NO_VALUE = {"", "null", "none", "nil", "undefined", "nan", "[object object]"}
_VALIDITY = ("valid", "is_valid")
_SUCCESS_WORDS = {"success", "succeeded", "ok"}
_DONE_WORDS = {"completed", "complete", "done", "finished"}
_PROCESSED = ("processed", "processed_count", "items_processed", "records_processed")
_TO_DO = ("total", "expected", "items_total")
# Most events have no such field and need no further check; a number of processed items alone is no
# finding.
_READ_FIELDS = {*_OUTPUTS, *_VALIDITY, "status", "completed"}


def output_findings(data: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield findings for the outputs of an event."""
    if _READ_FIELDS.isdisjoint(data):
        return
    if claims_success(data) and "result" in data and _is_nothing(data["result"]):
        yield _success_without_result(data["result"])
    else:
        yield from _null_outputs(data)
    yield from _invalid_outputs(data)
    yield from _completed_with_nothing(data)


def claims_success(data: Mapping[str, Any]) -> bool:
    """Return True if the event claims a success."""
    return data.get("success") is True or _word(data.get("status")) in _SUCCESS_WORDS


def _is_nothing(value: object) -> bool:
    return value is None or (isinstance(value, str | list | dict) and not value)


def _word(value: object) -> str:
    return value.strip().lower() if isinstance(value, str) else "(no word)"


def _success_without_result(result: object) -> Finding:
    seen = "null" if result is None else "empty"
    return Finding(
        "success_without_result",
        SUCCESS_WITHOUT_RESULT,
        f"It calls itself a success, but result is {seen}.",
        "Look at what should have been the result, and why nothing noticed that it is missing.",
    )


def _null_outputs(data: Mapping[str, Any]) -> Iterator[Finding]:
    for name in _OUTPUTS:
        if name in data and data[name] is None:
            yield Finding(
                "null_output",
                NULL_OUTPUT,
                f"{name} is null.",
                f"Look at what makes {name}, and at its input.",
            )


def _invalid_outputs(data: Mapping[str, Any]) -> Iterator[Finding]:
    suggestion = "Look at where the value is turned into text or checked."
    for name in _OUTPUTS:
        is_result_of_success = name == "result" and claims_success(data) and data.get(name) == ""
        if _word(data.get(name)) in _NO_VALUE and not is_result_of_success:
            issue = f'{name} is the text "{data[name][:20]}", which is no value.'
            yield Finding("invalid_output", INVALID_OUTPUT, issue, suggestion)
    for name in _VALIDITY:
        if data.get(name) is False:
            yield Finding("invalid_output", INVALID_OUTPUT, f"{name} is false.", suggestion)


def _completed_with_nothing(data: Mapping[str, Any]) -> Iterator[Finding]:
    is_done = data.get("completed") is True or _word(data.get("status")) in _DONE_WORDS
    had_nothing_to_do = any(_is_zero(data.get(name)) for name in _TO_DO)
    for name in _PROCESSED:
        if is_done and _is_zero(data.get(name)) and not had_nothing_to_do:
            yield Finding(
                "completed_with_nothing",
                COMPLETED_WITH_NOTHING,
                f"It is completed, but {name} is 0.",
                "Look at whether there was anything to process, and at the filter before it.",
            )


def _is_zero(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == 0
