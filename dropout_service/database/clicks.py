"""Clicks that are brought in by the million: stored as learning events with their rollup.

A batch is put together as text here and copied, which is several times as fast as a mapped object
per click. What a click becomes is the same as when the event is sent: the same id and digest.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import cache
from hashlib import blake2b
from typing import NamedTuple

from sqlalchemy import String, any_, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from dropout_service.database.course_records import CourseRecords
from dropout_service.database.presence import admit
from dropout_service.database.rollup import rebuild_days_of
from dropout_service.domain.activity import EPOCH
from dropout_service.models import LearningEvent
from shared_db.clock import utc_now
from shared_db.copying import copy_text, text_field
from shared_db.failures import is_unique_violation
from shared_db.naming import Outcome

_COPY = "COPY dropout.{table} ({columns}) FROM STDIN WITH (FORMAT text, ENCODING 'UTF8')"
_COPY_EVENTS = _COPY.format(
    table="learning_events",
    columns="id, student_id, event_type, course, resource_type, clicks, data, occurred_at, day,"
    " recorded_at, digest",
)
_NONE_OF_QUESTIONS = (
    "submissions, graded, correct, answers, questions_new, questions_solved, compared, kept, hints"
)
_COPY_DAYS = _COPY.format(
    table="daily_activity",
    columns=f"student_id, day, course, first_at, last_at, events, {_NONE_OF_QUESTIONS}, sessions,"
    " session_seconds, clicks",
)
_COPY_USES = _COPY.format(
    table="resource_uses", columns="student_id, course, resource_type, first_day"
)
_ZEROS = "\t".join("0" for _ in _NONE_OF_QUESTIONS.split(","))
_NOON = time(12, tzinfo=UTC)
# Another import may have stored some of the same between our look and our COPY.
_MOST_TURNS = 5

_KNOWN = select(LearningEvent.id, LearningEvent.digest).where(
    LearningEvent.id == any_(bindparam("ids", type_=ARRAY(String)))
)


class Click(NamedTuple):
    """So many clicks on a resource, at noon of a day, which is UTC and counts from 1970-01-01."""

    id: str
    day: int
    site: str
    resource_type: str
    clicks: int


@dataclass(frozen=True)
class StudentClicks:
    """Clicks of one student in one course."""

    student_id: str
    course: str
    clicks: Sequence[Click]


class Clicks(CourseRecords):
    """The stream of clicks of whole courses. Needs PostgreSQL."""

    def import_clicks(self, students: Sequence[StudentClicks]) -> list[Outcome]:
        """Store clicks as events RESOURCE_VIEW, with the rollup of their days, in one unit of work.

        Returns what became of each click, in order; those of students whose data were erased are
        GONE, and not stored.

        Raises:
            NeedsPostgresql: the in-memory store answers.

        """
        self.refuse_memory()
        now = utc_now()
        with self.database.unit_of_work() as session:
            gone = admit(session, {one.student_id for one in students}, now)
            kept = [one for one in students if one.student_id not in gone]
            lines = _lines(kept, now)
            outcomes = _store(session, lines)
            if Outcome.STORED in outcomes.values():
                _keep_rollup(session, kept, all_new=set(outcomes.values()) == {Outcome.STORED})
            clicks = (click for one in students for click in one.clicks)
            return [outcomes.get(click.id, Outcome.GONE) for click in clicks]


class _Line(NamedTuple):
    digest: bytes
    text: str


def _lines(students: Sequence[StudentClicks], now: datetime) -> dict[str, _Line]:
    recorded = now.isoformat()
    found: dict[str, _Line] = {}
    for one in students:
        course, student = json.dumps(one.course), json.dumps(one.student_id)
        owner = f"{text_field(one.student_id)}\tRESOURCE_VIEW\t{text_field(one.course)}"
        for click in one.clicks:
            data = _data(click.site, click.resource_type, click.clicks)
            at = _noon(click.day)
            # The canonical JSON of the event as it would be sent, so that its digest is the same.
            sent = (
                f'{{"course":{course},"data":{data},"event_type":"RESOURCE_VIEW",'
                f'"occurred_at":"{at}","student_id":{student}}}'
            )
            digest = blake2b(sent.encode(), digest_size=16)
            found[click.id] = _Line(
                digest.digest(),
                f"{text_field(click.id)}\t{owner}\t{text_field(click.resource_type)}\t{click.clicks}\t"
                f"{text_field(data)}\t{at}\t{click.day}\t{recorded}\t\\\\x{digest.hexdigest()}\n",
            )
    return found


def _store(session: Session, lines: dict[str, _Line]) -> dict[str, Outcome]:
    outcomes: dict[str, Outcome] = {}
    pending = lines
    for turn in range(_MOST_TURNS):
        # Where the first is there, as when an import goes on, the others are likely to be, too.
        is_likely_new = turn > 0 or not _known(session, list(lines)[:1])
        if is_likely_new and _is_copied(
            session, {_COPY_EVENTS: [line.text for line in pending.values()]}
        ):
            return outcomes | dict.fromkeys(pending, Outcome.STORED)
        known = _known(session, list(pending))
        outcomes |= {
            id_: Outcome.REPEATED if lines[id_].digest == digest else Outcome.DIFFERENT
            for id_, digest in known.items()
        }
        pending = {id_: line for id_, line in pending.items() if id_ not in known}
    raise RuntimeError("the same clicks are stored and removed again and again")


def _known(session: Session, ids: list[str]) -> dict[str, bytes]:
    return dict(session.execute(_KNOWN, {"ids": ids}).all())


def _is_copied(session: Session, texts: dict[str, list[str]]) -> bool:
    """Copy all of it or, where a row is there already, nothing."""
    try:
        with session.connection().begin_nested():
            for statement, lines in texts.items():
                if lines:
                    copy_text(session, statement, "".join(lines).encode())
    except IntegrityError as refusal:
        if not is_unique_violation(refusal):
            raise
        return False
    return True


def _keep_rollup(session: Session, students: Sequence[StudentClicks], *, all_new: bool) -> None:
    # A day without a row in the rollup had no event yet: then it is what these clicks come to.
    if not all_new or not _is_copied(session, _rollup_of(students)):
        rebuild_days_of(session, sorted({one.student_id for one in students}))


def _rollup_of(students: Sequence[StudentClicks]) -> dict[str, list[str]]:
    days: list[str] = []
    uses: list[str] = []
    for one in students:
        student, course = text_field(one.student_id), text_field(one.course)
        counts, first_days = _counted(one.clicks)
        for day, (events, clicks) in counts.items():
            at = _noon(day)
            days.append(
                f"{student}\t{day}\t{course}\t{at}\t{at}\t{events}\t{_ZEROS}\t1\t0\t{clicks}\n"
            )
        uses += [f"{student}\t{course}\t{text_field(t)}\t{day}\n" for t, day in first_days.items()]
    return {_COPY_DAYS: days, _COPY_USES: uses}


def _counted(clicks: Sequence[Click]) -> tuple[dict[int, tuple[int, int]], dict[str, int]]:
    counts: dict[int, tuple[int, int]] = defaultdict(lambda: (0, 0))
    first_days: dict[str, int] = {}
    for click in clicks:
        events, total = counts[click.day]
        counts[click.day] = events + 1, total + click.clicks
        first = first_days.get(click.resource_type, click.day)
        first_days[click.resource_type] = min(first, click.day)
    return counts, first_days


def _data(site: str, resource_type: str, clicks: int) -> str:
    before, after = _data_around(site, resource_type)
    return f"{before}{clicks}{after}"


@cache
def _data_around(site: str, resource_type: str) -> tuple[str, str]:
    return (
        f'{{"activity":{json.dumps(resource_type)},"clicks":',
        f',"site":{json.dumps(site)}}}',
    )


@cache
def _noon(day: int) -> str:
    return datetime.combine((EPOCH + timedelta(days=day)).date(), _NOON).isoformat()
