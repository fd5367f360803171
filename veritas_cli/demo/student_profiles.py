"""The stories of the made-up school: what a student does in a week, and how well."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

from dropout_service.domain.enums import EventType

WEEKS = 10


@dataclass(frozen=True)
class Story:
    """How a student's ten weeks go.

    sessions: how often a week the student works. success: the share of right answers, and with it
    the marks, in the first and in the last week. hands_in_until: the last week with marks.
    hints, blurs: the shares of questions with a hint, or with the window left for another.
    """

    name: str
    sessions: tuple[int, ...]
    success: tuple[float, float]
    hands_in_until: int = WEEKS
    answers_until: int = WEEKS
    hints: float = 0.1
    blurs: float = 0.1
    first_hour: int = 8

    def success_in(self, week: int) -> float:
        """Return the share of right answers in a week, 0 to 9."""
        first, last = self.success
        return first + (last - first) * week / (WEEKS - 1)

    def hands_in(self, week: int) -> bool:
        """Tell whether the student hands in what is due in a week, 0 to 9."""
        return week < self.hands_in_until and self.sessions[week] > 0


THRIVING = Story("thriving", (4, 4, 5, 4, 4, 5, 4, 5, 4, 5), (0.85, 0.95))
STEADY = Story("steady", (3,) * WEEKS, (0.7, 0.72))
STRUGGLING = Story("struggling", (4, 4, 3, 4, 4, 3, 4, 3, 4, 4), (0.5, 0.2), hints=0.7)
FADING = Story("fading away", (4, 4, 4, 3, 3, 2, 1, 1, 0, 0), (0.7, 0.4), hands_in_until=7)
SILENT = Story(
    "silent: looks in, does nothing",
    (3, 3, 3, 2, 2, 2, 2, 2, 2, 2),
    (0.6, 0.5),
    hands_in_until=3,
    answers_until=3,
)
GONE = Story("gone since the fourth week", (3, 3, 2, 1, 0, 0, 0, 0, 0, 0), (0.5, 0.3))
RESTLESS = Story(
    "restless: late, hasty, elsewhere",
    (1, 6, 0, 5, 1, 6, 0, 6, 1, 4),
    (0.55, 0.45),
    hints=0.0,
    blurs=0.8,
    first_hour=20,
)
RETURNING = Story("was away, came back", (3, 3, 1, 0, 0, 0, 2, 3, 4, 4), (0.6, 0.8))
NEW = Story("came last week", (0, 0, 0, 0, 0, 0, 0, 0, 0, 3), (0.6, 0.6), hands_in_until=0)
NEVER_SEEN = Story("never seen", (0,) * WEEKS, (0.5, 0.5))


@dataclass(frozen=True)
class Deed:
    """One event of a session, so long after its start."""

    after: timedelta
    event_type: EventType
    question: int | None = None
    data: dict[str, Any] | None = None


def session(story: Story, week: int, random: Random) -> Iterator[Deed]:
    """Give the events of one sitting: it begins, something is read and answered, it ends."""
    after = timedelta()
    yield Deed(after, EventType.SESSION_START)
    after += timedelta(seconds=random.randint(10, 60))
    yield Deed(after, EventType.RESOURCE_VIEW)
    if week < story.answers_until:
        for question in range(1, random.randint(3, 5)):
            for deed in _question(story, week, question, random):
                yield Deed(after + deed.after, deed.event_type, deed.question, deed.data)
            after += timedelta(minutes=random.randint(5, 9))
    after += timedelta(minutes=random.randint(1, 6))
    yield Deed(after, EventType.SESSION_END)


def _question(story: Story, week: int, number: int, random: Random) -> Iterator[Deed]:
    seconds = random.randint(40, 240)
    yield Deed(timedelta(seconds=5), EventType.QUESTION_START, number)
    if random.random() < story.blurs:
        yield Deed(timedelta(seconds=12), EventType.FOCUS_BLUR)
        yield Deed(timedelta(seconds=30), EventType.FOCUS_FOCUS)
    if random.random() < story.hints:
        yield Deed(timedelta(seconds=35), EventType.HINT_REQUEST, number)
    is_correct = random.random() < story.success_in(week)
    data = {"correct": is_correct, "seconds": seconds - 5}
    yield Deed(timedelta(seconds=seconds), EventType.QUESTION_SUBMIT, number, data)
