"""Properties of the threshold rules for events."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring_service.domain.rules import (
    THRESHOLDS,
    HealthStatus,
    Threshold,
    judge,
    status_of,
)

values = st.floats(0, 1e6)


@pytest.mark.parametrize("threshold", THRESHOLDS, ids=lambda threshold: threshold.name)
class TestThreshold:
    """Properties of every threshold."""

    def test_a_value_below_the_warning_is_normal(self, threshold: Threshold) -> None:
        assert judge({threshold.metric: threshold.warning * 0.999}).status is HealthStatus.NORMAL

    def test_the_warning_begins_at_its_value(self, threshold: Threshold) -> None:
        verdict = judge({threshold.metric: threshold.warning})

        assert (verdict.status, verdict.severity) == (HealthStatus.WARNING, 0.5)

    def test_the_critical_status_begins_at_its_value(self, threshold: Threshold) -> None:
        assert judge({threshold.metric: threshold.critical}).status is HealthStatus.CRITICAL

    @given(one=values, other=values)
    def test_a_higher_value_is_never_less_severe(
        self, threshold: Threshold, one: float, other: float
    ) -> None:
        lower, higher = sorted((one, other))

        before = judge({threshold.metric: lower}).severity
        after = judge({threshold.metric: higher}).severity

        assert 0 <= before <= after <= 1

    @pytest.mark.parametrize("value", [None, "9999999", True, [9999999], {}])
    def test_a_value_that_is_no_number_is_ignored(
        self, threshold: Threshold, value: object
    ) -> None:
        assert judge({threshold.metric: value}).findings == ()


def test_the_reasoning_names_the_value_and_the_limit() -> None:
    verdict = judge({"error_rate": 0.125})

    assert verdict.reasoning == "error_rate is 0.125, the limit is 0.05."


@given(values, values)
def test_the_most_severe_finding_is_first_and_sets_the_severity(time: float, rate: float) -> None:
    verdict = judge({"response_time": time, "error_rate": rate})
    severities = [finding.severity for finding in verdict.findings]

    assert severities == sorted(severities, reverse=True)
    assert verdict.severity == max(severities, default=0)
    assert verdict.status is status_of(verdict.severity)
