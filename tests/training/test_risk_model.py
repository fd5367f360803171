"""A trained model: exact contributions, known directions, no student on both sides."""

from json import dumps, loads

import numpy as np
import pytest

from dropout_service.learning.features import DIRECTIONS
from dropout_service.learning.model import RiskModel, Variant
from dropout_service.learning.module_intercepts import levels_of
from dropout_service.learning.splits import calibration_splits, validation_splits
from dropout_service.learning.training import Search, TooLittleToLearn, train
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


def test_the_calibrated_booster_says_the_same_without_reasons(model: RiskModel) -> None:
    plain = model.without_activity
    margins = plain.blend.margins(rows().matrix(plain.features))
    odds = plain.calibration(margins + levels_of(plain.levels, rows()["module"]))

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


def test_what_tells_only_the_course_is_not_learned_from(model: RiskModel) -> None:
    more_due = rows().with_columns(assessments_due=np.full(ROWS, 9.0))

    assert (model.scores(more_due).probability == model.scores(rows()).probability).all()
    assert "assessments_due" not in model.scores(rows()).contributions


def test_each_is_judged_by_the_variant_that_its_data_allow(model: RiskModel) -> None:
    scores = model.scores(rows())
    active = rows()["has_activity"]

    assert not scores.contributions["active_days_14"][~active].any()
    assert scores.contributions["active_days_14"][active].any()
    assert model.without_activity.scores(rows()).probability[~active] == pytest.approx(
        scores.probability[~active]
    )


def test_confidence_falls_with_what_is_unknown(model: RiskModel) -> None:
    known = model.scores(rows()).confidence
    unknown = rows().with_columns(score_mean=np.full(ROWS, np.nan))

    assert (model.scores(unknown).confidence < known).all()
    assert ((known > 0) & (known <= 1)).all()


def test_how_many_leave_the_course_says_nothing_of_what_is_known(model: RiskModel) -> None:
    known = model.scores(rows())
    unknown = model.scores(rows().with_columns(leaving_log_odds=np.full(ROWS, np.nan)))

    assert known.contributions["leaving_log_odds"].std() > 0.05
    assert unknown.confidence == pytest.approx(known.confidence)


def test_how_many_leave_the_module_counts_for_all_of_it_alike(model: RiskModel) -> None:
    plain = model.without_activity
    assert plain.levels.keys() == {"AAA", "BBB"}
    known = plain.scores(rows())
    unseen = plain.scores(rows().with_columns(module=np.full(ROWS, "ZZZ")))

    added = plain.calibration.slope * np.array([plain.levels[name] for name in rows()["module"]])
    assert known.base - unseen.base == pytest.approx(added)
    assert added.std() > 0.02
    for feature, parts in known.contributions.items():
        assert parts == pytest.approx(unseen.contributions[feature]), feature


def test_a_model_of_before_levels_still_predicts(model: RiskModel) -> None:
    plain = model.without_activity
    told = plain.as_json()
    del told["levels"]

    old = Variant.of(plain.blend.booster.text, told)

    margins = plain.blend.margins(rows().matrix(plain.features))
    odds = plain.calibration(margins)
    assert old.scores(rows()).probability == pytest.approx(1 / (1 + np.exp(-odds)))


@pytest.mark.parametrize("lacks", ["linear", "start_share", "weights"])
def test_a_model_in_another_form_is_refused(model: RiskModel, lacks: str) -> None:
    told = model.without_activity.as_json()
    del told[lacks]

    with pytest.raises(KeyError, match=lacks):
        Variant.of(model.without_activity.blend.booster.text, told)


def test_a_model_of_features_that_are_no_more_is_refused(model: RiskModel) -> None:
    told = model.without_activity.as_json()
    told["features"] = [*told["features"][1:], "shoe_size"]

    with pytest.raises(KeyError, match="shoe_size"):
        Variant.of(model.without_activity.blend.booster.text, told)


def test_a_model_comes_back_from_its_text(model: RiskModel) -> None:
    plain = model.without_activity
    told = loads(dumps(plain.as_json()))
    again = Variant.of(plain.blend.booster.text, told)

    assert (again.scores(rows()).probability == plain.scores(rows()).probability).all()


def test_the_same_rows_give_the_same_model() -> None:
    few = rows().where(np.arange(ROWS) < 300)
    one, other = (train(few, quietly, SMALL).without_activity.variant for _ in range(2))

    assert one.blend.booster.text == other.blend.booster.text
    assert one.as_json() == other.as_json()


def test_trees_begin_where_the_lines_end(model: RiskModel) -> None:
    blend = model.without_activity.blend
    matrix = rows().matrix(model.without_activity.features)

    added = blend.margins(matrix) - blend.linear.margins(matrix, 0.5)

    assert blend.share == 0.5
    assert added == pytest.approx(blend.booster.margins(matrix))
    # Without a start of their own they would have to tell the base rate first.
    happened = rows()["happened"].mean()
    assert abs(added.mean()) < abs(np.log(happened / (1 - happened))) / 2


def test_lines_join_the_trees_only_where_that_ranks_better() -> None:
    """What rises evenly is better told by a line; what turns round, by trees alone."""
    random = np.random.default_rng(5)
    even = rows()["score_mean"].astype(np.float64)
    chances = {0.5: 1 / (1 + np.exp((even - even.mean()) / 6)), 0.0: 0.1 + 0.8 * (even < 65)}
    search = Search(leaves=(8,), trees=(80,), shares=(0.0, 0.5))
    for share, chance in chances.items():
        happened = (random.random(ROWS) < chance).astype(np.float64)
        told = rows(active_share=0.0).with_columns(happened=happened)
        assert train(told, quietly, search).without_activity.variant.blend.share == share


def test_there_are_as_many_trees_as_help_others() -> None:
    """Where there is something to learn, many; where all is chance, few."""
    search = Search(leaves=(8,), trees=(5, 80), shares=(0.0,))
    chance = rows().with_columns(happened=np.random.default_rng(1).permutation(rows()["happened"]))

    found = [
        train(some, quietly, search).without_activity.parameters["trees"]
        for some in (rows(), chance)
    ]

    assert found == [80, 5]


def test_no_student_teaches_and_is_judged() -> None:
    everybody = np.ones(ROWS, dtype=bool)
    splits = [*validation_splits(rows(), everybody), *calibration_splits(rows(), everybody)]

    assert len(splits) >= 4
    for split in splits:
        taught, judged = (set(rows()["student_id"][side]) for side in (split.learned, split.judged))
        assert judged
        assert not taught & judged


def test_without_activity_there_is_one_variant() -> None:
    few_inactive = rows(active_share=0.0).where(np.arange(ROWS) < 300)
    assert train(few_inactive, quietly, SMALL).with_activity is None


def test_too_few_outcomes_are_refused() -> None:
    stayed = rows().where(rows()["happened"] == 0)
    with pytest.raises(TooLittleToLearn, match="20 enrolments"):
        train(stayed, quietly)
