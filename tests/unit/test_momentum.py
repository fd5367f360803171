"""Learning momentum index."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dropout_service.domain.rules.features import Features
from dropout_service.domain.rules.momentum import (
    MomentumState,
    components,
    momentum_index,
    momentum_state,
)
from tests.support.features import ABSENT, HEALTHY, features

BETTER = (
    "events_per_week_recent",
    "active_days_per_week_recent",
    "answers_per_week_recent",
    "success_share_recent",
    "mark_share_recent",
)


@settings(max_examples=50)
@given(features())
def test_the_index_lies_between_0_and_100(seen: Features) -> None:
    index = momentum_index(seen)

    assert index is None or 0 <= index <= 100
    assert all(0 <= component.value <= 1 for component in components(seen))


@pytest.mark.parametrize("name", BETTER)
@settings(max_examples=20)
@given(st.data())
def test_a_better_feature_never_lowers_the_index(name: str, data: st.DataObject) -> None:
    seen = data.draw(features())
    value, index = getattr(seen, name), momentum_index(seen)
    if value is None or index is None:
        return
    by = data.draw(st.floats(0, 1))
    better = min(1, value + by) if "share" in name else value + 100 * by

    assert index <= (momentum_index(replace(seen, **{name: better})) or 0) + 1e-9


def test_longer_inactivity_lowers_the_index() -> None:
    indices = [
        momentum_index(replace(HEALTHY, days_since_activity=days)) or 0
        for days in (0.0, 3.0, 10.0, 28.0, 100.0)
    ]

    assert indices == sorted(indices, reverse=True)
    assert indices[0] == 100
    assert indices[-1] == pytest.approx(70)


def test_the_documented_example() -> None:
    seen = replace(
        HEALTHY,
        days_since_activity=8.0,
        events_per_week_recent=15.0,
        active_days_per_week_recent=2.0,
        answers_per_week_recent=5.0,
        success_share_recent=0.45,
        mark_share_recent=0.45,
    )

    # 0.3 x 0.8 + 0.25 x 0.5 + 0.15 x 0.5 + 0.15 x 0.5 + 0.15 x 0.5
    assert momentum_index(seen) == pytest.approx(59)
    assert momentum_state(59) is MomentumState.AT_RISK


def test_one_component_gives_no_index() -> None:
    assert momentum_index(ABSENT) is None
    assert momentum_index(replace(ABSENT, days_since_activity=3.0)) is None


@pytest.mark.parametrize(
    ("index", "state"),
    [
        (70.1, MomentumState.HEALTHY),
        (70, MomentumState.AT_RISK),
        (40, MomentumState.AT_RISK),
        (39.9, MomentumState.DROPOUT_TRAJECTORY),
    ],
)
def test_the_state_of_an_index(index: float, state: MomentumState) -> None:
    assert momentum_state(index) is state
