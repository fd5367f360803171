"""Group commit alone: waiting, refusals, and isolation of bad requests."""

import asyncio
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest

from shared_db.errors import DatabaseBusy, DatabaseUnavailable, NotFound, Overloaded, ServiceError
from shared_db.writes.group_commit import GroupCommit, QueueLimits
from tests.e2e.processes import wait_until
from tests.support.no_threads import no_thread

BAD = -1
REFUSED = -2
LOST = -3


class Journal:
    """Flush that records numbers, and is blocked for as long as a test needs."""

    def __init__(self) -> None:
        self.flushes: list[list[int]] = []
        self.may_go_on = threading.Event()
        self.may_go_on.set()
        self.has_begun = threading.Event()
        self.failure: BaseException | None = None

    def flush(self, numbers: Sequence[int]) -> list[int | ServiceError]:
        self.has_begun.set()
        assert self.may_go_on.wait(30)
        if self.failure is not None:
            raise self.failure
        if BAD in numbers:
            raise ValueError("one of them is bad")
        if LOST in numbers:
            raise DatabaseUnavailable("given up")
        self.flushes.append(list(numbers))
        return [NotFound("refused") if n == REFUSED else n * 10 for n in numbers]


@pytest.fixture
def journal() -> Iterator[Journal]:
    """Yield a journal, which is unblocked after the test."""
    journal = Journal()
    yield journal
    journal.may_go_on.set()


def behind_a_slow_flush(
    journal: Journal, commits: GroupCommit[int, int], numbers: Sequence[int], slow: int = 0
) -> list[int | Exception]:
    """Write the numbers while a first flush is blocked, so that they wait together."""
    journal.may_go_on.clear()

    def written(number: int) -> int | Exception:
        try:
            return commits.write(number, 1)
        except (ServiceError, ValueError, RuntimeError) as failure:
            return failure

    with ThreadPoolExecutor(len(numbers) + 1) as pool:
        first = pool.submit(written, slow)
        assert journal.has_begun.wait(30)
        others = []
        for number in numbers:
            before = commits.waiting
            others.append(pool.submit(written, number))
            while commits.waiting == before and not others[-1].done():
                pass
        journal.may_go_on.set()
        return [first.result(), *(other.result() for other in others)]


def test_a_single_request_is_written_at_once(journal: Journal) -> None:
    commits = GroupCommit(journal.flush)

    assert (commits.write(1, 1), commits.write(2, 1)) == (10, 20)
    assert journal.flushes == [[1], [2]]


def test_waiting_requests_share_a_flush_in_order(journal: Journal) -> None:
    commits = GroupCommit(journal.flush)
    assert behind_a_slow_flush(journal, commits, [1, 2, 3]) == [0, 10, 20, 30]
    assert journal.flushes == [[0], [1, 2, 3]]


def test_a_flush_keeps_to_its_limits(journal: Journal) -> None:
    by_number = GroupCommit(journal.flush, QueueLimits(requests_at_once=2))
    behind_a_slow_flush(journal, by_number, [1, 2, 3])
    by_size = GroupCommit(journal.flush, QueueLimits(size_at_once=2))
    journal.has_begun.clear()
    behind_a_slow_flush(journal, by_size, [4, 5, 6])

    assert journal.flushes == [[0], [1, 2], [3], [0], [4, 5], [6]]


def test_a_request_above_the_limit_of_a_flush_is_written_alone(journal: Journal) -> None:
    commits = GroupCommit(journal.flush, QueueLimits(size=10, size_at_once=5))
    assert commits.write(1, 1000) == 10


def test_a_failing_request_does_not_affect_others(journal: Journal) -> None:
    commits = GroupCommit(journal.flush)

    *good, bad, last = behind_a_slow_flush(journal, commits, [1, 2, BAD, 4])

    assert [*good, last] == [0, 10, 20, 40]
    assert isinstance(bad, ValueError)
    assert sorted(n for flush in journal.flushes for n in flush) == [0, 1, 2, 4]


def test_a_refusal_is_raised_in_the_caller(journal: Journal) -> None:
    commits = GroupCommit(journal.flush)

    _, good, refused = behind_a_slow_flush(journal, commits, [1, REFUSED])

    assert good == 10
    assert isinstance(refused, NotFound)
    assert journal.flushes == [[0], [1, REFUSED]]


@pytest.mark.parametrize("bounds", [QueueLimits(requests=2), QueueLimits(size=2)])
def test_a_full_queue_refuses_until_it_is_written(journal: Journal, bounds: QueueLimits) -> None:
    commits = GroupCommit(journal.flush, bounds)

    *taken, refused = behind_a_slow_flush(journal, commits, [1, 2, 3])

    assert taken == [0, 10, 20]
    assert isinstance(refused, Overloaded)
    assert refused.retry_after_seconds
    assert commits.write(4, 1) == 40


def test_an_outage_refuses_all_waiting_requests(journal: Journal) -> None:
    journal.failure = DatabaseUnavailable("away")
    commits = GroupCommit(journal.flush, QueueLimits(requests_at_once=1))

    answers = behind_a_slow_flush(journal, commits, [1, 2])

    assert [type(answer) for answer in answers] == [DatabaseUnavailable] * 3
    assert len(set(map(id, answers))) == 3
    journal.failure = None
    assert commits.write(3, 1) == 30


