"""Assessment of an enrolment from a model's output."""

from typing import Any

import pytest

from dropout_service.domain.enrolments.model_assessment import ModelOutput, assess_enrolment
from dropout_service.domain.enums import DropoutType, RiskLevel
from dropout_service.learning.rows import INPUTS


def output(contributions: dict[str, float], **changes: Any) -> ModelOutput:
    unknown = dict.fromkeys(INPUTS)
    known = {
        "day": 40.0,
        "assessments_due": 3.0,
        "assessments_missed": 2.0,
        "missed_last_two": 2.0,
        "score_mean": 40.0,
        "lowest_score": 30.0,
        "score_trend": -20.0,
        "credits": 120.0,
    }
    usual = {"score_mean": 70.0, "assessments_missed": 0.0, "credits": 60.0}
    values: dict[str, Any] = {
        "risk_score": 0.7,
        "base_log_odds": -1.5,
        "contributions": contributions,
        "values": {**unknown, **known},
        "medians": {**unknown, **usual},
        "rank": 3,
        "ranked": 100,
        "confidence": 0.8,
    }
    return ModelOutput(**{**values, **changes})


SIGNS = {"missed_last_two": 0.5, "assessments_missed": 0.4, "score_mean": 0.6, "credits": 1.0}


def test_the_type_has_the_largest_sum_of_contributions() -> None:
    found = assess_enrolment(output(SIGNS))

    assert (found.dropout_type, found.risk_level) == (DropoutType.SILENT, RiskLevel.HIGH)
    [missed] = found.primary
    assert missed.contribution == pytest.approx(0.9)
    assert missed.text == (
        "2 of 3 assessments due were missed, the last two among them (course: 0)."
    )
    assert missed.is_sign
    assert [reason.name for reason in found.secondary] == ["load", "marks"]
    assert found.secondary[1].text == (
        "The marks are 40 on average (course: 70), the lowest is 30."
    )
    assert (found.secondary[1].value, found.secondary[1].compared_with) == (40, 70)
    assert found.recommendations[0].startswith("Ask what keeps the student from handing in")


def test_reasons_add_up_to_the_contributions() -> None:
    contributions = {**SIGNS, "day": -0.3, "last_score": -0.2}
    found = assess_enrolment(output(contributions))

    summed = sum(reason.contribution for reason in (*found.primary, *found.secondary))
    assert summed + found.base_log_odds == pytest.approx(-1.5 + sum(contributions.values()))


def test_course_level_features_are_part_of_the_base() -> None:
    found = assess_enrolment(output({**SIGNS, "day": -0.3, "assessments_due": 0.2}))

    assert found.base_log_odds == pytest.approx(-1.6)
    assert {reason.name for reason in (*found.primary, *found.secondary)} == {
        "missed_work",
        "marks",
        "load",
    }


def test_circumstances_have_advice_but_no_type() -> None:
    found = assess_enrolment(output({"credits": 1.0, "score_mean": -0.5}))

    assert found.dropout_type is DropoutType.NO_DROPOUT
    assert found.primary == ()
    assert found.recommendations[0].startswith("Talk about the load")


def test_unknown_values_cause_no_type_and_no_advice() -> None:
    nothing_marked = {
        **output({}).values,
        "score_mean": None,
        "lowest_score": None,
        "score_trend": None,
    }
    found = assess_enrolment(output({"score_mean": 0.3}, values=nothing_marked))

    assert found.dropout_type is DropoutType.NO_DROPOUT
    assert found.recommendations == ()
    [reason] = found.secondary
    assert (reason.name, reason.contribution, reason.is_sign) == ("marks", 0.3, False)
    assert reason.text == "No mark is known yet."


def test_values_without_trouble_cause_no_advice() -> None:
    """The student has as much work done as is usual, and hands in before the due day."""
    values = {
        **output({}).values,
        "assessments_missed": 0.0,
        "weight_done_share": 0.3,
        "assessments_late": 0.0,
        "mean_lead_days": 33.0,
    }
    signs = {"weight_done_share": 0.2, "mean_lead_days": 0.3}

    found = assess_enrolment(output(signs, values=values, medians={**values}))
    behind = {**values, "weight_done_share": 0.5}

    assert found.dropout_type is DropoutType.NO_DROPOUT
    assert found.recommendations == ()
    assert [reason.name for reason in found.secondary] == ["late_work", "missed_work"]
    [advice] = assess_enrolment(output(signs, values=values, medians=behind)).recommendations
    assert advice.startswith("Ask what keeps the student from handing in")


@pytest.mark.parametrize(("raised", "is_sign"), [(0.1, True), (0.09, False)])
def test_a_small_contribution_is_no_sign(*, raised: float, is_sign: bool) -> None:
    found = assess_enrolment(output({"credits": 1.0, "score_mean": raised}))

    assert (found.dropout_type is DropoutType.COGNITIVE) == is_sign
    assert len(found.recommendations) == 1 + is_sign
    assert {reason.name for reason in (*found.primary, *found.secondary)} == {"load", "marks"}


@pytest.mark.parametrize(("rank", "is_seen"), [(10, True), (11, False)])
def test_at_a_low_level_only_the_highest_tenth_has_a_type(*, rank: int, is_seen: bool) -> None:
    found = assess_enrolment(output(SIGNS, risk_score=0.1, rank=rank))

    assert found.risk_level is RiskLevel.LOW
    assert (found.dropout_type is DropoutType.SILENT) == is_seen
    assert bool(found.recommendations) == is_seen


def test_topics_with_only_unknown_features_are_listed_as_missing() -> None:
    found = assess_enrolment(output({**SIGNS, "days_since_submission": 0.1}))

    assert "pause" in {missing.name for missing in found.missing}
    assert "marks" not in {missing.name for missing in found.missing}
    assert "recency" not in {missing.name for missing in found.missing}


@pytest.mark.parametrize(
    ("feature", "usual", "trouble"),
    [
        ("registration_lead_percentile", 0.5, 0.2),
        ("registration_lead_percentile", 0.0, 0.0),
        ("credits", 60.0, 90.0),
        ("previous_attempts", 0.0, 1.0),
        ("days_since_submission", 12.0, 20.0),
        ("days_since_activity", 1.0, 22.0),
        ("active_days_14", 6.0, 0.0),
        ("resource_types", 5.0, 2.0),
        ("answers_per_week_28", 3.0, 0.0),
        ("score_mean", 70.0, 69.0),
        ("score_trend", 0.0, -5.0),
    ],
)
def test_a_value_like_that_of_the_course_is_no_sign(
    feature: str, usual: float, trouble: float
) -> None:
    """Registration like the majority is no reason, even if it raises the risk."""
    nothing: dict[str, Any] = {**dict.fromkeys(INPUTS), "assessments_banked": 0.0}
    medians = {**nothing, feature: usual}
    for value, is_sign in ((usual, False), (trouble, trouble != usual)):
        values = {**nothing, feature: value}
        found = assess_enrolment(output({feature: 0.5}, values=values, medians=medians))
        [reason] = (*found.primary, *found.secondary)
        assert reason.is_sign == is_sign, (feature, value)
