"""Sending a demonstration: several calls at once, each step and batch told to monitoring."""

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Protocol, TypeVar

from shared_db.ids import new_id
from veritas_cli.demo.dataset import Body, Demonstration
from veritas_cli.demo.steps import Call, Step, Tally, steps_of
from veritas_cli.http_client import SAME_ID_ADVICE, Answer, Refusal, Rest, RestError, ServiceName

T = TypeVar("T")
R = TypeVar("R")

SOURCE = "veritas-demo"
_THREADS = 4
# One is made up here while the service stores the other; more would only queue there, and
# monitoring would hear of slow answers that are our doing.
_BATCH_THREADS = 2
# dropout knows only students of whom it heard something, so it may not know one without events.
_TOO_LITTLE = ("not-assessable", "student-not-found")


class Watch(Protocol):
    """Who shows how it goes on."""

    def begin(self, steps: list[Step]) -> None:
        """Learn what will be done."""

    def advance(self, step: Step) -> None:
        """Hear that one request is through, or turned out not to be needed."""

    def end(self, step: Step, tally: Tally) -> None:
        """Hear that a step is through."""


class Sending:
    """One demonstration on its way; `statuses` is what monitoring said of the demo's own events."""

    def __init__(self, rest: Rest, watch: Watch) -> None:
        self.statuses: list[str] = []
        self._rest = rest
        self._watch = watch

    def send(self, demonstration: Demonstration) -> dict[str, Tally]:
        """Send everything; return the tally of each step by its name.

        Raises:
            RestError: a call failed, or a service has something else under one of the ids.

        """
        steps = steps_of(demonstration)
        self._watch.begin(steps)
        try:
            return {step.name: self._run(step) for step in steps}
        except BaseException:
            self._rest.stop()
            raise

    def _run(self, step: Step) -> Tally:
        tally = Tally()

        def done(answer: Answer | None) -> None:
            tally.add(answer)
            self._watch.advance(step)
            if step.is_batched:
                part = Tally()
                part.add(answer)
                self._tell(step, part)

        threads = _BATCH_THREADS if step.is_batched else _THREADS
        in_parallel(self._post, step.calls(), done, threads=threads)
        if not step.is_batched:
            self._tell(step, tally)
        self._watch.end(step, tally)
        return tally

    def _post(self, call: Call) -> Answer | None:
        try:
            answer = self._rest.post(call.service, call.path, call.body)
        except Refusal as refusal:
            if refusal.type in _TOO_LITTLE and call.service is ServiceName.DROPOUT:
                return None
            raise
        if isinstance(call.body, list) and answer.body["refused"]:
            raise _refused_rows(call.service, call.body, answer.body)
        return answer

    def _tell(self, step: Step, tally: Tally) -> None:
        # A repeated run changes nothing, so it has nothing to tell either.
        if tally.stored:
            path = "/api/v1/monitoring/events"
            answer = self._rest.post(ServiceName.MONITORING, path, _report(step, tally))
            self.statuses.append(answer.body["status"])
        self._watch.advance(step)


def _refused_rows(service: ServiceName, sent: list[Body], outcome: Body) -> RestError:
    item = next(item for item in outcome["items"] if item["outcome"] == "refused")
    [error, *_] = item["errors"]
    id_ = sent[item["index"]]["id"]
    return RestError(
        f"{service} refused {outcome['refused']} rows, the first of them {id_}: {error['field']} "
        f"{error['message']}. {SAME_ID_ADVICE}"
    )


def _report(step: Step, tally: Tally) -> Body:
    return {
        # Made here, so that a request that had to be repeated is stored once.
        "event_id": new_id(),
        "source": SOURCE,
        "component": step.service,
        "event_type": "import",
        "message": f"{step.name}: {tally.stored} stored, {tally.repeated} already there",
        "data": {
            "response_time": round(tally.milliseconds / tally.calls, 1),
            "requests": tally.calls,
            "stored": tally.stored,
            "repeated": tally.repeated,
        },
    }


def in_parallel(
    work: Callable[[T], R], items: Iterable[T], done: Callable[[R], None], *, threads: int
) -> None:
    """Do the work for each item in so many threads; `done` gets the results here, as they come.

    Items are taken as they are needed. The first failure, or Ctrl-C, ends it: what has begun is
    waited for, what has not is left.
    """
    pool = ThreadPoolExecutor(threads)
    waiting: set[Future[R]] = set()
    try:
        for item in items:
            waiting.add(pool.submit(work, item))
            if len(waiting) > 2 * threads:
                waiting = _take(waiting, done)
        while waiting:
            waiting = _take(waiting, done)
    finally:
        pool.shutdown(cancel_futures=True)


def _take(waiting: set[Future[R]], done: Callable[[R], None]) -> set[Future[R]]:
    finished, still = wait(waiting, return_when=FIRST_COMPLETED)
    for future in finished:
        done(future.result())
    return still