def test_an_abandoned_flush_does_not_refuse_later_requests(journal: Journal) -> None:
    commits = GroupCommit(journal.flush)

    given_up, *behind = behind_a_slow_flush(journal, commits, [1, 2], slow=LOST)

    assert isinstance(given_up, DatabaseUnavailable)
    assert behind == [10, 20]


def test_no_request_waits_for_more_than_two_abandoned_flushes(journal: Journal) -> None:
    commits = GroupCommit(journal.flush, QueueLimits(requests_at_once=1))

    answers = behind_a_slow_flush(journal, commits, [LOST, 2, 3], slow=LOST)

    assert [type(answer) for answer in answers] == [DatabaseUnavailable] * 4
    assert commits.write(4, 1) == 40
    assert commits.waiting == 0


def test_a_refused_thread_is_reported_and_retried(journal: Journal) -> None:
    commits = GroupCommit(journal.flush)
    with no_thread("ingest"):
        with pytest.raises(Overloaded):
            commits.write(1, 1)
        with pytest.raises(Overloaded):
            asyncio.run(commits.write_async(2, 1))

    assert commits.write(3, 1) == 30
    assert journal.flushes == [[3]]


def test_a_failed_writer_refuses_all_and_the_next_request_starts_one(
    journal: Journal,
) -> None:
    journal.failure = SystemExit()
    commits = GroupCommit(journal.flush, QueueLimits(requests_at_once=1))

    answers = behind_a_slow_flush(journal, commits, [1, 2])

    assert [type(answer) for answer in answers] == [RuntimeError] * 3
    journal.failure = None
    assert commits.write(3, 1) == 30


def test_a_busy_database_refuses_only_the_requests_of_the_flush(journal: Journal) -> None:
    journal.failure = DatabaseBusy("a lock")
    commits = GroupCommit(journal.flush)

    with pytest.raises(DatabaseBusy):
        commits.write(1, 1)
    journal.failure = None
    assert commits.write(2, 1) == 20


def test_tasks_wait_without_threads(journal: Journal) -> None:
    commits = GroupCommit(journal.flush)

    async def write_many() -> list[int]:
        return await asyncio.gather(*(commits.write_async(n, 1) for n in range(200)))

    before = threading.active_count()
    answers = asyncio.run(write_many())

    assert answers == [n * 10 for n in range(200)]
    assert threading.active_count() <= before + 1
    assert sum(map(len, journal.flushes)) == 200


def test_requests_of_one_loop_iteration_are_written_together(journal: Journal) -> None:
    commits = GroupCommit(journal.flush)

    async def write_twice() -> None:
        for numbers in ([1, 2, 3], [4, 5]):
            await asyncio.gather(*(commits.write_async(n, 1) for n in numbers))

    asyncio.run(write_twice())
    assert journal.flushes == [[1, 2, 3], [4, 5]]


def test_the_writer_waits_for_clients_it_just_answered(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared_db.writes.group_commit._GATHERING_SECONDS", 30)
    commits = GroupCommit(journal.flush)
    journal.may_go_on.clear()

    async def write(number: int) -> int:
        await asyncio.sleep(0.05 if number == 5 else 0)
        return await commits.write_async(number, 1)

    async def write_all() -> None:
        asyncio.get_running_loop().call_later(0.3, journal.may_go_on.set)
        await asyncio.gather(*map(write, range(4)))
        await asyncio.gather(write(4), write(5))

    asyncio.run(write_all())
    assert journal.flushes == [[0, 1, 2, 3], [4, 5]]


def test_the_writer_stops_after_a_pause_without_requests(journal: Journal) -> None:
    commits = GroupCommit(journal.flush)
    commits.write(1, 1)
    assert wait_until(lambda: not commits.is_writing)
    commits.write(2, 1)
    assert journal.flushes == [[1], [2]]


def test_a_cancelled_task_does_not_affect_others(journal: Journal) -> None:
    commits = GroupCommit(journal.flush)

    async def write_two() -> int:
        journal.may_go_on.clear()
        given_up = asyncio.create_task(commits.write_async(1, 1))
        kept = asyncio.create_task(commits.write_async(2, 1))
        await asyncio.sleep(0)
        given_up.cancel()
        journal.may_go_on.set()
        return await kept

    assert asyncio.run(write_two()) == 20
    assert commits.write(3, 1) == 30


def test_draining_writes_all_waiting_requests(journal: Journal) -> None:
    commits = GroupCommit(journal.flush, QueueLimits(requests_at_once=1))

    async def leave() -> None:
        journal.may_go_on.clear()
        for number in range(5):
            waiting = asyncio.create_task(commits.write_async(number, 1))
            await asyncio.sleep(0)
            waiting.cancel()
        journal.may_go_on.set()

    asyncio.run(leave())
    commits.drain()

    assert journal.flushes == [[0], [1], [2], [3], [4]]


def test_after_draining_the_writer_lingers_again(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared_db.writes.group_commit._LINGER_SECONDS", 30)
    commits = GroupCommit(journal.flush)
    commits.write(1, 1)
    commits.drain()
    commits.write(2, 1)

    assert not wait_until(lambda: not commits.is_writing, seconds=0.2)
    commits.drain()
    assert not commits.is_writing
