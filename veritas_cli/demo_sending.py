"""Sending a demonstration: step by step, several calls at once, each step told to monitoring."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import islice
from typing import Protocol, TypeVar

from shared_db.ids import new_id
from veritas_cli.demo_data import Body, Demonstration
from veritas_cli.rest import Answer, Refusal, Rest, RestError, ServiceName

T = TypeVar("T")
R = TypeVar("R")

SOURCE = "veritas-demo"
_THREADS = 4
_BATCH = 1000
# dropout knows only students of whom it heard something, so it may not know one without events.
_TOO_LITTLE = ("not-assessable", "student-not-found")


@dataclass(frozen=True)
class Call:
    """One POST; a list is a batch."""

    service: ServiceName
    path: str
    body: Body | list[Body]


@dataclass(frozen=True)
class Step:
    """Calls of one kind; `calls` gives them anew, as there can be many."""

    name: str
    service: ServiceName
    event_type: str
    calls: Callable[[], Iterator[Call]]
    call_count: int
    is_batched: bool

    @property
    def request_count(self) -> int:
        """How many requests it takes with those that tell monitoring, a batch each or one."""
        return self.call_count + (self.call_count if self.is_batched else 1)


@dataclass
class Tally:
    """What became of what was sent; `too_little` counts students that are not assessable."""

    calls: int = 0
    stored: int = 0
    repeated: int = 0
    too_little: int = 0
    milliseconds: float = 0
    predictions: dict[str, Body] = field(default_factory=dict)

    def add(self, answer: Answer | None) -> None:
        """Count one answer; None is a prediction that could not be made."""
        self.calls += 1
        if answer is None:
            self.too_little += 1
            return
        self.milliseconds += answer.milliseconds
        if "items" in answer.body:
            self.stored += answer.body["stored"]
            self.repeated += answer.body["repeated"]
            return
        self.stored += not answer.is_repeat
        self.repeated += answer.is_repeat
        if "risk_score" in answer.body:
            self.predictions[answer.body["student_id"]] = answer.body


class Watch(Protocol):
    """Who shows how it goes on."""

    def begin(self, steps: list[Step]) -> None:
        """Learn what will be done."""

    def advance(self, step: Step) -> None:
        """Hear that one request is through, or turned out not to be needed."""

    def end(self, step: Step, tally: Tally) -> None:
        """Hear that a step is through."""


@dataclass
class Reports:
    """What monitoring said of this demonstration's own events: how many of each status."""

    by_status: dict[str, int] = field(default_factory=dict)


def send(
    rest: Rest, demonstration: Demonstration, watch: Watch
) -> tuple[dict[str, Tally], Reports]:
    """Send everything; return the tally of each step by its name, and what monitoring said.

    Raises:
        RestError: a call failed, or a service has something else under one of the ids.

    """
    steps = _steps(demonstration)
    watch.begin(steps)
    reports = Reports()
    return {step.name: _run(rest, step, watch, reports) for step in steps}, reports


def _steps(demonstration: Demonstration) -> list[Step]:
    def students() -> Iterator[Call]:
        for body in demonstration.students:
            yield Call(ServiceName.STAFFSTUDDASH, "/api/v1/students", body)

    def assessments() -> Iterator[Call]:
        for body in demonstration.assessments:
            yield Call(ServiceName.STAFFSTUDDASH, "/api/v1/assessments", body)

    def events() -> Iterator[Call]:
        for batch in _batches(demonstration.events()):
            yield Call(ServiceName.DROPOUT, "/api/v1/events/batch", batch)

    def predictions() -> Iterator[Call]:
        for student_id, id_ in demonstration.predictions.items():
            body = {"id": id_, "as_of": demonstration.as_of.isoformat()}
            path = f"/api/v1/students/{student_id}/predictions"
            yield Call(ServiceName.DROPOUT, path, body)

    in_staffstuddash = (ServiceName.STAFFSTUDDASH, "import")
    marks = len(demonstration.assessments)
    batches = -(-demonstration.event_count // _BATCH)
    predicted = len(demonstration.predictions)
    return [
        Step("students", *in_staffstuddash, students, len(demonstration.students), False),
        Step("assessments", *in_staffstuddash, assessments, marks, False),
        Step("events", ServiceName.DROPOUT, "import", events, batches, True),
        Step("predictions", ServiceName.DROPOUT, "prediction", predictions, predicted, False),
    ]


def _batches(items: Iterator[T]) -> Iterator[list[T]]:
    while batch := list(islice(items, _BATCH)):
        yield batch


def _run(rest: Rest, step: Step, watch: Watch, reports: Reports) -> Tally:
    tally = Tally()

    def done(answer: Answer | None) -> None:
        tally.add(answer)
        watch.advance(step)
        if step.is_batched:
            part = Tally()
            part.add(answer)
            tell(part)

    def tell(part: Tally) -> None:
        # Nothing new happened in a repeated run, so nothing is said of it.
        if part.stored:
            status = _report(rest, step, part)
            reports.by_status[status] = reports.by_status.get(status, 0) + 1
        watch.advance(step)

    try:
        in_parallel(lambda call: _post(rest, call), step.calls(), done)
    except BaseException:
        rest.stop()
        raise
    if not step.is_batched:
        tell(tally)
    watch.end(step, tally)
    return tally


def _post(rest: Rest, call: Call) -> Answer | None:
    try:
        answer = rest.post(call.service, call.path, call.body)
    except Refusal as refusal:
        if refusal.type in _TOO_LITTLE and call.path.endswith("/predictions"):
            return None
        raise
    if isinstance(call.body, list) and answer.body["refused"]:
        raise _refused_item(call, answer.body)
    return answer


def _refused_item(call: Call, outcome: Body) -> RestError:
    item = next(item for item in outcome["items"] if item["outcome"] == "refused")
    sent = call.body[item["index"]]
    [error, *_] = item["errors"]
    return RestError(
        f"{call.service} refused {outcome['refused']} rows, the first of them {sent.get('id')}: "
        f"{error['field']} {error['message']}. Use a database without these rows, or send the "
        "same data as before."
    )


def _report(rest: Rest, step: Step, part: Tally) -> str:
    # The id is made here, so that a repeated request is stored once.
    event = {
        "event_id": new_id(),
        "source": SOURCE,
        "component": step.service,
        "event_type": step.event_type,
        "message": f"{step.name}: {part.stored} stored, {part.repeated} already there",
        "data": {
            "response_time": round(part.milliseconds / part.calls, 1),
            "requests": part.calls,
            "stored": part.stored,
            "repeated": part.repeated,
        },
    }
    answer = rest.post(ServiceName.MONITORING, "/api/v1/monitoring/events", event)
    return str(answer.body["status"])


def in_parallel(work: Callable[[T], R], items: Iterable[T], done: Callable[[R], None]) -> None:
    """Do the work for each item in several threads; `done` gets the results here, as they come.

    Items are taken as they are needed. The first failure, or Ctrl-C, ends it: what has begun is
    waited for, what has not is left.
    """
    pool = ThreadPoolExecutor(_THREADS)
    waiting: set[Future[R]] = set()
    try:
        for item in items:
            waiting.add(pool.submit(work, item))
            if len(waiting) > 2 * _THREADS:
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
