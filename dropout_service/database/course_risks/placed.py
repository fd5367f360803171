"""Predictions of the students of several courses, now and at an earlier instant."""

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from orjson import loads
from sqlalchemy import ColumnElement, Select, Subquery, Text, cast, func, literal, select, union_all
from sqlalchemy.dialects.postgresql import JSONB, JSONPATH
from sqlalchemy.orm import Session

from dropout_service.database.courses.classes import is_enrolled_in
from dropout_service.database.students.restrictions import is_assessed
from dropout_service.domain.changes import Placed
from dropout_service.models import DailyActivity, DropoutPrediction, published_enrolments
from shared_db.clock import utc_now
from shared_db.columns import Key, UtcDateTime
from shared_db.queries.dialects import in_list
from shared_db.row_limits import row_limit

_ROW = DropoutPrediction
_COLUMNS = (
    _ROW.student_id,
    _ROW.id,
    _ROW.as_of,
    _ROW.version,
    _ROW.course_rank,
    _ROW.course_ranked,
    _ROW.risk_score,
)
# Predictions of one run, of which some may be made a few days later.
RUN = timedelta(days=7)
# Overall predictions are compared with those of so many days before at most.
MAX_BACK = timedelta(days=28)


@dataclass(frozen=True)
class ListedCourse:
    """Course whose predictions are compared.

    is_own: they are about this course; otherwise they are the overall ones of its students.
    """

    id: str
    is_class: bool
    is_own: bool


class PresentRow(NamedTuple):
    """Present prediction of a student, and the course that it is about."""

    placed: Placed
    course: str | None


Present = Mapping[str, Sequence[PresentRow]]


def present_rows(session: Session, courses: Sequence[ListedCourse]) -> Present:
    """Return the present predictions of the students of each course."""
    found: dict[str, list[PresentRow]] = defaultdict(list)
    for is_own, query in _present(courses):
        assessed = query.where(is_assessed(session, _ROW.student_id))
        for listed, about, *row in session.execute(assessed):
            found[listed].append(PresentRow(_placed(row, is_own=is_own), about))
    return found


def _present(courses: Sequence[ListedCourse]) -> Iterator[tuple[bool, Select[*tuple[Any, ...]]]]:
    def ids(*, is_class: bool, is_own: bool) -> list[str]:
        return [one.id for one in courses if (one.is_class, one.is_own) == (is_class, is_own)]

    today = utc_now().date()
    if imported := ids(is_class=False, is_own=True):
        own = select(_ROW.course, _ROW.course, *_COLUMNS)
        yield True, own.where(_ROW.is_latest, ~_ROW.is_class, _ROW.course.in_(imported))
    if classes := ids(is_class=True, is_own=True):
        own = select(_ROW.course, _ROW.course, *_COLUMNS)
        is_there = is_enrolled_in(_ROW.course, _ROW.student_id, today)
        yield True, own.where(_ROW.is_latest, _ROW.is_class, _ROW.course.in_(classes), is_there)
    if others := ids(is_class=True, is_own=False):
        enrolled = published_enrolments.c
        of_class = select(enrolled.class_id, enrolled.student_id).where(
            enrolled.class_id.in_(others),
            is_enrolled_in(enrolled.class_id, enrolled.student_id, today),
        )
        yield False, _overall_of(of_class)
    if of_events := ids(is_class=False, is_own=False):
        day = DailyActivity
        yield (
            False,
            _overall_of(select(day.course, day.student_id).where(day.course.in_(of_events))),
        )


def _overall_of(students: Select[*tuple[Any, ...]]) -> Select[*tuple[Any, ...]]:
    member = students.distinct().subquery("member")
    course, student_id = member.c
    query = select(course, _ROW.course, *_COLUMNS).join(_ROW, _ROW.student_id == student_id)
    return query.where(_ROW.is_overall)


def earlier_rows(
    session: Session,
    courses: Sequence[ListedCourse],
    present: Present,
    since: Mapping[str, datetime],
) -> Mapping[str, list[Placed]]:
    """Return, by course, the last predictions of the run up to the instants `since`."""
    own = {one.id: since[one.id] for one in courses if one.is_own and one.id in since}
    others = {one.id: since[one.id] for one in courses if not one.is_own and one.id in since}
    return {**earlier_own(session, own), **_earlier_overall(session, present, others)}


def earlier_own(session: Session, since: Mapping[str, datetime]) -> dict[str, list[Placed]]:
    """Return, by course, the last predictions about it of the run up to the instants."""
    until = _ends_of_runs(session, since)
    if not until:
        return {}
    run = _instants(until)
    query = (
        select(_ROW.course, *_COLUMNS)
        .join(run, run.c.id == _ROW.course)
        .where(
            _ROW.as_of > run.c.begins_at,
            _ROW.as_of <= run.c.ends_at,
            _ROW.recomputed_at.is_(None),
            is_assessed(session, _ROW.student_id),
        )
        .order_by(_ROW.as_of, _ROW.id)
    )
    found: dict[Any, dict[str, Placed]] = defaultdict(dict)
    for course, student_id, *row in session.execute(query):
        found[course][student_id] = _placed([student_id, *row], is_own=True)
    return {course: list(rows.values()) for course, rows in found.items()}


