"""Trained models: exact contributions, known directions, and splits without shared students."""

from json import dumps, loads

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dropout_service.learning.model import RiskModel, Variant
from dropout_service.learning.module_intercepts import intercepts_of
from dropout_service.learning.rows import DIRECTIONS
from dropout_service.learning.splits import (
    MAX_FOLDS,
    calibration_splits,
    validation_splits,
)
from dropout_service.learning.training import TooFewEnrolments, train
from tests.support.oulad_fixtures.learned import ROWS, quietly, rows, trained


@pytest.fixture
def model() -> RiskModel:
    return trained().model


def test_base_and_contributions_add_up_to_the_log_odds(model: RiskModel) -> None:
    scores = model.scores(rows())

    summed = scores.base + sum(scores.contributions.values())
    odds = np.log(scores.probability / (1 - scores.probability))
    assert summed == pytest.approx(odds, abs=1e-9)
    assert scores.probability.std() > 0.05


def test_calibrated_margins_give_the_same_probability(model: RiskModel) -> None:
    plain = model.without_activity
    margins = plain.linear.margins(rows().matrix(plain.features))
    odds = plain.calibration(margins + intercepts_of(plain.module_intercepts, rows()["module"]))

    assert plain.scores(rows()).probability == pytest.approx(1 / (1 + np.exp(-odds)))


@pytest.mark.parametrize("feature", ["assessments_missed", "score_mean", "active_days_14"])
def test_removing_a_monotone_cause_lowers_the_risk(model: RiskModel, feature: str) -> None:
    before = model.scores(rows())
    best = 0.0 if DIRECTIONS[feature] == 1 else 1000.0
    better = np.where(np.isnan(rows()[feature]), np.nan, best)

    after = model.scores(rows().with_columns(**{feature: better}))

    assert (after.probability <= before.probability + 1e-12).all()
    is_reason = before.contributions[feature] > 0.1
    assert is_reason.any()
    assert (after.probability < before.probability)[is_reason].all()


def test_a_feature_that_only_identifies_the_course_is_not_used(model: RiskModel) -> None:
    more_due = rows().with_columns(assessments_due=np.full(ROWS, 9.0))

    assert (model.scores(more_due).probability == model.scores(rows()).probability).all()
    assert "assessments_due" not in model.scores(rows()).contributions


def test_each_row_is_scored_by_the_variant_for_its_data(model: RiskModel) -> None:
    scores = model.scores(rows())
    active = rows()["has_activity"]

    assert not scores.contributions["active_days_14"][~active].any()
    assert scores.contributions["active_days_14"][active].any()
    assert model.without_activity.scores(rows()).probability[~active] == pytest.approx(
        scores.probability[~active]
    )


def test_confidence_falls_with_unknown_features(model: RiskModel) -> None:
    known = model.scores(rows()).confidence
    unknown = rows().with_columns(score_mean=np.full(ROWS, np.nan))

    assert (model.scores(unknown).confidence < known).all()
    assert ((known > 0) & (known <= 1)).all()


def test_a_value_outside_the_training_range_counts_half_in_the_confidence(
    model: RiskModel,
) -> None:
    plain = model.without_activity
    known = plain.scores(rows()).confidence
    far = plain.scores(rows().with_columns(score_mean=np.full(ROWS, -1000.0)))
    unknown = plain.scores(rows().with_columns(score_mean=np.full(ROWS, np.nan)))
    lowest = plain.scores(rows().with_columns(score_mean=np.full(ROWS, 20.0)))

    assert far.confidence == pytest.approx((known + unknown.confidence) / 2)
    assert (far.confidence < known).all()
    # The mark is limited to the range of training, in which the lowest is above 20.
    assert far.probability == pytest.approx(lowest.probability)


def test_equal_values_are_no_reason_but_part_of_the_base(model: RiskModel) -> None:
    """Nobody has handed anything in: that says nothing about one of the students."""
    all_missed = rows().with_columns(assessments_missed=np.full(ROWS, 4.0))

    before, after = model.scores(rows()), model.scores(all_missed)

    assert after.contributions["assessments_missed"] == pytest.approx(0, abs=1e-9)
    assert (after.base > before.base).all()
    for course in np.unique(rows()["course"]):
        for day in (0, 28):
            chosen = (rows()["course"] == course) & (rows()["day"] == day)
            active = chosen & rows()["has_activity"]
            assert np.ptp(after.base[active]) == 0


def test_a_small_course_is_compared_with_the_training_rows(model: RiskModel) -> None:
    one = rows().where(np.arange(ROWS) == np.argmax(rows()["assessments_missed"]))

    scores = model.scores(one)

    assert scores.contributions["assessments_missed"][0] > 0.1


