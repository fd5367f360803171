"""Trained models: exact contributions, known directions, and splits without shared students."""

from json import dumps, loads

import numpy as np
import pytest

from dropout_service.learning.model import RiskModel, Variant
from dropout_service.learning.module_intercepts import intercepts_of
from dropout_service.learning.rows import DIRECTIONS
from dropout_service.learning.splits import calibration_splits, validation_splits
from dropout_service.learning.training import SearchGrid, TooFewEnrolments, train
from tests.support.oulad_fixtures.learned import ROWS, SMALL, quietly, rows, trained


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
    margins = plain.blend.margins(rows().matrix(plain.features))
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


def test_course_level_features_do_not_count_in_the_confidence(model: RiskModel) -> None:
    known = model.scores(rows())
    unknown = model.scores(rows().with_columns(leaving_log_odds=np.full(ROWS, np.nan)))

    assert known.contributions["leaving_log_odds"].std() > 0.05
    assert unknown.confidence == pytest.approx(known.confidence)


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


def test_a_stored_model_without_module_intercepts_still_predicts(model: RiskModel) -> None:
    plain = model.without_activity
    stored = plain.as_json()
    del stored["levels"]

    old = Variant.from_json(plain.blend.booster.text, stored)

    margins = plain.blend.margins(rows().matrix(plain.features))
    odds = plain.calibration(margins)
    assert old.scores(rows()).probability == pytest.approx(1 / (1 + np.exp(-odds)))


@pytest.mark.parametrize("lacks", ["linear", "start_share", "weights"])
def test_a_stored_model_in_another_form_is_rejected(model: RiskModel, lacks: str) -> None:
    stored = model.without_activity.as_json()
    del stored[lacks]

    with pytest.raises(KeyError, match=lacks):
        Variant.from_json(model.without_activity.blend.booster.text, stored)


def test_a_stored_model_with_a_removed_feature_is_rejected(model: RiskModel) -> None:
    stored = model.without_activity.as_json()
    stored["features"] = [*stored["features"][1:], "shoe_size"]

    with pytest.raises(KeyError, match="shoe_size"):
        Variant.from_json(model.without_activity.blend.booster.text, stored)


def test_the_text_form_restores_a_model_exactly(model: RiskModel) -> None:
    plain = model.without_activity
    stored = loads(dumps(plain.as_json()))
    restored = Variant.from_json(plain.blend.booster.text, stored)

    assert (restored.scores(rows()).probability == plain.scores(rows()).probability).all()


def test_the_text_form_has_the_names_of_the_first_release(model: RiskModel) -> None:
    stored = model.without_activity.as_json()

    assert stored.keys() == {
        "features",
        "calibration",
        "weights",
        "levels",
        "linear",
        "start_share",
    }
    assert stored["calibration"].keys() == {"slope", "intercept"}
    assert {frozenset(day) for day in stored["linear"]} == {
        frozenset({"day", "base", "slopes", "at_zero", "if_unknown"})
    }


def test_the_same_rows_give_the_same_model() -> None:
    few = rows().where(np.arange(ROWS) < 300)
    one, other = (train(few, quietly, SMALL).without_activity.variant for _ in range(2))

    assert one.blend.booster.text == other.blend.booster.text
    assert one.as_json() == other.as_json()


def test_trees_start_from_the_linear_model(model: RiskModel) -> None:
    blend = model.without_activity.blend
    matrix = rows().matrix(model.without_activity.features)

    added = blend.margins(matrix) - blend.linear.margins(matrix, 0.5)

    assert blend.share == 0.5
    assert added == pytest.approx(blend.booster.margins(matrix))
    # Trees without a start would first have to fit the base rate.
    base_rate = rows()["label"].mean()
    assert abs(added.mean()) < abs(np.log(base_rate / (1 - base_rate))) / 2


def test_the_linear_share_is_tuned() -> None:
    """A linear risk needs the linear model, a step in the risk needs trees alone."""
    random = np.random.default_rng(5)
    even = rows()["score_mean"].astype(np.float64)
    chances = {0.5: 1 / (1 + np.exp((even - even.mean()) / 6)), 0.0: 0.1 + 0.8 * (even < 65)}
    grid = SearchGrid(leaves=(8,), trees=(80,), shares=(0.0, 0.5))
    for share, chance in chances.items():
        labels = (random.random(ROWS) < chance).astype(np.float64)
        labelled = rows(active_share=0.0).with_columns(label=labels)
        assert train(labelled, quietly, grid).without_activity.variant.blend.share == share


def test_the_number_of_trees_is_tuned() -> None:
    """Many trees for a real relation, few trees for random labels."""
    grid = SearchGrid(leaves=(8,), trees=(5, 80), shares=(0.0,))
    shuffled = rows().with_columns(label=np.random.default_rng(1).permutation(rows()["label"]))

    found = [
        train(some, quietly, grid).without_activity.parameters["trees"]
        for some in (rows(), shuffled)
    ]

    assert found == [80, 5]


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


def test_without_activity_there_is_one_variant() -> None:
    few_inactive = rows(active_share=0.0).where(np.arange(ROWS) < 300)
    assert train(few_inactive, quietly, SMALL).with_activity is None


def test_too_few_enrolments_of_one_outcome_are_rejected() -> None:
    stayed = rows().where(rows()["label"] == 0)
    with pytest.raises(TooFewEnrolments, match="20 enrolments"):
        train(stayed, quietly)
