"""What sending a demonstration consists of, and what came of it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar

from veritas_cli.demo_data import Body, Demonstration
from veritas_cli.rest import Answer, ServiceName

T = TypeVar("T")

_BATCH = 1000


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
    calls: Callable[[], Iterator[Call]]
    call_count: int
    is_batched: bool = False

    @property
    def request_count(self) -> int:
        """How many requests it takes with those that tell monitoring: one a batch, or one."""
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


def steps_of(demonstration: Demonstration) -> list[Step]:
    """Return the steps in their order: what predictions rest on comes before them."""
    dropout, staffstuddash = ServiceName.DROPOUT, ServiceName.STAFFSTUDDASH
    students, marks = demonstration.students, demonstration.assessments
    batch_count = -(-demonstration.event_count // _BATCH)

    def events() -> Iterator[Call]:
        for batch in _batches(demonstration.events()):
            yield Call(dropout, "/api/v1/events/batch", batch)

    def predictions() -> Iterator[Call]:
        as_of = demonstration.as_of.isoformat()
        for student_id, id_ in demonstration.predictions.items():
            path = f"/api/v1/students/{student_id}/predictions"
            yield Call(dropout, path, {"id": id_, "as_of": as_of})

    return [
        _singly("students", staffstuddash, "/api/v1/students", students),
        _singly("assessments", staffstuddash, "/api/v1/assessments", marks),
        Step("events", dropout, events, batch_count, is_batched=True),
        Step("predictions", dropout, predictions, len(demonstration.predictions)),
    ]


def _singly(name: str, service: ServiceName, path: str, bodies: Sequence[Body]) -> Step:
    def calls() -> Iterator[Call]:
        return (Call(service, path, body) for body in bodies)

    return Step(name, service, calls, len(bodies))


def _batches(items: Iterator[T]) -> Iterator[list[T]]:
    while batch := list(islice(items, _BATCH)):
        yield batch
