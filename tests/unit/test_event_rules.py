"""Rules on events: outputs, contradictions, levels, and limits by source."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring_service.domain.contradictions import LEVELS
from monitoring_service.domain.findings import HealthStatus
from monitoring_service.domain.rules import judge
from monitoring_service.domain.thresholds import THRESHOLDS, Threshold, with_limits

SIMPLE = (
    st.none()
    | st.booleans()
    | st.integers(-9, 999)
    | st.floats(-1, 1e9)
    | st.text("aN{", max_size=4)
)
JSON = SIMPLE | st.lists(SIMPLE, max_size=2) | st.dictionaries(st.just("error"), SIMPLE)
READ_NAMES = st.sampled_from(
    [
        "status",
        "success",
        "result",
        "output",
        "response",
        "error",
        "body",
        "level",
        "completed",
        "processed",
        "total",
        "valid",
        "response_time",
        "error_rate",
        "status_code",
    ]
)
WORDS = st.sampled_from(["success", "completed", "null", "ERROR", "", 200, 500, 0, True, False])


def failed(**data: Any) -> list[str]:
    return [finding.rule for finding in judge(data).findings]


@pytest.mark.parametrize(
    ("data", "rules"),
    [
        ({"output": None}, ["null_output"]),
        ({"prediction": None, "response": None}, ["null_output", "null_output"]),
        ({"output": " NaN "}, ["invalid_output"]),
        ({"output": ""}, ["invalid_output"]),
        ({"response": "[object Object]"}, ["invalid_output"]),
        ({"valid": False}, ["invalid_output"]),
        ({"output": 0}, []),
        ({"output": []}, []),
        ({"output": "nothing null about it"}, []),
        ({}, []),
    ],
    ids=str,
)
def test_missing_and_invalid_outputs(data: dict[str, Any], rules: list[str]) -> None:
    assert failed(**data) == rules


@pytest.mark.parametrize(
    ("data", "rules"),
    [
        ({"success": True, "result": None}, ["success_without_result"]),
        ({"status": "Success", "result": []}, ["success_without_result"]),
        ({"status": "ok", "result": ""}, ["success_without_result"]),
        ({"success": True, "result": 0}, []),
        ({"success": True}, []),
        ({"success": False, "result": None}, ["null_output"]),
        ({"status": "completed", "processed": 0}, ["completed_with_nothing"]),
        ({"completed": True, "items_processed": 0, "total": 5}, ["completed_with_nothing"]),
        ({"completed": True, "items_processed": 0, "total": 0}, []),
        ({"status": "running", "processed": 0}, []),
        ({"status": "done", "processed": False}, []),
        ({"status": "done", "processed": 3}, []),
    ],
    ids=str,
)
def test_successes_without_a_result(data: dict[str, Any], rules: list[str]) -> None:
    assert failed(**data) == rules


@pytest.mark.parametrize(
    ("data", "rules"),
    [
        ({"status": 200, "error": "no such book"}, ["success_with_error"]),
        ({"status_code": 204, "body": {"error": {"code": 7}}}, ["success_with_error"]),
        ({"success": True, "exception": "KeyError"}, ["success_with_error"]),
        ({"status": 200, "error": None}, []),
        ({"status": 200, "body": {"error": ""}}, []),
        ({"status": 404, "error": "no such book"}, []),
        ({"status": 500, "success": True}, ["failure_called_success"]),
        ({"http_status": 503, "status": "ok"}, ["failure_called_success"]),
        ({"status": 500, "success": False}, []),
        ({"status": True, "error": "x"}, []),
        ({"level": "fatal"}, ["reported_level"]),
        ({"level": "INFO"}, []),
        ({"level": 6}, []),
        ({"level": 800}, []),
        ({"level": True}, []),
        ({"level": " Severe "}, ["reported_level"]),
        ({"status": 200, "error": "none"}, []),
        ({"status": 200, "error": "No Error", "body": {"errors": "null"}}, []),
        ({"status": 200, "error": "not found"}, ["success_with_error"]),
    ],
    ids=str,
)
def test_contradictions_and_levels(data: dict[str, Any], rules: list[str]) -> None:
    assert failed(**data) == rules


@pytest.mark.parametrize(
    ("number", "name"),
    [
        (0, "emerg"),
        (1, "alert"),
        (2, "crit"),
        (3, "err"),
        (4, "warning"),
        (900, "warning"),
        (1000, "severe"),
    ],
)
def test_a_number_of_syslog_or_java_is_its_level(number: int, name: str) -> None:
    assert judge({"level": number}).severity == LEVELS[name]


@pytest.mark.parametrize("level", LEVELS)
def test_a_reported_level_sets_the_severity(level: str) -> None:
    assert judge({"level": level}).severity == LEVELS[level]


def test_the_reasoning_names_the_values() -> None:
    verdict = judge({"status": 200, "body": {"error": "no such book"}, "latency": 1500})

    assert verdict.reasoning == (
        "body.error is set, but the status is 200. latency is 1500 ms, the limit is 500 ms."
    )
    assert (verdict.status, verdict.severity) == (HealthStatus.WARNING, 0.8)
    assert all(finding.suggestion for finding in verdict.findings)


@given(st.dictionaries(READ_NAMES, JSON | WORDS))
def test_any_data_have_a_verdict(data: dict[str, Any]) -> None:
    verdict = judge(data)

    assert 0 <= verdict.severity <= 1
    assert (verdict.severity == 0) is (verdict.findings == ())
    assert all(0.5 <= finding.severity <= 1 for finding in verdict.findings)


@given(st.dictionaries(READ_NAMES, JSON | WORDS), st.sampled_from(["cpu_usage", "queue"]))
def test_another_finding_never_lowers_the_severity(data: dict[str, Any], metric: str) -> None:
    thresholds = with_limits({"queue": (1, 2)})

    before = judge(data, thresholds).severity
    after = judge({**data, metric: 99}, thresholds).severity

    assert after >= before


def test_limits_replace_defaults_and_add_metrics() -> None:
    thresholds = {t.metric: t for t in with_limits({"latency": (10, 20), "queue": (5, 9)})}

    assert (thresholds["latency"].warning, thresholds["latency"].unit) == (10, "ms")
    assert thresholds["queue"].name == "queue_threshold"
    assert thresholds["cpu_usage"] in THRESHOLDS
    assert len(thresholds) == len(THRESHOLDS) + 1


@pytest.mark.parametrize(("warning", "critical"), [(1, 1), (float("nan"), 1)])
def test_limits_must_differ(warning: float, critical: float) -> None:
    with pytest.raises(ValueError, match="above"):
        Threshold("queue", warning, critical, "", "")


def test_a_default_metric_keeps_its_direction() -> None:
    with pytest.raises(ValueError, match=r"latency.*higher values are worse"):
        with_limits({"latency": (20, 10)})


FLOATS = st.floats(allow_nan=False, allow_infinity=False)


@given(FLOATS, FLOATS, FLOATS)
def test_any_limits_give_a_severity(warning: float, critical: float, value: float) -> None:
    if warning == critical:
        return
    verdict = judge({"queue": value}, with_limits({"queue": (warning, critical)}))
    at_limits = [
        judge({"queue": limit}, with_limits({"queue": (warning, critical)})).severity
        for limit in (warning, critical)
    ]

    assert at_limits == [0.5, 1]
    assert verdict.severity == 0 or 0.5 <= verdict.severity <= 1


@given(st.integers(-100, 100), st.integers(-100, 100), st.integers(-200, 200))
def test_lower_is_worse_mirrors_higher_is_worse(warning: int, critical: int, value: int) -> None:
    if warning == critical:
        return
    mirrored = judge({"queue": -value}, with_limits({"queue": (-warning, -critical)}))

    assert judge({"queue": value}, with_limits({"queue": (warning, critical)})).severity == (
        mirrored.severity
    )
