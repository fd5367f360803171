"""Token buckets of rate limits."""

from hypothesis import given
from hypothesis import strategies as st

from shared_web.auth.rate_limit import TokenBuckets


def test_a_bucket_is_refilled_evenly() -> None:
    buckets = TokenBuckets(4, seconds=60)

    left = [buckets.take("a", now=100) for _ in range(5)]

    assert [state.is_allowed for state in left] == [True] * 4 + [False]
    assert [state.remaining for state in left] == [3, 2, 1, 0, 0]
    assert (left[0].full_in, left[3].full_in) == (15, 60)
    assert left[4].retry_in == 15
    assert not buckets.take("a", now=114.9).is_allowed
    assert buckets.take("a", now=115).is_allowed
    assert not buckets.take("a", now=115).is_allowed
    assert buckets.take("a", now=1000).remaining == 3


def test_each_name_has_its_own_bucket() -> None:
    buckets = TokenBuckets(1, seconds=1)

    assert buckets.take("a", now=0).is_allowed
    assert buckets.take("b", now=0).is_allowed
    assert not buckets.take("a", now=0).is_allowed


def test_the_least_recently_used_name_is_dropped() -> None:
    buckets = TokenBuckets(1, seconds=10, max_names=2)
    for name in ("a", "b", "a", "c"):
        buckets.take(name, now=0)

    assert not buckets.take("a", now=0).is_allowed
    assert buckets.take("b", now=0).is_allowed


@given(
    st.integers(1, 1000),
    st.floats(0.1, 1000),
    st.lists(st.floats(0, 10), min_size=1, max_size=50),
)
def test_the_requests_allowed_never_exceed_the_bucket_and_its_refill(
    size: int, seconds: float, pauses: list[float]
) -> None:
    buckets = TokenBuckets(size, seconds)
    now = allowed = 0.0
    for pause in pauses:
        now += pause
        state = buckets.take("a", now)
        allowed += state.is_allowed
        assert allowed <= size + now * size / seconds + 0.01
        assert state.is_allowed or state.remaining == 0
        assert 0 <= state.remaining < size
        assert state.full_in <= seconds + 0.01
