"""What sending a demonstration consists of, and what came of it."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from veritas_cli.demo.dataset import Body, Demonstration
from veritas_cli.http_client import Answer, ServiceName

# With each mark its student's record is computed anew: more at once would be called slow.
_MARKS = 200


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
        self.stored += not answer.is_replay
        self.repeated += answer.is_replay
        if "risk_score" in answer.body:
            self.predictions[answer.body["student_id"]] = answer.body


def steps_of(demonstration: Demonstration) -> list[Step]:
    """Return the steps in their order: what predictions rest on comes before them."""
    dropout, staffstuddash = ServiceName.DROPOUT, ServiceName.STAFFSTUDDASH
    students, marks = demonstration.students, demonstration.assessments
    events, event_count = demonstration.events, demonstration.event_count

    def predictions() -> Iterator[Call]:
        as_of = demonstration.as_of.isoformat()
        for student_id, id_ in demonstration.predictions.items():
            path = f"/api/v1/students/{student_id}/predictions"
            yield Call(dropout, path, {"id": id_, "as_of": as_of})

    return [
        _batched("students", staffstuddash, lambda: students, len(students)),
        _batched("assessments", staffstuddash, lambda: marks, len(marks), _MARKS),
        _batched("events", dropout, events, event_count),
        Step("predictions", dropout, predictions, len(demonstration.predictions)),
    ]


def _batched(
    name: str,
    service: ServiceName,
    rows: Callable[[], Iterable[Body]],
    count: int,
    size: int = 1000,
) -> Step:
    def calls() -> Iterator[Call]:
        left = iter(rows())
        while batch := list(islice(left, size)):
            yield Call(service, f"/api/v1/{name}/batch", batch)

    return Step(name, service, calls, -(-count // size), is_batched=True)
