"""Clicks that are brought in by the million: stored as learning events with their rollup.

A batch is put together as text here and copied, which is several times as fast as a mapped object
per click. What a click becomes is the same as when the event is sent: the same id and digest.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import cache
from hashlib import blake2b
from typing import NamedTuple

import numpy as np
import orjson
from sqlalchemy import String, any_, bindparam, select
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from dropout_service.database.courses.bulk_import import CourseRecords
from dropout_service.database.events.daily_rollup import rebuild_days_of
from dropout_service.database.students.locking import ensure_and_lock
from dropout_service.domain.rules.activity import EPOCH
from dropout_service.models import LearningEvent
from shared_db.clock import utc_now
from shared_db.resilience.error_classification import is_unique_violation
from shared_db.writes.copy_from import copy_text, text_field
from shared_db.writes.idempotent_insert import Outcome
from shared_db.writes.pouring import commit_without_waiting

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


class Resource(NamedTuple):
    """What is clicked on: the number of its site, and what it is."""

    site: str
    type: str


@dataclass(frozen=True)
class StudentClicks:
    """Clicks of one student in one course, by column: the first click is the first of each.

    days: UTC, counted from 1970-01-01; a click is at noon. clicks: how many it counts for.
    """

    student_id: str
    course: str
    ids: Sequence[str]
    days: Sequence[int]
    resources: Sequence[Resource]
    clicks: Sequence[int]


class Clicks(CourseRecords):
    """The stream of clicks of whole courses. Needs PostgreSQL."""

    def import_clicks(self, students: Sequence[StudentClicks]) -> list[Outcome]:
        """Store clicks as events RESOURCE_VIEW, with the rollup of their days, in one unit of work.

        Returns what became of each click, in order; those of students whose data were erased are
        GONE, and not stored. The commit does not wait for the disk: `finish_import` does.

        Raises:
            NeedsPostgresql: the in-memory store answers.

        """
        self.refuse_memory()
        now = utc_now()
        with self.database.unit_of_work() as session:
            commit_without_waiting(session)
            gone = ensure_and_lock(session, {one.student_id for one in students}, now)
            kept = [one for one in students if one.student_id not in gone]
            events = _events_of(kept, now)
            outcomes = _store(session, events)
            if Outcome.STORED in outcomes:
                _keep_rollup(session, kept, all_new=set(outcomes) == {Outcome.STORED})
            if not gone:
                return outcomes
            stored = dict(zip(events.ids, outcomes, strict=True))
            return [stored.get(id_, Outcome.ERASED) for one in students for id_ in one.ids]


@dataclass(frozen=True)
class _Events:
    """Events with their digests, in hexadecimal, and the lines that COPY reads."""

    ids: Sequence[str]
    digests: Sequence[str]
    lines: Sequence[str]

    def without(self, known: dict[str, str]) -> "_Events":
        """Return those of other ids, none of them twice."""
        rows = zip(self.ids, self.digests, self.lines, strict=True)
        left = {id_: (digest, line) for id_, digest, line in rows if id_ not in known}
        digests = [digest for digest, _ in left.values()]
        return _Events(list(left), digests, [line for _, line in left.values()])


def _events_of(students: Sequence[StudentClicks], now: datetime) -> _Events:
    recorded = now.isoformat()
    ids = [id_ for one in students for id_ in one.ids]
    found = [row for one in students for row in _rows(one, recorded)]
    return _Events(ids, [digest for digest, _ in found], [line for _, line in found])


def _rows(one: StudentClicks, recorded: str) -> Iterator[tuple[str, str]]:
    """Give the digest and the line of each click."""
    owner = f"{text_field(one.student_id)}\tRESOURCE_VIEW\t{text_field(one.course)}"
    # The canonical JSON of the event as it would be sent, so that its digest is the same.
    head = f'{{"course":{_json(one.course)},"data":'
    tail = f'","student_id":{_json(one.student_id)}}}'
    columns = (_written(one.ids), one.days, one.resources, one.clicks)
    for id_, day, resource, clicks in zip(*columns, strict=True):
        said = _said_of(resource)
        at = _noon(day)
        data = f"{said.before}{clicks}{said.after}"
        sent = f'{head}{data},"event_type":"RESOURCE_VIEW","occurred_at":"{at}{tail}'
        digest = blake2b(sent.encode(), digest_size=16).hexdigest()
        field = data.replace("\\", "\\\\") if said.is_escaped else data
        said_at = f"{clicks}\t{field}\t{at}\t{day}\t{recorded}"
        yield digest, f"{id_}\t{owner}\t{said.type}\t{said_at}\t\\\\x{digest}\n"


def _written(ids: Sequence[str]) -> Sequence[str]:
    # One look at all of them, because hardly ever has one a character that must be escaped.
    together = "".join(ids)
    return ids if text_field(together) == together else [text_field(id_) for id_ in ids]


def _store(session: Session, events: _Events) -> list[Outcome]:
    known: dict[str, str] = {}
    # Where the first is there, as when an import goes on, the others are likely to be, too.
    pending = events
    if _known(session, events.ids[:1]):
        known = _known(session, events.ids)
        pending = events.without(known)
    for _ in range(_MOST_TURNS):
        if _is_copied(session, {_COPY_EVENTS: pending.lines}):
            return _outcomes(events, known)
        known |= _known(session, pending.ids)
        pending = pending.without(known)
    raise RuntimeError("the same clicks are stored and removed again and again")


def _outcomes(events: _Events, known: dict[str, str]) -> list[Outcome]:
    if not known:
        return [Outcome.STORED] * len(events.ids)
    return [
        Outcome.REPEATED if known.get(id_, "") == digest else _other(known, id_)
        for id_, digest in zip(events.ids, events.digests, strict=True)
    ]


def _other(known: dict[str, str], id_: str) -> Outcome:
    return Outcome.CONFLICT if id_ in known else Outcome.STORED


def _known(session: Session, ids: Sequence[str]) -> dict[str, str]:
    rows = session.execute(_KNOWN, {"ids": list(ids)}) if ids else ()
    return {id_: bytes(digest).hex() for id_, digest in rows}


def _is_copied(session: Session, texts: dict[str, Sequence[str]]) -> bool:
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


def _rollup_of(students: Sequence[StudentClicks]) -> dict[str, Sequence[str]]:
    days: list[str] = []
    uses: list[str] = []
    for one in students:
        student, course = text_field(one.student_id), text_field(one.course)
        for day, events, clicks in _counted(one):
            at = _noon(day)
            days.append(
                f"{student}\t{day}\t{course}\t{at}\t{at}\t{events}\t{_ZEROS}\t1\t0\t{clicks}\n"
            )
        first_days = _first_days(one)
        uses += [f"{student}\t{course}\t{text_field(t)}\t{day}\n" for t, day in first_days.items()]
    return {_COPY_DAYS: days, _COPY_USES: uses}


def _counted(one: StudentClicks) -> Iterator[tuple[int, int, int]]:
    """Give each day with how many events and clicks it had."""
    days, places, events = np.unique(one.days, return_inverse=True, return_counts=True)
    clicks = np.zeros(len(days), np.int64)
    np.add.at(clicks, places, one.clicks)
    yield from zip(days.tolist(), events.tolist(), clicks.tolist(), strict=True)


def _first_days(one: StudentClicks) -> dict[str, int]:
    first: dict[Resource, int] = {}
    for day, resource in zip(one.days, one.resources, strict=True):
        if day < first.get(resource, day + 1):
            first[resource] = day
    found: dict[str, int] = {}
    for resource, day in first.items():
        found[resource.type] = min(day, found.get(resource.type, day))
    return found


class _Said(NamedTuple):
    """What is the same in all clicks on a resource: its type, and the JSON around their number."""

    type: str
    before: str
    after: str
    is_escaped: bool


@cache
def _said_of(resource: Resource) -> _Said:
    before = f'{{"activity":{_json(resource.type)},"clicks":'
    after = f',"site":{_json(resource.site)}}}'
    return _Said(text_field(resource.type), before, after, "\\" in f"{before}{after}")


def _json(text: str) -> str:
    return orjson.dumps(text).decode()


@cache
def _noon(day: int) -> str:
    return datetime.combine((EPOCH + timedelta(days=day)).date(), _NOON).isoformat()
