"""State of background work: when it is a warning, and how often it is published."""

from dataclasses import replace
from datetime import timedelta

import pytest

from shared_db.background_work import state as background
from shared_db.background_work.state import BackgroundWork, Work, WorkState
from tests.support.factories import NOON

ERASING = WorkState("erasing", NOON, period_seconds=20)
REPLAY = WorkState("replay", NOON)


def after(seconds: float) -> timedelta:
    return timedelta(seconds=seconds)


def succeed() -> int:
    return 0


def store_two_rows() -> int:
    return 2


def fail() -> None:
    raise LookupError("secret of Xanthippe")


def no_pause() -> float:
    return 0


def fail_once(work: Work) -> None:
    with pytest.raises(LookupError):
        work.run(fail, no_pause)


@pytest.mark.parametrize(
    ("seconds", "is_late"), [(0, False), (59, False), (61, True)], ids=["new", "due", "late"]
)
def test_a_success_is_too_old_after_three_periods(seconds: float, is_late: bool) -> None:
    succeeded = replace(ERASING, since=NOON - after(900), last_success_at=NOON)

    assert (ERASING.warning(NOON + after(seconds)) is not None) is is_late
    assert (succeeded.warning(NOON + after(seconds)) is not None) is is_late


def test_work_without_a_period_is_never_late() -> None:
    assert REPLAY.warning(NOON + after(10**6)) is None


def test_a_failure_of_an_ended_process_expires() -> None:
    failed = replace(REPLAY, failures=3, last_error="SpoolUnavailable", last_error_at=NOON)

    assert failed.warning(NOON + after(20)) == "3 failed in a row: SpoolUnavailable"
    assert failed.warning(NOON + after(60)) is None


def test_a_failure_is_recorded_by_its_class_until_the_next_success() -> None:
    work = BackgroundWork().add("erasing", 20)
    fail_once(work)
    fail_once(work)
    failed = work.state
    work.run(store_two_rows, no_pause)
    work.run(succeed, no_pause)

    assert (failed.failures, failed.last_error, failed.last_success_at) == (2, "LookupError", None)
    assert "Xanthippe" not in repr(failed)
    assert (work.state.failures, work.state.last_error, work.state.rows) == (0, "LookupError", 2)


def published(work_of: WorkState, *, least_seconds: float, monkeypatch: pytest.MonkeyPatch) -> int:
    """Return how often six runs are published: idle, with rows, failed twice, idle, with rows."""
    monkeypatch.setattr(background, "LEAST_SECONDS", least_seconds)
    states: list[WorkState] = []

    def publish(state: WorkState) -> bool:
        states.append(state)
        return True

    work = BackgroundWork(publish).add(work_of.name, work_of.period_seconds)
    work.run(succeed, no_pause)
    work.run(store_two_rows, no_pause)
    fail_once(work)
    fail_once(work)
    work.run(succeed, no_pause)
    work.run(store_two_rows, no_pause)
    return len(states)


@pytest.mark.parametrize(
    ("work_of", "least_seconds", "count"),
    [(ERASING, 0, 6), (REPLAY, 0, 5), (ERASING, 10**6, 3), (REPLAY, 10**6, 3)],
    ids=["all", "all with news", "the first and each change", "likewise"],
)
def test_only_news_is_published_and_the_same_state_not_often(
    work_of: WorkState, least_seconds: float, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert published(work_of, least_seconds=least_seconds, monkeypatch=monkeypatch) == count


def test_a_failed_publication_is_retried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(background, "LEAST_SECONDS", 0)
    results = iter([False, True])
    work = BackgroundWork(lambda _state: next(results)).add("replay")
    work.run(store_two_rows, no_pause)
    work.run(succeed, no_pause)
    work.run(succeed, no_pause)

    assert list(results) == []
