"""The laws of the risk score."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropout_service.domain.kinds import DropoutType, RiskLevel, risk_level
from dropout_service.domain.risk import Signs, assess, missing_for_assessment
from tests.factories import NOON, days

silences = st.floats(0, 400)
shares = st.none() | st.floats(0, 1)
counts = st.integers(0, 50)


def signs(silent_days: float, share: float | None, count: int) -> Signs:
    return Signs(NOON - days(silent_days), share, count)


@given(silences, shares, counts)
def test_the_score_is_a_share_and_the_sum_of_its_parts(
    silent_days: float, share: float | None, count: int
) -> None:
    assessment = assess(signs(silent_days, share, count), NOON)

    assert 0 <= assessment.risk_score <= 1
    parts = sum(indicator.contribution for indicator in assessment.indicators)
    assert assessment.risk_score == pytest.approx(parts)
    assert assessment.risk_level is risk_level(assessment.risk_score)


@given(silences, silences, shares, counts)
def test_longer_silence_never_lowers_the_score(
    one: float, other: float, share: float | None, count: int
) -> None:
    shorter, longer = sorted((one, other))

    assert (
        assess(signs(shorter, share, count), NOON).risk_score
        <= assess(signs(longer, share, count), NOON).risk_score
    )


@given(silences, st.floats(0, 1), st.floats(0, 1), st.integers(2, 50))
def test_better_results_never_raise_the_score(
    silent_days: float, one: float, other: float, count: int
) -> None:
    worse, better = sorted((one, other))

    assert (
        assess(signs(silent_days, better, count), NOON).risk_score
        <= assess(signs(silent_days, worse, count), NOON).risk_score
    )


@given(silences, shares, counts)
def test_the_type_agrees_with_the_largest_part(
    silent_days: float, share: float | None, count: int
) -> None:
    assessment = assess(signs(silent_days, share, count), NOON)
    largest = max(assessment.indicators, key=lambda indicator: indicator.contribution)

    assert assessment.indicators[0].contribution == largest.contribution
    if assessment.risk_level is RiskLevel.LOW:
        assert assessment.dropout_type is DropoutType.NO_DROPOUT
        assert not assessment.recommendations
    else:
        by_sign = {
            "days_since_activity": DropoutType.ENGAGEMENT,
            "success_share": DropoutType.COGNITIVE,
        }
        assert assessment.dropout_type is by_sign[assessment.indicators[0].name]
        assert assessment.recommendations


@pytest.mark.parametrize("count", [0, 1])
def test_one_result_is_too_little_to_speak_of_success(count: int) -> None:
    assessment = assess(signs(14, 0.0, count), NOON)

    assert assessment.risk_score == pytest.approx(0.5)
    assert assessment.confidence == 0.5


@pytest.mark.parametrize(
    ("score", "level"),
    [
        (0, RiskLevel.LOW),
        (0.2999, RiskLevel.LOW),
        (0.3, RiskLevel.MEDIUM),
        (0.6, RiskLevel.HIGH),
        (0.8, RiskLevel.CRITICAL),
        (1, RiskLevel.CRITICAL),
    ],
)
def test_a_level_begins_at_its_bound(score: float, level: RiskLevel) -> None:
    assert risk_level(score) is level


@pytest.mark.parametrize("score", [-0.1, 1.1, float("nan")])
def test_what_is_no_share_has_no_level(score: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        risk_level(score)


def test_nothing_known_is_not_assessable() -> None:
    nothing = Signs(None, None, 0)

    assert missing_for_assessment(nothing)
    with pytest.raises(ValueError, match="activity"):
        assess(nothing, NOON)


def test_an_activity_after_the_instant_is_an_error() -> None:
    with pytest.raises(ValueError, match="at or before"):
        assess(signs(0, None, 0), NOON - timedelta(seconds=1))
