"""Recomputing of features and predictions that were made while rows of the student waited."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Select, case, select
from sqlalchemy.orm import Session

from dropout_service.database.courses.classes import class_of
from dropout_service.database.features.incomplete import is_due, recomputed_id
from dropout_service.database.features.store import computed_values
from dropout_service.database.predictions.by_class import assess_class_like
from dropout_service.database.predictions.by_model import assess_course, model_values
from dropout_service.database.predictions.by_rules import activities_of, assess_by_rules
from dropout_service.database.predictions.latest import replace_incomplete
from dropout_service.database.predictions.made import MADE
from dropout_service.database.predictions.model_registry import model_of
from dropout_service.database.students.locking import ensure_and_lock
from dropout_service.database.students.restrictions import is_assessed
from dropout_service.domain.rules.risk import RULES_VERSION
from dropout_service.errors import CourseNotFound, FeatureSetExists, NotAClass, NotAssessable
from dropout_service.models import Course, DropoutPrediction, FeatureSet
from shared_db.clock import utc_now
from shared_db.columns import Row
from shared_db.errors import DatabaseUnavailable
from shared_db.repository import Repository
from shared_db.spool.pending import pending_of
from shared_db.writes.idempotent_insert import (
    content_digest,
    insert_idempotent,
    insert_many_idempotent,
)

logger = logging.getLogger(__name__)

_PAGE_SIZE = 5000
_BATCH_SIZE = 250


@dataclass(frozen=True)
class _Due:
    """Feature set or prediction to recompute; `model` is None if the rules predicted."""

    id: str
    student_id: str
    as_of: datetime
    course: str | None = None
    model: str | None = None
    is_class: bool = False


_FEATURES = select(FeatureSet.id, FeatureSet.student_id, FeatureSet.as_of, FeatureSet.course)
_PREDICTIONS = select(
    DropoutPrediction.id,
    DropoutPrediction.student_id,
    DropoutPrediction.as_of,
    DropoutPrediction.course,
    case((DropoutPrediction.base_log_odds.is_not(None), DropoutPrediction.version)),
    DropoutPrediction.is_class,
)


class RecomputingRepository(Repository):
    """Incomplete features and predictions, recomputed as of their instant from all rows."""

    def run(self) -> int:
        """Recompute what was made while rows waited that are stored now; return the number.

        Safe in concurrent processes: each row is recomputed once. Rows of students with pending
        rows in the spool of this process are left to a later call. Rows of another host's spool are
        left to that host for a quarter of an hour.
        """
        count = 0
        for rows in self._due(FeatureSet, _FEATURES):
            count += sum(self._recompute([row], self._recompute_features) for row in rows)
        for rows in self._due(DropoutPrediction, _PREDICTIONS):
            count += sum(self._recompute(g, self._recompute_predictions) for g in _groups(rows))
        if count:
            logger.warning("computed %d features and predictions again, with all rows", count)
        return count

    def _due(
        self, model: type[FeatureSet] | type[DropoutPrediction], query: Select[*tuple[Any, ...]]
    ) -> Iterator[list[_Due]]:
        due = query.where(is_due(model, utc_now())).order_by(model.id).limit(_PAGE_SIZE)
        after = ""
        while True:
            rows = self.read(
                partial(_page, query=due.where(model.id > after), student_id=model.student_id)
            )
            if not rows:
                return
            yield rows
            after = rows[-1].id

    def _recompute(self, rows: Sequence[_Due], recompute: Callable[[Sequence[_Due]], int]) -> int:
        """Recompute rows of students without pending rows; return the number.

        After a failure each half is tried by itself, until the failing row is isolated.

        Raises:
            DatabaseUnavailable: the database is away.

        """
        pending = pending_of(self.spool, {row.student_id for row in rows})
        rows = [row for row in rows if pending.of(row.student_id) == 0]
        if not rows:
            return 0
        try:
            return recompute(rows)
        except DatabaseUnavailable:
            raise
        except Exception as failure:  # noqa: BLE001 - of one row, which must not block the others
            if len(rows) == 1:
                # Without its text, which may be personal. The next call retries.
                logger.warning("something is computed again later: %s", type(failure).__qualname__)
                return 0
        middle = len(rows) // 2
        halves = (rows[:middle], rows[middle:])
        return sum(self._recompute(half, recompute) for half in halves)

    def _recompute_features(self, rows: Sequence[_Due]) -> int:
        [due] = rows
        return self.write(lambda session: _replace_features(session, due))

    def _recompute_predictions(self, rows: Sequence[_Due]) -> int:
        """Recompute the predictions of one course, instant and model (or the rules)."""
        predict = self.read(lambda session: _recomputed(session, rows))
        batches = (rows[at : at + _BATCH_SIZE] for at in range(0, len(rows), _BATCH_SIZE))
        return sum(
            self.write(partial(_replace_predictions, rows=batch, predict=predict))
            for batch in batches
        )


def _page(session: Session, query: Select[*tuple[Any, ...]], student_id: Any) -> list[_Due]:
    # Those of restricted students are due again when the restriction is lifted.
    found = session.execute(query.where(is_assessed(session, student_id)))
    return [_Due(*row) for row in found]


def _replace_features(session: Session, due: _Due) -> int:
    # Locked before the row is read, so that the second of two processes finds it recomputed.
    if ensure_and_lock(session, [due.student_id], utc_now()).erased:
        return 0
    old = session.get(FeatureSet, due.id)
    if old is None or old.recomputed_at is not None:
        return 0
    try:
        values = computed_values(
            session, old.student_id, due.as_of, due.course, recomputed_id(due.id)
        )
    except (CourseNotFound, NotAClass, NotAssessable):
        old.recomputed_at = utc_now()  # the roster was changed: the student was not in the class
        return 1
    row = {**values, "digest": _recomputed_digest(due.id), "pending_rows": 0}
    insert_idempotent(session, FeatureSet, row, FeatureSetExists)
    old.recomputed_at = row["created_at"]
    return 1


def _groups(rows: Sequence[_Due]) -> Iterator[Sequence[_Due]]:
    """Yield groups of one course, instant and model; a course is assessed once for a group."""
    found: dict[object, list[_Due]] = defaultdict(list)
    for row in rows:
        found[row.model, row.course, row.is_class, row.as_of].append(row)
    for group in found.values():
        size = len(group) if group[0].model or group[0].is_class else _BATCH_SIZE
        yield from (group[start : start + size] for start in range(0, len(group), size))


# Returns the row of a student's prediction without id and digest; None: not assessable.
_Predict = Callable[[str], Row | None]


def _recomputed(session: Session, rows: Sequence[_Due]) -> _Predict:
    """Return the predictions by the same model now; if no model can be used, by the rules."""
    first = rows[0]
    if first.is_class:
        return _recomputed_in_class(session, first)
    course = None if first.course is None else session.get(Course, first.course)
    model = None if first.model is None else model_of(session, first.model)
    if course is not None and model is not None:
        by_model = assess_course(session, model, course, first.as_of)
        known = dict(by_model.enrolments)
        return lambda id_: model_values(by_model.place, id_, known[id_]) if id_ in known else None
    activities = activities_of(session, {row.student_id for row in rows}, first.as_of)
    by_rules = assess_by_rules(session, activities, first.course, first.as_of)
    assessable = by_rules.assessable
    return lambda id_: by_rules.values(id_) if id_ in assessable else None


def _recomputed_in_class(session: Session, first: _Due) -> _Predict:
    """Return the predictions in a class, all by the rules or all by the same model.

    If no model can judge the class any more, there is none: places are compared within the class.
    """
    found = class_of(session, first.course or "")
    if found is None:
        return lambda _: None
    assessed = assess_class_like(session, found, first.as_of, first.model or RULES_VERSION)
    if assessed is None:
        return lambda _: None
    return lambda id_: assessed.values(id_) if id_ in assessed.students else None


def _replace_predictions(session: Session, rows: Sequence[_Due], predict: _Predict) -> int:
    # Locked before the rows are read, so that the second of two processes finds them recomputed.
    absent = ensure_and_lock(session, {row.student_id for row in rows}, utc_now()).absent
    # Rows of a student who was merged since they were read are recomputed by a later call.
    ids = [row.id for row in rows if row.student_id not in absent]
    is_left = DropoutPrediction.id.in_(ids) & DropoutPrediction.recomputed_at.is_(None)
    olds = session.scalars(select(DropoutPrediction).where(is_left)).all()
    pairs = [(old, _replacement(old, predict)) for old in olds]
    new = [row for _, row in pairs if row is not None]
    insert_many_idempotent(session, DropoutPrediction, new)
    MADE.add_on_commit(session, new)
    replace_incomplete(session, pairs, utc_now())
    return len(pairs)


def _replacement(old: DropoutPrediction, predict: _Predict) -> Row | None:
    row = predict(old.student_id)
    return row and {
        **row,
        "id": recomputed_id(old.id),
        "digest": _recomputed_digest(old.id),
        "pending_rows": 0,
        "obsolete_from": old.obsolete_from,
    }


def _recomputed_digest(id_: str) -> bytes:
    return content_digest({"again": id_})
