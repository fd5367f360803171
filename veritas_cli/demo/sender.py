"""Sender of a demonstration: concurrent requests, and a monitoring event for each step or batch."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from itertools import islice
from typing import Literal, Protocol

from shared_db.ids import new_id
from veritas_cli.bounded_map import bounded_map
from veritas_cli.demo.dataset import Body, Demonstration, Replacement
from veritas_cli.http_client import (
    SAME_ID_ADVICE,
    Answer,
    ClientError,
    Refusal,
    ServiceName,
    VeritasClient,
)

SOURCE = "veritas-demo"
# staffstuddash recomputes a performance record with each mark. A larger batch would take so long
# that monitoring calls its response time slow.
_MARKS_PER_BATCH = 200
_THREADS = 4
_WEEK = 7
# One batch is prepared while the service stores the other. More would only wait in the service,
# and the response times sent to monitoring would contain that wait.
_BATCH_THREADS = 2
# dropout learns of a student by the first event, so it does not find students without events.
_NOT_ASSESSABLE = ("not-assessable", "student-not-found")


@dataclass(frozen=True)
class Call:
    """One request; a body that is a list is a batch."""

    service: ServiceName
    path: str
    body: Body | list[Body]
    method: Literal["POST", "PUT"] = "POST"


@dataclass(frozen=True)
class Step:
    """Calls of one kind; `calls` returns a new iterator each time.

    is_ordered: each call needs the rows of the earlier ones.
    """

    name: str
    service: ServiceName
    calls: Callable[[], Iterator[Call]]
    call_count: int
    is_batched: bool = False
    is_ordered: bool = False

    @property
    def request_count(self) -> int:
        """The number of calls and of monitoring events: one for each batch, or one for the step."""
        return self.call_count + (self.call_count if self.is_batched else 1)


@dataclass
class Tally:
    """Counts of answers; `not_assessable` counts students without a prediction."""

    calls: int = 0
    stored: int = 0
    repeated: int = 0
    not_assessable: int = 0
    milliseconds: float = 0
    predictions: dict[str, Body] = field(default_factory=dict)

    def add(self, answer: Answer | None) -> None:
        """Count one answer; None is a prediction that could not be made."""
        self.calls += 1
        if answer is None:
            self.not_assessable += 1
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


class Observer(Protocol):
    """Observer of the progress."""

    def begin(self, steps: list[Step]) -> None:
        """Receive the steps before the first one begins."""

    def advance(self, step: Step) -> None:
        """Count one of the requests of a step as done."""

    def end(self, step: Step, tally: Tally) -> None:
        """Receive the counts of a completed step."""


class DemoSender:
    """Sender of one demonstration; statuses: monitoring's verdict on each of the demo's events."""

    def __init__(self, client: VeritasClient, observer: Observer) -> None:
        self.statuses: list[str] = []
        self._client = client
        self._observer = observer

    def send(self, demonstration: Demonstration) -> dict[str, Tally]:
        """Send everything; return the counts by step name.

        Raises:
            ClientError: a call failed, or a service has other content under one of the ids.

        """
        steps = _steps(demonstration)
        self._observer.begin(steps)
        try:
            return {step.name: self._run(step) for step in steps}
        except BaseException:
            self._client.stop()
            raise

    def _run(self, step: Step) -> Tally:
        tally = Tally()
        threads = _BATCH_THREADS if step.is_batched else 1 if step.is_ordered else _THREADS
        for _, answer in bounded_map(self._send, step.calls(), threads):
            tally.add(answer)
            self._observer.advance(step)
            if step.is_batched:
                batch = Tally()
                batch.add(answer)
                self._report(step, batch)
        if not step.is_batched:
            self._report(step, tally)
        self._observer.end(step, tally)
        return tally

    def _send(self, call: Call) -> Answer | None:
        send = self._client.put if call.method == "PUT" else self._client.post
        try:
            answer = send(call.service, call.path, call.body)
        except Refusal as refusal:
            if refusal.type in _NOT_ASSESSABLE and call.service is ServiceName.DROPOUT:
                return None
            raise
        if isinstance(call.body, list) and answer.body["refused"]:
            raise _refused_rows(call.service, call.body, answer.body)
        return answer

    def _report(self, step: Step, tally: Tally) -> None:
        # A repeated run stores nothing, so it has nothing to report.
        if tally.stored:
            path = "/api/v1/monitoring/events"
            answer = self._client.post(ServiceName.MONITORING, path, _monitoring_event(step, tally))
            self.statuses.append(answer.body["status"])
        self._observer.advance(step)


def _steps(demonstration: Demonstration) -> list[Step]:
    """Return the steps in their order: predictions come after the data that they are made from."""
    dropout, staffstuddash = ServiceName.DROPOUT, ServiceName.STAFFSTUDDASH
    students, marks = demonstration.students, demonstration.assessments

    def predictions(
        ids: Mapping[str, str], course: str | None, days_before: int = 0
    ) -> Iterator[Call]:
        as_of = (demonstration.as_of - timedelta(days=days_before)).isoformat()
        for student_id, id_ in ids.items():
            path = f"/api/v1/students/{student_id}/predictions"
            name = f"{id_}-before" if days_before else id_
            yield Call(dropout, path, {"id": name, "as_of": as_of, "course": course})

    def of_the_week_before() -> Iterator[Call]:
        yield from predictions(demonstration.predictions, None, _WEEK)
        yield from predictions(demonstration.class_predictions, demonstration.shown_class, _WEEK)

    made = [
        Step(
            "predictions",
            dropout,
            partial(predictions, demonstration.predictions, None),
            len(demonstration.predictions),
        )
    ]
    if ids := demonstration.class_predictions:
        # So that the pages have changes to show.
        before = len(demonstration.predictions) + len(ids)
        made.insert(0, Step("week before", dropout, of_the_week_before, before))
        of_class = partial(predictions, ids, demonstration.shown_class)
        made.append(Step("class", dropout, of_class, len(ids)))

    return [
        _batched("students", staffstuddash, lambda: students, len(students)),
        *_roster_steps(demonstration),
        _batched("assessments", staffstuddash, lambda: marks, len(marks), _MARKS_PER_BATCH),
        _batched("events", dropout, demonstration.events, demonstration.event_count),
        *made,
    ]


def _roster_steps(demonstration: Demonstration) -> list[Step]:
    rows = {"roster": demonstration.resources, "relations": demonstration.relations}
    return [
        Step(
            name,
            ServiceName.STAFFSTUDDASH,
            partial(_replacements, replacements),
            len(replacements),
            is_ordered=name == "roster",
        )
        for name, replacements in rows.items()
        if replacements
    ]


def _replacements(replacements: Iterable[Replacement]) -> Iterator[Call]:
    for one in replacements:
        yield Call(ServiceName.STAFFSTUDDASH, f"/api/v1/{one.path}", one.body, "PUT")


def _batched(
    name: str,
    service: ServiceName,
    rows: Callable[[], Iterable[Body]],
    count: int,
    size: int = 1000,
) -> Step:
    def calls() -> Iterator[Call]:
        remaining = iter(rows())
        while batch := list(islice(remaining, size)):
            yield Call(service, f"/api/v1/{name}/batch", batch)

    return Step(name, service, calls, -(-count // size), is_batched=True)


def _refused_rows(service: ServiceName, sent: list[Body], outcome: Body) -> ClientError:
    item = next(item for item in outcome["items"] if item["outcome"] == "refused")
    [error, *_] = item["errors"]
    id_ = sent[item["index"]]["id"]
    return ClientError(
        f"{service} refused {outcome['refused']} rows, the first of them {id_}: {error['field']} "
        f"{error['message']}. {SAME_ID_ADVICE}"
    )


def _monitoring_event(step: Step, tally: Tally) -> Body:
    return {
        "event_id": new_id(),  # makes a repeated request idempotent
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
