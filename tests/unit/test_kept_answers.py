"""Kept answers with single flight, and entity tags."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from starlette.datastructures import Headers
from starlette.responses import Response

from shared_db.errors import Overloaded
from shared_web.whole_school.entity_tags import entity_tag, has_tag
from shared_web.whole_school.kept_answers import KeptAnswer, KeptAnswers


def answer_of(body: bytes) -> KeptAnswer:
    return KeptAnswer.of(Response(body))


class Computing:
    """Computation that waits until it is released, and counts its runs."""

    def __init__(self) -> None:
        self.runs = 0
        self.released = asyncio.Event()
        self.failure: Exception | None = None

    async def __call__(self) -> KeptAnswer:
        self.runs += 1
        await self.released.wait()
        if self.failure is not None:
            raise self.failure
        return answer_of(b"run %d" % self.runs)


async def asked(
    answers: KeptAnswers, computing: Callable[[], Awaitable[KeptAnswer]], count: int
) -> list[asyncio.Task[KeptAnswer]]:
    tasks = [asyncio.ensure_future(answers.get("cohort", computing)) for _ in range(count)]
    await asyncio.sleep(0)
    return tasks


def test_equal_requests_share_one_computation_until_its_time_is_over() -> None:
    now = [100.0]

    async def ask() -> None:
        answers, computing = KeptAnswers(2, lambda: now[0]), Computing()
        tasks = await asked(answers, computing, 5)
        now[0] += 30  # a computation may take longer than an answer is kept
        computing.released.set()
        first = await asyncio.gather(*tasks)
        now[0] += 1.9
        kept = await answers.get("cohort", computing)
        other = await answers.get("summary", computing)
        now[0] += 0.1
        renewed = await answers.get("cohort", computing)

        assert [each.body for each in first] == [b"run 1"] * 5
        assert (kept.body, other.body, renewed.body) == (b"run 1", b"run 2", b"run 3")

    asyncio.run(ask())


def test_a_failure_is_raised_to_all_who_wait_and_not_kept() -> None:
    async def ask() -> None:
        answers, computing = KeptAnswers(2), Computing()
        computing.failure = Overloaded("No slot is free.")
        tasks = await asked(answers, computing, 3)
        computing.released.set()
        failures = await asyncio.gather(*tasks, return_exceptions=True)
        computing.failure = None

        assert [type(failure) for failure in failures] == [Overloaded] * 3
        assert (await answers.get("cohort", computing)).body == b"run 2"

    asyncio.run(ask())


def test_a_waiting_request_computes_after_the_first_was_cancelled() -> None:
    async def ask() -> None:
        answers, computing = KeptAnswers(2), Computing()
        first, *others = await asked(answers, computing, 3)
        first.cancel()
        computing.released.set()

        assert [each.body for each in await asyncio.gather(*others)] == [b"run 2"] * 2
        with pytest.raises(asyncio.CancelledError):
            await first

    asyncio.run(ask())


def test_an_answer_computed_before_an_erasure_is_not_kept() -> None:
    async def ask() -> None:
        answers, computing = KeptAnswers(2), Computing()
        [before] = await asked(answers, computing, 1)
        answers.clear()
        [after] = await asked(answers, computing, 1)
        computing.released.set()
        await asyncio.gather(before, after)

        assert computing.runs == 2
        answers.clear()
        await answers.get("cohort", computing)
        assert computing.runs == 3

    asyncio.run(ask())


def test_kept_answers_are_bounded_in_bytes() -> None:
    async def runs_of_twenty(body: bytes) -> list[int]:
        answers, computed = KeptAnswers(2, lambda: 0), []

        async def compute() -> KeptAnswer:
            computed.append(1)
            return answer_of(body)

        for name in (*range(20), *range(19, -1, -1)):
            await answers.get(name, compute)
        return computed

    # Fifteen of a mebibyte with their entries fit into 16 MiB, one above a mebibyte is not kept.
    assert len(asyncio.run(runs_of_twenty(b"x" * 1024))) == 20
    assert len(asyncio.run(runs_of_twenty(b"x" * 1024**2))) == 20 + 5
    assert len(asyncio.run(runs_of_twenty(b"x" * (1024**2 + 1)))) == 40


@pytest.mark.parametrize(
    ("sent", "is_known"),
    [
        (["*"], True),
        (["{tag}"], True),
        (["W/{tag}"], True),
        (['"a,b", W/"c" ,{tag}'], True),
        (['"a"', "{tag}"], True),
        (['"other"'], False),
        (["{bare}"], False),
        (["bare, {tag}"], False),
        ([""], False),
        ([], False),
    ],
)
def test_if_none_match_is_compared_weakly(sent: list[str], *, is_known: bool) -> None:
    tag = entity_tag(b"{}")
    opaque = tag.removeprefix("W/")
    lines = [line.format(tag=opaque, bare=opaque.strip('"')) for line in sent]
    headers = Headers(raw=[(b"if-none-match", line.encode()) for line in lines])

    assert has_tag(headers, tag) is is_known
    assert not has_tag(Headers({"if-none-match": tag}), entity_tag(b"[]"))
