"""Properties and examples of the risk score by rules."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropout_service.domain.enums import DropoutType, RiskLevel, risk_level
from dropout_service.domain.rules.features import Features
from dropout_service.domain.rules.indicators import Measurement, ramp
from dropout_service.domain.rules.risk import INDICATORS, Assessment, assess, missing_for_assessment
from tests.support.features import ABSENT, HEALTHY, features

# Direction in which each feature becomes worse: +1 if a higher value is worse.
WORSE = {
    "days_since_activity": 1,
    "events_per_week_recent": -1,
    "answers_per_week_recent": -1,
    "velocity_recent": -1,
    "session_minutes_recent": -1,
    "longest_gap_days": 1,
    "gap_growth": 1,
    "gap_variation": 1,
    "success_share_recent": -1,
    "mark_share_recent": -1,
    "plateau_days": 1,
    "attempts_per_question": 1,
    "hints_per_answer_recent": 1,
    "answer_stability": -1,
}


def sum_of_contributions(assessment: Assessment) -> float:
    return sum(found.contribution for found in (*assessment.primary, *assessment.secondary))


@settings(max_examples=50)
@given(features())
def test_the_score_is_a_share_and_the_sum_of_its_parts(seen: Features) -> None:
    assessment = assess(seen)

    assert 0 <= assessment.risk_score <= 1
    assert 0 < assessment.confidence <= 1 or not measured(seen)
    assert assessment.risk_score == pytest.approx(sum_of_contributions(assessment), abs=1e-9)
    assert assessment.risk_score == pytest.approx(sum(assessment.parts.values()), abs=1e-9)
    assert assessment.risk_level is risk_level(assessment.risk_score)
    index = assessment.momentum_index
    assert index is None or 0 <= index <= 100


def measured(seen: Features) -> list[str]:
    return [
        indicator.name
        for indicator in INDICATORS
        if isinstance(indicator.measure(seen), Measurement)
    ]


@pytest.mark.parametrize("name", WORSE)
@settings(max_examples=20)
@given(st.data())
def test_a_worse_indicator_never_lowers_the_risk(name: str, data: st.DataObject) -> None:
    seen = data.draw(features())
    value = getattr(seen, name)
    if value is None:
        return
    by = data.draw(st.integers(0, 50)) * (1 if isinstance(value, int) else 0.1) * WORSE[name]
    is_share = "share" in name or name == "answer_stability"
    worse = max(0, min(1, value + by)) if is_share else max(0, value + by)

    assert assess(seen).risk_score <= assess(replace(seen, **{name: worse})).risk_score + 1e-12


@settings(max_examples=50)
@given(features())
def test_the_type_agrees_with_the_largest_part(seen: Features) -> None:
    assessment = assess(seen)

    if assessment.risk_level is RiskLevel.LOW:
        assert assessment.dropout_type is DropoutType.NO_DROPOUT
        assert not assessment.recommendations
        return
    assert assessment.parts[assessment.dropout_type] == max(assessment.parts.values())
    assert assessment.recommendations
    assert {found.part for found in assessment.primary} == {assessment.dropout_type}
    assert assessment.dropout_type not in {found.part for found in assessment.secondary}


@settings(max_examples=50)
@given(features())
def test_every_indicator_is_measured_or_has_a_reason(seen: Features) -> None:
    missing = {found.name for found in assess(seen).missing}

    assert missing.isdisjoint(measured(seen))
    assert missing | set(measured(seen)) == {indicator.name for indicator in INDICATORS}


def test_a_healthy_student_has_no_risk() -> None:
    assessment = assess(HEALTHY)

    assert assessment.risk_score == 0
    assert assessment.dropout_type is DropoutType.NO_DROPOUT
    assert assessment.primary == ()
    assert assessment.momentum_index == 100


@pytest.mark.parametrize(
    ("changes", "kind", "main"),
    [
        ({"days_since_activity": 28.0}, DropoutType.ENGAGEMENT, "days_since_activity"),
        ({"mark_share_recent": 0.1}, DropoutType.COGNITIVE, "mark_share"),
        (
            {"longest_gap_days": 28, "gap_variation": 2.5},
            DropoutType.BEHAVIORAL,
            "longest_gap_days",
        ),
        (
            {"answers_per_week_recent": 0.0, "velocity_recent": 0.0},
            DropoutType.SILENT,
            "output_fall",
        ),
    ],
)
def test_each_type_has_its_own_indicators(
    changes: dict[str, Any], kind: DropoutType, main: str
) -> None:
    assessment = assess(replace(HEALTHY, **changes))

    assert assessment.dropout_type is kind
    assert assessment.primary[0].name == main
    advice = {indicator.name: indicator.advice for indicator in INDICATORS}
    assert assessment.recommendations[0] == advice[main]


def test_an_absent_student_is_not_of_type_silent() -> None:
    away = replace(
        HEALTHY, active_days_per_week_recent=0.5, answers_per_week_recent=0.0, velocity_recent=0.0
    )

    reasons = {found.name: found.reason for found in assess(away).missing}
    assert "active on fewer than two" in reasons["output_fall"]
    assert assess(away).parts[DropoutType.SILENT] == 0


def test_the_documented_example() -> None:
    seen = replace(HEALTHY, days_since_activity=16.5, mark_share_recent=0.35, mark_share_before=0.7)

    assessment = assess(seen)

    # days_since_activity 0.75 x 0.5, mark_share 0.5 x 0.5, mark_fall 0.4 x 0.625
    assert assessment.risk_score == pytest.approx(1 - 0.625 * 0.75 * 0.75)
    assert assessment.risk_level is RiskLevel.HIGH
    assert assessment.dropout_type is DropoutType.COGNITIVE
    named = {found.name: found for found in (*assessment.primary, *assessment.secondary)}
    assert named["mark_share"].contribution == pytest.approx(0.1784, abs=1e-4)
    assert named["days_since_activity"].contribution == pytest.approx(0.2915, abs=1e-4)


def test_a_student_without_data_is_not_assessable() -> None:
    assert "no event" in (missing_for_assessment(ABSENT) or "")
    with pytest.raises(ValueError, match="no event"):
        assess(ABSENT)


@pytest.mark.parametrize(
    "enough", [{"known_for_days": 14.0}, {"mark_count": 2}, {"graded_recent": 5}]
)
def test_a_new_student_is_not_assessable_without_enough_data(enough: dict[str, Any]) -> None:
    new = replace(ABSENT, known_for_days=13.9, mark_count=1, graded_recent=4)

    missing = missing_for_assessment(new)

    assert missing is not None
    assert "13.9 days" in missing
    assert missing_for_assessment(replace(new, **enough)) is None


def test_missing_events_do_not_count_as_zero() -> None:
    only_marks = replace(
        ABSENT, known_for_days=60.0, mark_count=3, mark_share_recent=0.8, days_since_mark=20.0
    )

    assessment = assess(only_marks)

    assert assessment.risk_score == 0
    reasons = {found.name: found.reason for found in assessment.missing}
    assert "missing is not zero" in reasons["days_since_activity"]
    assert assessment.confidence < 0.3


def test_no_indicator_alone_can_reach_a_risk_of_one() -> None:
    assert all(0 < indicator.weight < 1 for indicator in INDICATORS)
    assert all(indicator.start < indicator.full for indicator in INDICATORS)
    assert len({indicator.name for indicator in INDICATORS}) == len(INDICATORS)


@pytest.mark.parametrize(("value", "share"), [(4, 0), (5, 0), (10, 0.5), (15, 1), (16, 1)])
def test_a_ramp_rises_from_its_start_to_its_end(value: float, share: float) -> None:
    assert ramp(value, 5, 15) == share


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
def test_a_score_out_of_range_has_no_level(score: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        risk_level(score)
