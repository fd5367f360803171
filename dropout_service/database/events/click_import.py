"""Import of millions of clicks: stored as learning events, with their rollup.

A batch is encoded as text here and inserted by COPY, which is several times as fast as a mapped
object per click. The stored event has the same id and digest as an event sent over HTTP.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
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

from dropout_service.database.courses.bulk_import import require_postgresql
from dropout_service.database.events.daily_rollup import rebuild_days_of
from dropout_service.database.students.locking import ensure_and_lock
from dropout_service.domain.rules.activity import EPOCH
from dropout_service.models import LearningEvent
from shared_db.clock import utc_now
from shared_db.repository import Repository
from shared_db.resilience.error_classification import is_unique_violation
from shared_db.results import Outcome
from shared_db.writes.copy_from import copy_text, text_field

_COPY = "COPY dropout.{table} ({columns}) FROM STDIN WITH (FORMAT text, ENCODING 'UTF8')"
_COPY_EVENTS = _COPY.format(
    table="learning_events",
    columns="id, student_id, event_type, course, resource_type, clicks, data, occurred_at, day,"
    " recorded_at, digest",
)
_QUESTION_COLUMNS = (
    "submissions, graded, correct, answers, questions_new, questions_solved, compared, kept, hints"
)
_COPY_DAYS = _COPY.format(
    table="daily_activity",
    columns=f"student_id, day, course, first_at, last_at, events, {_QUESTION_COLUMNS}, sessions,"
    " session_seconds, clicks",
)
_COPY_USES = _COPY.format(
    table="resource_uses", columns="student_id, course, resource_type, first_day"
)
_ZEROS = "\t".join("0" for _ in _QUESTION_COLUMNS.split(","))
_NOON = time(12, tzinfo=UTC)
# Another import may insert some of the same clicks between our SELECT and our COPY.
_MAX_ATTEMPTS = 5

_STORED = select(LearningEvent.id, LearningEvent.digest).where(
    LearningEvent.id == any_(bindparam("ids", type_=ARRAY(String)))
)


class Resource(NamedTuple):
    """Resource that is clicked on: the number of its site, and its type."""

    site: str
    type: str


@dataclass(frozen=True)
class StudentClicks:
    """Clicks of one student in one course, as columns of equal length.

    days: UTC, counted from 1970-01-01; each event is at noon. clicks: the number of clicks that an
    event counts for. owner: the present id of the student, if `student_id` is a former one.
    """

    student_id: str
    course: str
    ids: Sequence[str]
    days: Sequence[int]
    resources: Sequence[Resource]
    clicks: Sequence[int]
    owner: str | None = None


class ClickImport(Repository):
    """Import of the click streams of whole courses. Needs PostgreSQL."""

    def add_many(self, students: Sequence[StudentClicks]) -> list[Outcome]:
        """Insert clicks as events RESOURCE_VIEW, with the rollup of their days.

        Returns the outcome of each click, in order; clicks of erased students are not stored, their
        outcome is ERASED. The commit does not wait for the disk: `CourseRepository.finish_import`
        does.

        Raises:
            NeedsPostgresql: the in-memory store answers.

        """
        require_postgresql(self.database)
        return self.write(lambda session: _insert(session, students), wait_for_disk=False)


def _insert(session: Session, students: Sequence[StudentClicks]) -> list[Outcome]:
    now = utc_now()
    locked = ensure_and_lock(session, {one.student_id for one in students}, now)
    erased = locked.erased
    kept = [
        replace(one, owner=locked.owner(one.student_id))
        for one in students
        if one.student_id not in erased
    ]
    events = _encode_events(kept, now)
    outcomes = _insert_events(session, events)
    if Outcome.STORED in outcomes:
        _update_rollup(session, kept, all_new=set(outcomes) == {Outcome.STORED})
    if not erased:
        return outcomes
    stored = dict(zip(events.ids, outcomes, strict=True))
    return [stored.get(id_, Outcome.ERASED) for one in students for id_ in one.ids]


@dataclass(frozen=True)
class _Events:
    """Events with their digests, in hexadecimal, and their lines for COPY."""

    ids: Sequence[str]
    digests: Sequence[str]
    lines: Sequence[str]

    def without(self, stored: dict[str, str]) -> "_Events":
        """Return the events that are not stored, each id once."""
        rows = zip(self.ids, self.digests, self.lines, strict=True)
        left = {id_: (digest, line) for id_, digest, line in rows if id_ not in stored}
        digests = [digest for digest, _ in left.values()]
        return _Events(list(left), digests, [line for _, line in left.values()])


def _encode_events(students: Sequence[StudentClicks], now: datetime) -> _Events:
    recorded = now.isoformat()
    ids = [id_ for one in students for id_ in one.ids]
    rows = [row for one in students for row in _rows(one, recorded)]
    return _Events(ids, [digest for digest, _ in rows], [line for _, line in rows])


def _rows(one: StudentClicks, recorded: str) -> Iterator[tuple[str, str]]:
    """Yield the digest and the line of each click."""
    owner = f"{text_field(one.owner or one.student_id)}\tRESOURCE_VIEW\t{text_field(one.course)}"
    # The canonical JSON of the event as it would be sent, so that its digest is the same.
    head = f'{{"course":{_json(one.course)},"data":'
    tail = f'","student_id":{_json(one.student_id)}}}'
    columns = (_id_fields(one.ids), one.days, one.resources, one.clicks)
    for id_, day, resource, clicks in zip(*columns, strict=True):
        json = _json_around(resource)
        at = _noon(day)
        data = f"{json.before}{clicks}{json.after}"
        sent = f'{head}{data},"event_type":"RESOURCE_VIEW","occurred_at":"{at}{tail}'
        digest = blake2b(sent.encode(), digest_size=16).hexdigest()
        field = data.replace("\\", "\\\\") if json.is_escaped else data
        rest = f"{clicks}\t{field}\t{at}\t{day}\t{recorded}"
        yield digest, f"{id_}\t{owner}\t{json.type}\t{rest}\t\\\\x{digest}\n"


def _id_fields(ids: Sequence[str]) -> Sequence[str]:
    # All are checked at once, because ids hardly ever contain a character that must be escaped.
    together = "".join(ids)
    return ids if text_field(together) == together else [text_field(id_) for id_ in ids]


def _insert_events(session: Session, events: _Events) -> list[Outcome]:
    stored: dict[str, str] = {}
    # If the first is stored, as when an import is resumed, the others are likely to be, too.
    new = events
    if _stored_digests(session, events.ids[:1]):
        stored = _stored_digests(session, events.ids)
        new = events.without(stored)
    for _ in range(_MAX_ATTEMPTS):
        if _is_copied(session, {_COPY_EVENTS: new.lines}):
            return _outcomes(events, stored)
        stored |= _stored_digests(session, new.ids)
        new = new.without(stored)
    raise RuntimeError("the same clicks are stored and removed again and again")


def _outcomes(events: _Events, stored: dict[str, str]) -> list[Outcome]:
    if not stored:
        return [Outcome.STORED] * len(events.ids)
    return [
        _outcome(stored.get(id_), digest)
        for id_, digest in zip(events.ids, events.digests, strict=True)
    ]


def _outcome(stored_digest: str | None, digest: str) -> Outcome:
    if stored_digest is None:
        return Outcome.STORED
    return Outcome.REPEATED if stored_digest == digest else Outcome.CONFLICT


def _stored_digests(session: Session, ids: Sequence[str]) -> dict[str, str]:
    rows = session.execute(_STORED, {"ids": list(ids)}) if ids else ()
    return {id_: bytes(digest).hex() for id_, digest in rows}


def _is_copied(session: Session, texts: dict[str, Sequence[str]]) -> bool:
    """Insert all lines by COPY and return True; if a row exists already, insert nothing."""
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


def _update_rollup(session: Session, students: Sequence[StudentClicks], *, all_new: bool) -> None:
    # A day without a row in the rollup had no events before: its totals are those of the clicks.
    if not all_new or not _is_copied(session, _rollup_of(students)):
        rebuild_days_of(session, sorted({one.owner or one.student_id for one in students}))


def _rollup_of(students: Sequence[StudentClicks]) -> dict[str, Sequence[str]]:
    days: list[str] = []
    uses: list[str] = []
    for one in students:
        student, course = text_field(one.owner or one.student_id), text_field(one.course)
        for day, events, clicks in _day_totals(one):
            at = _noon(day)
            days.append(
                f"{student}\t{day}\t{course}\t{at}\t{at}\t{events}\t{_ZEROS}\t1\t0\t{clicks}\n"
            )
        first_days = _first_days(one)
        uses += [f"{student}\t{course}\t{text_field(t)}\t{day}\n" for t, day in first_days.items()]
    return {_COPY_DAYS: days, _COPY_USES: uses}


def _day_totals(one: StudentClicks) -> Iterator[tuple[int, int, int]]:
    """Yield each day with its numbers of events and clicks."""
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


class _JsonAround(NamedTuple):
    """Parts of an event that all clicks on a resource share: its type, the JSON around `clicks`."""

    type: str
    before: str
    after: str
    is_escaped: bool


@cache
def _json_around(resource: Resource) -> _JsonAround:
    before = f'{{"activity":{_json(resource.type)},"clicks":'
    after = f',"site":{_json(resource.site)}}}'
    return _JsonAround(text_field(resource.type), before, after, "\\" in f"{before}{after}")


def _json(text: str) -> str:
    return orjson.dumps(text).decode()


@cache
def _noon(day: int) -> str:
    return datetime.combine((EPOCH + timedelta(days=day)).date(), _NOON).isoformat()
