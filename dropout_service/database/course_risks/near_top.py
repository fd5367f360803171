"""First places of courses with stored places, now and in an earlier run; on PostgreSQL alone.

Other predictions of the courses are not read. A limited person has few students, whose rows are
read instead.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Interval,
    Select,
    and_,
    exists,
    func,
    literal,
    select,
)
from sqlalchemy.orm import Session, aliased

from dropout_service.database.course_risks.placed import RUN, ListedCourse, earlier_own
from dropout_service.database.courses.classes import is_enrolled_in
from dropout_service.database.students.restrictions import is_assessed
from dropout_service.domain.changes import Placed, with_places
from dropout_service.models import DropoutPrediction
from shared_db.clock import utc_now
from shared_db.columns import Key, UtcDateTime
from shared_db.queries.arrays import array_rows, array_values
from shared_db.queries.dialects import in_list, lateral_lookup

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
Newest = Mapping[str, Placed]
# By course and student.
Places = dict[str, dict[str, Placed]]
Pair = tuple[str, str]


def newest_of_ranked(session: Session, courses: Sequence[ListedCourse]) -> dict[str, Placed]:
    """Return the latest of the present predictions, by course; only of courses with places."""
    found = {}
    for ids, is_present in _kinds(session, courses):
        listed = array_rows(id=Key)
        of_course = and_(is_present, _ROW.course == listed.c.id)
        last = select(*_COLUMNS).where(of_course).order_by(_ROW.as_of.desc()).limit(1).lateral()
        has_places = exists().where(of_course, _ROW.course_rank.is_not(None))
        query = select(listed.c.id, *last.c).join_from(listed, last, has_places)
        for id_, *row in session.execute(query, {"id": ids}):
            found[id_] = Placed(*row)
    return found


def near_the_top(
    session: Session,
    courses: Sequence[ListedCourse],
    newest: Newest,
    instants: Mapping[str, datetime],
    top: int,
) -> tuple[dict[str, list[Placed]], dict[str, list[Placed]]]:
    """Return the predictions of students among the first places, now and in the earlier run.

    newest: as `newest_of_ranked` returns it. The latest prediction of each course is a row, too.
    """
    now = _first_now(session, courses, top)
    last, unranked = _last_of_runs(session, instants)
    ends = {id_: row.as_of for id_, row in last.items()}
    before = _earlier_of(session, ends, _first_then(session, ends, top) | _pairs(now))
    first_then = {
        (id_, row.student_id)
        for id_, rows in before.items()
        for row in rows.values()
        if row.place is not None and row.place <= top
    }
    by_risk = {
        id_: with_places(rows)
        for id_, rows in earlier_own(session, {id_: instants[id_] for id_ in unranked}).items()
    }
    first_then |= {
        (id_, row.student_id)
        for id_, rows in by_risk.items()
        for row in rows
        if row.place is not None and row.place <= top
    }
    for id_, student_id, row in _present_of(session, courses, first_then - _pairs(now)):
        now[id_][student_id] = row
    for places, newest_of in ((now, newest), (before, last)):
        for id_, row in newest_of.items():
            places[id_].setdefault(row.student_id, row)
    return _listed(now), _listed(before) | by_risk


def _listed(places: Places) -> dict[str, list[Placed]]:
    return {id_: list(rows.values()) for id_, rows in places.items()}


def _kinds(
    session: Session, courses: Iterable[ListedCourse]
) -> Iterator[tuple[list[str], ColumnElement[bool]]]:
    """Yield the ids of imported courses and of classes, with the condition of their rows."""
    is_present = and_(_ROW.is_latest, is_assessed(session, _ROW.student_id))
    courses = list(courses)
    if imported := [one.id for one in courses if not one.is_class]:
        yield imported, and_(is_present, ~_ROW.is_class)
    if classes := [one.id for one in courses if one.is_class]:
        is_there = is_enrolled_in(_ROW.course, _ROW.student_id, utc_now().date())
        yield classes, and_(is_present, _ROW.is_class, is_there)


def _first_now(session: Session, courses: Sequence[ListedCourse], top: int) -> Places:
    found: Places = defaultdict(dict)
    for ids, is_present in _kinds(session, courses):
        query: Select[*tuple[Any, ...]] = select(_ROW.course, *_COLUMNS).where(
            is_present, in_list(_ROW.course, "ids", "postgresql"), _ROW.course_rank <= top
        )
        for course, *row in session.execute(query, {"ids": ids}):
            found[course][row[0]] = Placed(*row)
    return found


def _present_of(
    session: Session, courses: Sequence[ListedCourse], pairs: set[Pair]
) -> Iterator[tuple[str, str, Placed]]:
    of_course = defaultdict(list)
    for id_, student_id in sorted(pairs):
        of_course[id_].append(student_id)
    asked = [one for one in courses if one.id in of_course]
    for ids, is_present in _kinds(session, asked):
        wanted = [(id_, student_id) for id_ in ids for student_id in of_course[id_]]
        pair = array_rows(id=Key, student_id=Key)
        is_theirs = and_(_ROW.student_id == pair.c.student_id, _ROW.course == pair.c.id)
        row = lateral_lookup(select(*_COLUMNS).where(is_present, is_theirs))
        query: Select[*tuple[Any, ...]] = select(pair.c.id, *row.c).select_from(pair, row)
        for id_, *values in session.execute(query, array_values(wanted, "id", "student_id")):
            yield id_, values[0], Placed(*values)


def _last_of_runs(
    session: Session, instants: Mapping[str, datetime]
) -> tuple[dict[str, Placed], list[str]]:
    """Return the last prediction of each course up to the instants, and the courses of no places.

    A run has places if the last prediction of a student in it has one.
    """
    if not instants:
        return {}, []
    asked = array_rows(id=Key, ends_at=UtcDateTime)
    last_at = (
        select(func.max(_ROW.as_of))
        .where(_ROW.course == asked.c.id, _ROW.as_of <= asked.c.ends_at)
        .scalar_subquery()
    )
    run = select(asked.c.id, last_at.label("ends_at")).subquery("run")
    in_run = _is_in(run, session)
    last = select(*_COLUMNS).where(in_run).order_by(_ROW.as_of.desc()).limit(1).lateral()
    later = aliased(_ROW)
    is_later = and_(
        later.student_id == _ROW.student_id,
        later.course == _ROW.course,
        later.as_of <= run.c.ends_at,
        later.recomputed_at.is_(None),
        func.row(later.as_of, later.id) > func.row(_ROW.as_of, _ROW.id),
    )
    # With OFFSET 0 the planner looks into the rows of few students, not of all.
    is_followed = select(later.id).where(is_later).offset(0).correlate_except(later).exists()
    has_places = exists().where(in_run, _ROW.course_rank.is_not(None), ~is_followed)
    query = select(run.c.id, has_places, *last.c).select_from(run, last)
    rows = array_values(sorted(instants.items()), "id", "ends_at")
    found, unranked = {}, []
    for id_, is_ranked, *row in session.execute(query, rows):
        if is_ranked:
            found[id_] = Placed(*row)
        else:
            unranked.append(id_)
    return found, unranked


def _first_then(session: Session, ends: Mapping[str, datetime], top: int) -> set[Pair]:
    """Return the courses and students of a first place in the run, which may not be the last."""
    if not ends:
        return set()
    run = array_rows(id=Key, ends_at=UtcDateTime)
    rows = lateral_lookup(
        select(_ROW.student_id).where(_is_in(run, session), _ROW.course_rank <= top)
    )
    query = select(run.c.id, rows.c.student_id).select_from(run, rows)
    found = session.execute(query, array_values(sorted(ends.items()), "id", "ends_at"))
    return {(id_, student_id) for id_, student_id in found}


def _earlier_of(session: Session, ends: Mapping[str, datetime], pairs: set[Pair]) -> Places:
    """Return the last prediction of each of these students in the run."""
    found: Places = defaultdict(dict)
    wanted = [(id_, ends[id_], student_id) for id_, student_id in sorted(pairs) if id_ in ends]
    if not wanted:
        return found
    pair = array_rows(id=Key, ends_at=UtcDateTime, student_id=Key)
    of_student = select(*_COLUMNS).where(
        _is_of_run(pair), _ROW.student_id == pair.c.student_id, _ROW.recomputed_at.is_(None)
    )
    row = of_student.order_by(_ROW.as_of.desc(), _ROW.id.desc()).limit(1).lateral()
    query = select(pair.c.id, *row.c).select_from(pair, row)
    for id_, *values in session.execute(query, array_values(wanted, "id", "ends_at", "student_id")):
        found[id_][values[0]] = Placed(*values)
    return found


def _is_in(run: Any, session: Session) -> ColumnElement[bool]:
    is_assessed_ = is_assessed(session, _ROW.student_id)
    return and_(_is_of_run(run), _ROW.recomputed_at.is_(None), is_assessed_)


def _is_of_run(run: Any) -> ColumnElement[bool]:
    begins_at = run.c.ends_at - literal(RUN, Interval)
    return and_(_ROW.course == run.c.id, _ROW.as_of > begins_at, _ROW.as_of <= run.c.ends_at)


def _pairs(places: Places) -> set[Pair]:
    return {(id_, student_id) for id_, rows in places.items() for student_id in rows}
