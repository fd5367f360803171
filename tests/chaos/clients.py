"""Clients that send requests, retry until the answer, and record acknowledged rows."""

import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.support.factories import (
    a_draft,
    a_learning_event,
    a_student,
    a_system_event,
    an_assessment,
)

_PAUSE_SECONDS = 0.05
_BATCH = 50


@dataclass
class Ledger:
    """Record of acknowledged rows and of response times, shared by all clients.

    rows: ids by table. drafts: ids in the order of acknowledgement, by student. spooled_at:
    instants of answers from the spool, on the monotonic clock.
    """

    rows: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    drafts: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    spooled_at: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    longest_seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    refused: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


class Client(threading.Thread):
    """One client of one service, which sends requests one after another until it is stopped.

    rest_seconds: pause after each turn.
    """

    def __init__(
        self, name: str, url: str, key: str, ledger: Ledger, rest_seconds: float = 0
    ) -> None:
        super().__init__(name=name, daemon=True)
        self.ledger = ledger
        self.is_stopping = threading.Event()
        self._url = url
        self._rest_seconds = rest_seconds
        self._http = httpx.Client(headers={"Authorization": f"Bearer {key}"}, timeout=60)

    def run(self) -> None:
        """Send until stopped; finish the present turn."""
        number = 0
        while not self.is_stopping.is_set():
            self.turn(number)
            number += 1
            self.is_stopping.wait(self._rest_seconds)
        self._http.close()

    def turn(self, number: int) -> None:
        """Send the requests of one turn."""
        raise NotImplementedError

    def sent(
        self, path: str, body: Any, headers: dict[str, str] | None = None, *, is_batch: bool = False
    ) -> Any:
        """Send until it is acknowledged."""
        while True:
            started = time.monotonic()
            try:
                answer = self._http.post(f"{self._url}{path}", json=body, headers=headers)
            except httpx.TransportError:  # the service is down
                time.sleep(_PAUSE_SECONDS)
                continue
            self._record(answer, started, "batch" if is_batch else "single")
            if answer.is_success:
                return answer.json()
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                self.ledger.refused.append(f"{path}: {answer.status_code} {answer.text}")
                return {"items": [], "id": None}
            time.sleep(_PAUSE_SECONDS)

    def _record(self, answer: httpx.Response, started: float, kind: str) -> None:
        now = time.monotonic()
        with self.ledger.lock:
            self.ledger.statuses[answer.status_code] += 1
            longest = self.ledger.longest_seconds
            longest[kind] = max(longest[kind], now - started)
            if answer.headers.get("Veritas-Storage") == "spool":
                self.ledger.spooled_at.append(now)


class Teacher(Client):
    """Sends students with marks, drafts and an action, which depend on one another."""

    def turn(self, number: int) -> None:
        """Send one student with marks, drafts and an action."""
        student = f"{self.name}-{number}"
        rows = self.ledger.rows
        self.sent("/students", a_student(id=student))
        rows["staffstuddash.students"].append(student)
        for n in range(3):
            mark, draft = f"{student}-m{n}", f"{student}-d{n}"
            self.sent("/assessments", an_assessment(id=mark, student_id=student))
            rows["staffstuddash.assessment_logs"].append(mark)
            words = " ".join(["word"] * (n + 1))
            self.sent(f"/students/{student}/drafts", a_draft(id=draft, content=words))
            rows["staffstuddash.drafts"].append(draft)
            self.ledger.drafts[student].append(draft)
        done = self.sent(
            f"/students/{student}/actions", {"action": "talk"}, {"Idempotency-Key": student}
        )
        rows["staffstuddash.action_logs"].append(done["id"])
        self._send_batch(student)

    def _send_batch(self, student: str) -> None:
        marks = [an_assessment(id=f"{student}-b{n}", student_id=student) for n in range(_BATCH)]
        answer = self.sent("/assessments/batch", marks, is_batch=True)
        ids = [item["id"] for item in answer["items"] if item["outcome"] != "refused"]
        self.ledger.rows["staffstuddash.assessment_logs"].extend(ids)


class Source(Client):
    """Sends single events and batches of one kind."""

    path: str
    table: str
    event: Callable[[str], dict[str, Any]]

    def turn(self, number: int) -> None:
        """Send twenty single events and a batch."""
        for n in range(20):
            id_ = f"{self.name}-{number}-{n}"
            self.sent(self.path, self.event(id_))
            self.ledger.rows[self.table].append(id_)
        batch = [self.event(f"{self.name}-{number}-b{n}") for n in range(_BATCH)]
        answer = self.sent(f"{self.path}/batch", batch, is_batch=True)
        ids = [item["id"] for item in answer["items"] if item["outcome"] != "refused"]
        self.ledger.rows[self.table].extend(ids)


class SystemSource(Source):
    """Sends the events of a system."""

    path = "/monitoring/events"
    table = "monitoring.monitoring_logs"

    def event(self, id_: str) -> dict[str, Any]:
        """Return one event."""
        return a_system_event(event_id=id_, source=self.name)


class LearningSource(Source):
    """Sends the events of a course's students."""

    path = "/events"
    table = "dropout.learning_events"

    def event(self, id_: str) -> dict[str, Any]:
        """Return one event of one of many students, each with the events of a day."""
        turn = id_.split("-")[1]
        return a_learning_event(id=id_, student_id=f"{self.name}-s{turn}")


CLIENTS: dict[str, type[Client]] = {
    "staffstuddash": Teacher,
    "monitoring": SystemSource,
    "dropout": LearningSource,
}