def _ends_of_runs(session: Session, since: Mapping[str, datetime]) -> dict[str, datetime]:
    """Return the instant of the last prediction of each course up to `since`."""
    if not since:
        return {}
    run = _instants(since)
    if row_limit() is not None:
        # Few students, whose rows are found by their ids; the look by course would read all.
        joined = select(run.c.id, func.max(_ROW.as_of)).join(_ROW, _ROW.course == run.c.id)
        seen = joined.where(_ROW.as_of <= run.c.ends_at).group_by(run.c.id)
        return {id_: at for id_, at in session.execute(seen) if at is not None}
    last = (
        select(func.max(_ROW.as_of))
        .where(_ROW.course == run.c.id, _ROW.as_of <= run.c.ends_at)
        .scalar_subquery()
    )
    return {id_: at for id_, at in session.execute(select(run.c.id, last)) if at is not None}


def _instants(ends: Mapping[str, datetime]) -> Subquery:
    # SQLite does not name the columns of VALUES.
    rows = (
        select(
            literal(id_, Key).label("id"),
            literal(end - RUN, UtcDateTime).label("begins_at"),
            literal(end, UtcDateTime).label("ends_at"),
        )
        for id_, end in sorted(ends.items())
    )
    return union_all(*rows).subquery("run")


def _earlier_overall(
    session: Session, present: Present, since: Mapping[str, datetime]
) -> dict[str, list[Placed]]:
    if not since:
        return {}
    members = {row.placed.student_id for id_ in since for row in present[id_]}
    query = (
        select(_ROW.course, *_COLUMNS)
        .where(
            _ROW.student_id.in_(members),
            ~_ROW.is_class,
            _ROW.as_of > min(since.values()) - MAX_BACK,
            _ROW.as_of <= max(since.values()),
            _ROW.recomputed_at.is_(None),
        )
        .order_by(_ROW.as_of, _ROW.id)
    )
    rows: dict[tuple[str, str | None], list[Placed]] = defaultdict(list)
    for about, student_id, *row in session.execute(query):
        rows[student_id, about].append(_placed([student_id, *row], is_own=False))
    found = {}
    for id_, until in since.items():
        last = [
            known[-1]
            for row in present[id_]
            if (
                known := [
                    one for one in rows[row.placed.student_id, row.course] if one.as_of <= until
                ]
            )
        ]
        end = max((one.as_of for one in last), default=until)
        found[id_] = [one for one in last if one.as_of > end - RUN]
    return found


def indicators_of(
    session: Session, predictions: Collection[str], *, are_whole: bool = False
) -> dict[str, tuple[Sequence[Any], Sequence[Any]]]:
    """Return the primary and the secondary indicators of predictions, by id.

    are_whole: with all fields. Otherwise, on PostgreSQL, these are all signs, with name and
    contribution, as primary ones.
    """
    if not predictions:
        return {}
    dialect = session.get_bind().dialect.name
    ids = {"ids": sorted(predictions)}
    is_wanted = in_list(_ROW.id, "ids", dialect)
    if are_whole or dialect == "sqlite":
        query = select(_ROW.id, _ROW.primary_indicators, _ROW.secondary_indicators)
        rows = session.execute(query.where(is_wanted), ids)
        return {id_: (primary, secondary) for id_, primary, secondary in rows}
    # Whole indicators with their sentences would take most of the time of a list.
    both = cast(_ROW.primary_indicators, JSONB) + cast(_ROW.secondary_indicators, JSONB)
    fields = (_each(both, "name"), _each(both, "contribution"))
    return {
        id_: (
            [
                {"name": name, "contribution": contribution}
                for name, contribution in zip(loads(names), loads(contributions), strict=True)
            ],
            (),
        )
        for id_, names, contributions in session.execute(
            select(_ROW.id, *fields).where(is_wanted), ids
        )
    }


def _each(indicators: ColumnElement[Any], field: str) -> ColumnElement[Any]:
    """Return the JSON of a field of the indicators that are signs, as `signs_of` finds them."""
    path = f"$[*] ? (!(@.is_sign == false)).{field}"
    # As text: psycopg2 decodes JSON slowly.
    return cast(func.jsonb_path_query_array(indicators, cast(path, JSONPATH)), Text)


def own_predictions_of(session: Session, classes: Collection[str]) -> set[Any]:
    """Return the classes that have predictions of their own."""
    if not classes:
        return set()
    query = select(_ROW.course).distinct()
    return set(
        session.scalars(query.where(_ROW.course.in_(classes), _ROW.is_latest, _ROW.is_class))
    )


def _placed(row: Sequence[Any], *, is_own: bool) -> Placed:
    student_id, id_, as_of, version, rank, ranked, risk = row
    if not is_own:
        rank = ranked = None  # a place in another course
    return Placed(student_id, id_, as_of, version, rank, ranked, risk)
