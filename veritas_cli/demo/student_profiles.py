"""Student profiles of the synthetic school: weekly activity and success."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random
from typing import Any

from dropout_service.domain.enums import EventType

WEEKS = 10


@dataclass(frozen=True)
class StudentProfile:
    """Course of a student's ten weeks.

    sessions: the number per week. success: the share of right answers in the first and in the last
    week, which also sets the marks. hands_in_until, answers_until: the number of weeks with marks
    and with answers. hints, blurs: the share of questions with a hint, or with a change to another
    window. first_hour: the earliest hour of a session.
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
        """Return True if the student hands in the work that is due in a week, 0 to 9."""
        return week < self.hands_in_until and self.sessions[week] > 0


THRIVING = StudentProfile("thriving", (4, 4, 5, 4, 4, 5, 4, 5, 4, 5), (0.85, 0.95))
STEADY = StudentProfile("steady", (3,) * WEEKS, (0.7, 0.72))
STRUGGLING = StudentProfile("struggling", (4, 4, 3, 4, 4, 3, 4, 3, 4, 4), (0.5, 0.2), hints=0.7)
FADING = StudentProfile("fading away", (4, 4, 4, 3, 3, 2, 1, 1, 0, 0), (0.7, 0.4), hands_in_until=7)
SILENT = StudentProfile(
    "silent: looks in, does nothing",
    (3, 3, 3, 2, 2, 2, 2, 2, 2, 2),
    (0.6, 0.5),
    hands_in_until=3,
    answers_until=3,
)
GONE = StudentProfile("gone since the fourth week", (3, 3, 2, 1, 0, 0, 0, 0, 0, 0), (0.5, 0.3))
RESTLESS = StudentProfile(
    "restless: late, hasty, elsewhere",
    (1, 6, 0, 5, 1, 6, 0, 6, 1, 4),
    (0.55, 0.45),
    hints=0.0,
    blurs=0.8,
    first_hour=20,
)
RETURNING = StudentProfile("was away, came back", (3, 3, 1, 0, 0, 0, 2, 3, 4, 4), (0.6, 0.8))
NEW = StudentProfile("came last week", (0, 0, 0, 0, 0, 0, 0, 0, 0, 3), (0.6, 0.6), hands_in_until=0)
NEVER_SEEN = StudentProfile("never seen", (0,) * WEEKS, (0.5, 0.5))


@dataclass(frozen=True)
class Activity:
    """One event of a session; after: the time since its start."""

    after: timedelta
    event_type: EventType
    question: int | None = None
    data: dict[str, Any] | None = None


def session(profile: StudentProfile, week: int, random: Random) -> Iterator[Activity]:
    """Yield the events of one session: its start, reading, answers and its end."""
    after = timedelta()
    yield Activity(after, EventType.SESSION_START)
    after += timedelta(seconds=random.randint(10, 60))
    yield Activity(after, EventType.RESOURCE_VIEW)
    if week < profile.answers_until:
        for question in range(1, random.randint(3, 5)):
            for activity in _question(profile, week, question, random):
                yield replace(activity, after=after + activity.after)
            after += timedelta(minutes=random.randint(5, 9))
    after += timedelta(minutes=random.randint(1, 6))
    yield Activity(after, EventType.SESSION_END)


def _question(
    profile: StudentProfile, week: int, number: int, random: Random
) -> Iterator[Activity]:
    seconds = random.randint(40, 240)
    yield Activity(timedelta(seconds=5), EventType.QUESTION_START, number)
    if random.random() < profile.blurs:
        yield Activity(timedelta(seconds=12), EventType.FOCUS_BLUR)
        yield Activity(timedelta(seconds=30), EventType.FOCUS_FOCUS)
    if random.random() < profile.hints:
        yield Activity(timedelta(seconds=35), EventType.HINT_REQUEST, number)
    is_correct = random.random() < profile.success_in(week)
    data = {"correct": is_correct, "seconds": seconds - 5}
    yield Activity(timedelta(seconds=seconds), EventType.QUESTION_SUBMIT, number, data)