@given(
    active=st.lists(st.integers(0, 14), min_size=12, max_size=20),
    day=st.integers(0, 60),
)
def test_silence_where_activity_is_known_never_lowers_a_risk(active: list[int], day: int) -> None:
    """Beside the same student with any activity, and beside the course."""
    count = len(active)
    some = rows().where(np.arange(ROWS) < count)
    course = some.with_columns(
        course=np.full(count, "AAA-2013B"),
        module=np.full(count, "AAA"),
        day=np.full(count, float(day)),
        has_activity=np.ones(count, dtype=bool),
        active_days_14=np.array([0.0, *active[1:]]),
    )
    moved = course.with_columns(active_days_14=np.array([float(active[0]), *active[1:]]))

    silent, other = (trained().model.scores(one) for one in (course, moved))

    assert silent.contributions["active_days_14"][0] >= -1e-12
    assert silent.probability[0] >= other.probability[0] - 1e-12


def test_a_module_intercept_moves_the_base_and_no_contribution(model: RiskModel) -> None:
    plain = model.without_activity
    assert plain.module_intercepts.keys() == {"AAA", "BBB"}
    known = plain.scores(rows())
    unseen = plain.scores(rows().with_columns(module=np.full(ROWS, "ZZZ")))

    added = plain.calibration.slope * np.array(
        [plain.module_intercepts[name] for name in rows()["module"]]
    )
    assert known.base - unseen.base == pytest.approx(added)
    assert added.std() > 0.02
    for feature, parts in known.contributions.items():
        assert parts == pytest.approx(unseen.contributions[feature]), feature


@pytest.mark.parametrize("lacks", ["linear", "course_level", "weights"])
def test_a_stored_model_in_another_form_is_rejected(model: RiskModel, lacks: str) -> None:
    stored = model.without_activity.as_json()
    del stored[lacks]

    with pytest.raises(KeyError, match=lacks):
        Variant.from_json(stored)


def test_a_stored_model_of_trees_is_rejected(model: RiskModel) -> None:
    """Models of earlier releases have regressions without a training range."""
    stored = model.without_activity.as_json()
    stored |= {"start_share": 0.5, "course_level": {}}
    stored["linear"] = [
        {name: day[name] for name in ("day", "base", "slopes", "at_zero", "if_unknown")}
        for day in stored["linear"]
    ]

    with pytest.raises(KeyError, match="lowest"):
        Variant.from_json(stored)


def test_a_stored_model_with_a_removed_feature_is_rejected(model: RiskModel) -> None:
    stored = model.without_activity.as_json()
    stored["features"] = [*stored["features"][1:], "shoe_size"]

    with pytest.raises(KeyError, match="shoe_size"):
        Variant.from_json(stored)


def test_the_text_form_restores_a_model_exactly(model: RiskModel) -> None:
    plain = model.without_activity
    stored = loads(dumps(plain.as_json()))
    restored = Variant.from_json(stored)

    assert (restored.scores(rows()).probability == plain.scores(rows()).probability).all()


def test_the_text_form_has_the_names_that_stored_models_have(model: RiskModel) -> None:
    stored = model.without_activity.as_json()

    assert stored.keys() == {
        "features",
        "calibration",
        "weights",
        "levels",
        "linear",
        "course_level",
    }
    assert stored["calibration"].keys() == {"slope", "intercept"}
    assert {frozenset(day) for day in stored["linear"]} == {
        frozenset({"day", "base", "slopes", "at_zero", "if_unknown", "lowest", "highest"})
    }


def test_the_same_rows_give_the_same_model() -> None:
    few = rows().where(np.arange(ROWS) < 300)
    one, other = (train(few, quietly).without_activity.variant for _ in range(2))

    assert one.as_json() == other.as_json()


def test_no_student_is_on_both_sides_of_a_split() -> None:
    everybody = np.ones(ROWS, dtype=bool)
    splits = [*validation_splits(rows(), everybody), *calibration_splits(rows(), everybody)]

    assert len(splits) >= 4
    for split in splits:
        training, held_out = (
            set(rows()["student_id"][side]) for side in (split.training, split.held_out)
        )
        assert held_out
        assert not training & held_out


def test_many_courses_are_held_out_several_at_a_time() -> None:
    course = np.array([f"c{int(id_[1:]) % 60}" for id_ in rows()["student_id"]])
    many = rows().with_columns(course=course)

    splits = calibration_splits(many, np.ones(ROWS, dtype=bool))

    assert len(splits) == MAX_FOLDS
    assert (np.sum([split.held_out for split in splits], axis=0) == 1).all()


def test_without_activity_there_is_one_variant() -> None:
    few_inactive = rows(active_share=0.0).where(np.arange(ROWS) < 300)
    assert train(few_inactive, quietly).with_activity is None


def test_too_few_enrolments_of_one_outcome_are_rejected() -> None:
    stayed = rows().where(rows()["label"] == 0)
    with pytest.raises(TooFewEnrolments, match="20 enrolments"):
        train(stayed, quietly)
