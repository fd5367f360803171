"""Late learning events of one busy student, beside as many in time order.

In each batch of late events 43 % are of one student, at random instants of days with many events.
Both kinds of batches are measured in turns. The last line is the time of single events of other
students meanwhile.
"""

import threading
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import islice
from random import Random
from statistics import median, quantiles
from typing import Any

from benchmarks.support.command import run
from benchmarks.support.timing import machine, timed
from dropout_service.database import DropoutDatabaseManager, EventToStore
from dropout_service.domain.enums import EventType
from shared_db.connection.database import Database
from tests.support.service_processes import migrated_server

FIRST = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = 90
OTHERS = 300
BUSY_SHARE = 0.43
SIZES = (5_000, 50, 1)
LIMIT = 3.0
EVENT_TYPES = (
    EventType.QUESTION_SUBMIT,
    EventType.QUESTION_SUBMIT,
    EventType.RESOURCE_VIEW,
    EventType.NAVIGATION,
    EventType.SESSION_START,
    EventType.SESSION_END,
)


class School:
    """Synthetic events, the same in each run."""

    def __init__(self, busy: str) -> None:
        self.busy = busy
        self._random = Random(busy)
        self._now = FIRST + timedelta(days=DAYS)

    def history(self, count: int) -> Iterator[EventToStore]:
        """Yield the events of the busy student before the measurement, in time order."""
        step = timedelta(days=DAYS) / count
        return (self._event(self.busy, FIRST + n * step) for n in range(count))

    def late(self, count: int) -> list[EventToStore]:
        """Return late events, of the busy student and of others; a single one is of the former."""
        share = BUSY_SHARE if count > 1 else 1
        return [self._event(self._somebody(share), self._past()) for _ in range(count)]

    def in_order(self, count: int) -> list[EventToStore]:
        """Return events of the other students in time order."""
        return [self._event(self._other(), self._next()) for _ in range(count)]

    def _somebody(self, share: float) -> str:
        return self.busy if self._random.random() < share else self._other()

    def _other(self) -> str:
        return f"{self.busy}-other-{self._random.randrange(OTHERS)}"

    def _past(self) -> datetime:
        return FIRST + timedelta(seconds=self._random.uniform(0, DAYS * 86_400))

    def _next(self) -> datetime:
        self._now += timedelta(seconds=1)
        return self._now

    def _event(self, student_id: str, at: datetime) -> EventToStore:
        kind = self._random.choice(EVENT_TYPES)
        data: dict[str, Any] | None = None
        question = None
        if kind is EventType.QUESTION_SUBMIT:
            question = f"q{self._random.randrange(100)}"
            data = {"correct": self._random.random() < 0.5, "answer": self._random.randrange(4)}
        elif kind is EventType.RESOURCE_VIEW:
            data = {"activity": self._random.choice(("forum", "quiz", "page")), "clicks": 2}
        course = self._random.choice(("maths", "art"))
        return EventToStore(
            student_id, kind, question_id=question, course=course, data=data, occurred_at=at
        )


def store(manager: DropoutDatabaseManager, events: Sequence[EventToStore]) -> None:
    """Store a batch, or a single event by group commit."""
    if len(events) > 1:
        manager.events.add_many(events)
        return
    [event] = events
    manager.events.add(
        event.id,
        event.student_id,
        event.question_id,
        event.event_type,
        course=event.course,
        data=event.data,
        occurred_at=event.occurred_at,
    )


def compared(manager: DropoutDatabaseManager, school: School, size: int, batches: int) -> None:
    """Print how long late batches take beside batches in time order."""
    turns = [
        (
            timed(partial(store, manager, school.in_order(size))),
            timed(partial(store, manager, school.late(size))),
        )
        for _ in range(batches)
    ]
    usual, late = (median(seconds) for seconds in zip(*turns, strict=True))
    longest = max(late for _, late in turns)
    print(
        f"  batches of {size:>5,}: in order {usual * 1e3:8.1f} ms, late {late * 1e3:8.1f} ms"
        f" (longest {longest * 1e3:8.1f} ms), ratio {late / usual:5.2f} (at most {LIMIT:.0f})",
        flush=True,
    )


def meanwhile(manager: DropoutDatabaseManager, school: School, batches: int) -> None:
    """Print the time of single events of others while late batches are stored, and after."""
    late = [school.late(max(SIZES)) for _ in range(batches)]

    def send() -> None:
        for batch in late:
            store(manager, batch)

    sender = threading.Thread(target=send)
    sender.start()
    during = singles(manager, school, sender.is_alive)
    sender.join()
    left = iter(range(len(during) + 20))
    alone = singles(manager, school, lambda: next(left, None) is not None)
    print(
        f"  single events of others, p95: alone {p95(alone) * 1e3:.1f} ms,"
        f" beside late batches {p95(during) * 1e3:.1f} ms",
        flush=True,
    )


def singles(
    manager: DropoutDatabaseManager, school: School, goes_on: Callable[[], bool]
) -> list[float]:
    """Return the seconds of single events, one after another."""
    other = School(f"{school.busy}-single")
    seconds = []
    while goes_on():
        event = other.in_order(1)
        seconds.append(timed(partial(store, manager, event)))
    return seconds


def p95(seconds: Sequence[float]) -> float:
    """Return the 95th percentile."""
    return quantiles(seconds, n=20)[-1]


def add_arguments(parser: ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("--stored", type=int, nargs="+", default=[50_000, 200_000])
    parser.add_argument("--batches", type=int, default=5)


def main(options: Namespace) -> bool:
    """Measure with each number of stored events."""
    with migrated_server() as server:
        print(machine(server))
        manager = DropoutDatabaseManager(
            Database.for_bind(server.engine(), statement_timeout_seconds=300)
        )
        for stored in options.stored:
            school = School(f"busy-{stored}")
            history = school.history(stored)
            while some := list(islice(history, max(SIZES))):
                manager.events.add_many(some)
            print(f"one student with {stored:,} events over {DAYS} days", flush=True)
            for size in SIZES:
                compared(manager, school, size, options.batches * (1 if size > 1_000 else 5))
            meanwhile(manager, school, options.batches)
    return True


if __name__ == "__main__":
    run("late")
