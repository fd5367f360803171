"""Recomputing of features and predictions that were made while rows of the student waited."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, case, select
from sqlalchemy.orm import Session

from dropout_service.database.features.incomplete import id_again, is_due
from dropout_service.database.features.store import computed_row
from dropout_service.database.predictions.batch import activities_of, judged_by_rules
from dropout_service.database.predictions.by_model import assess_course, model_row
from dropout_service.database.predictions.latest import put_in_place
from dropout_service.database.predictions.model_registry import model_of
from dropout_service.database.students.locking import ensure_and_lock
from dropout_service.errors import FeatureSetExists
from dropout_service.models import Course, DropoutPrediction, FeatureSet
from shared_db.clock import utc_now
from shared_db.errors import DatabaseUnavailable
from shared_db.repository import Repository
from shared_db.spool.pending import pending_of
from shared_db.writes.idempotent_insert import (
    content_digest,
    insert_idempotent,
    insert_many_idempotent,
)

logger = logging.getLogger(__name__)

_PAGE = 5000
_AT_ONCE = 250


@dataclass(frozen=True)
class _Due:
    """A feature set or prediction to compute again; `model` is None where rules predicted."""

    id: str
    student_id: str
    as_of: datetime
    course: str | None = None
    model: str | None = None


_FEATURES = select(FeatureSet.id, FeatureSet.student_id, FeatureSet.as_of)
_PREDICTIONS = select(
    DropoutPrediction.id,
    DropoutPrediction.student_id,
    DropoutPrediction.as_of,
    DropoutPrediction.course,
    case((DropoutPrediction.base_log_odds.is_not(None), DropoutPrediction.version)),
)


class Recomputing(Repository):
    """Features and predictions, again as of their instant, from all rows that were accepted."""

    def recompute(self) -> int:
        """Compute again what was made while rows waited that are stored now; return how many.

        Safe in several processes at once: each is done once. Those of students of whom something
        still waits in the spool of this process are left to a later call, and those of another
        host's spool to that host, for a quarter of an hour.
        """
        done = 0
        for rows in self._due(FeatureSet, _FEATURES):
            done += sum(self._again([row], self._features_again) for row in rows)
        for rows in self._due(DropoutPrediction, _PREDICTIONS):
            done += sum(self._again(group, self._predictions_again) for group in _groups(rows))
        if done:
            logger.warning("computed %d features and predictions again, with all rows", done)
        return done

    def _due(
        self, model: type[FeatureSet] | type[DropoutPrediction], query: Select[*tuple[Any, ...]]
    ) -> Iterator[list[_Due]]:
        due = query.where(is_due(model, utc_now()))
        after = ""
        while True:
            page = due.where(model.id > after).order_by(model.id).limit(_PAGE)
            with self.database.reading() as session:
                rows = [_Due(*row) for row in session.execute(page)]
            if not rows:
                return
            yield rows
            after = rows[-1].id

    def _again(self, rows: Sequence[_Due], compute: Callable[[Sequence[_Due]], int]) -> int:
        """Compute rows again of students of whom nothing waits; return how many.

        Where that fails it is done in halves, until the fault is alone.

        Raises:
            DatabaseUnavailable: the database is away.

        """
        pending = pending_of(self.database, {row.student_id for row in rows})
        rows = [row for row in rows if pending.of(row.student_id) == 0]
        if not rows:
            return 0
        try:
            return compute(rows)
        except DatabaseUnavailable:
            raise
        except Exception as failure:  # noqa: BLE001 - of one row, which must not hold up the others
            if len(rows) == 1:
                # Its text may be personal. The next call tries again.
                logger.warning("something is computed again later: %s", type(failure).__qualname__)
                return 0
        middle = len(rows) // 2
        return self._again(rows[:middle], compute) + self._again(rows[middle:], compute)

    def _features_again(self, rows: Sequence[_Due]) -> int:
        [due] = rows
        with self.database.unit_of_work() as session:
            # Locked before it is looked at, so that the second of two processes finds it done.
            if ensure_and_lock(session, [due.student_id], utc_now()):
                return 0
            old = session.get(FeatureSet, due.id)
            if old is None or old.recomputed_at is not None:
                return 0
            new = computed_row(session, due.student_id, due.as_of, id_again(due.id))
            new.digest, new.pending_rows = _digest_again(due.id), 0
            insert_idempotent(session, new, FeatureSetExists)
            old.recomputed_at = new.created_at
            return 1

    def _predictions_again(self, rows: Sequence[_Due]) -> int:
        """Predict again what was predicted of one course, at one instant, in one way."""
        with self.database.reading() as session:
            predicted = _predicted(session, rows)
        done = 0
        for start in range(0, len(rows), _AT_ONCE):
            some = rows[start : start + _AT_ONCE]
            with self.database.unit_of_work() as session:
                done += _stored(session, some, predicted)
        return done


def _groups(rows: Sequence[_Due]) -> Iterator[Sequence[_Due]]:
    """Return groups of one course, instant and model; a model assesses the course once for all."""
    found: dict[object, list[_Due]] = defaultdict(list)
    for row in rows:
        found[row.model, row.course, row.as_of].append(row)
    for group in found.values():
        size = len(group) if group[0].model else _AT_ONCE
        yield from (group[start : start + size] for start in range(0, len(group), size))


# The prediction of a student as a row without id and digest; None: not assessable.
_Predicted = Callable[[str], DropoutPrediction | None]


def _predicted(session: Session, rows: Sequence[_Due]) -> _Predicted:
    """Return what the model that predicted says now; where none can be read, what the rules say."""
    one = rows[0]
    course = None if one.course is None else session.get(Course, one.course)
    model = None if one.model is None else model_of(session, one.model)
    if course is not None and model is not None:
        assessed = assess_course(session, model, course, one.as_of)
        known = dict(assessed.enrolments)
        return lambda id_: model_row(assessed, id_, known[id_]) if id_ in known else None
    activities = activities_of(session, {row.student_id for row in rows}, one.as_of)
    judged = judged_by_rules(session, activities, one.course, one.as_of)
    assessable = judged.features.keys() - judged.missing
    return lambda id_: judged.row(id_) if id_ in assessable else None


def _stored(session: Session, rows: Sequence[_Due], predicted: _Predicted) -> int:
    # Locked before they are looked at, so that the second of two processes finds them done.
    gone = ensure_and_lock(session, {row.student_id for row in rows}, utc_now())
    ids = [row.id for row in rows if row.student_id not in gone]
    is_left = DropoutPrediction.id.in_(ids) & DropoutPrediction.recomputed_at.is_(None)
    olds = session.scalars(select(DropoutPrediction).where(is_left)).all()
    pairs = [(old, predicted(old.student_id)) for old in olds]
    for old, new in pairs:
        if new is not None:
            new.id, new.digest, new.pending_rows = id_again(old.id), _digest_again(old.id), 0
            new.obsolete_from = old.obsolete_from
    insert_many_idempotent(session, [new for _, new in pairs if new is not None])
    put_in_place(session, pairs, utc_now())
    return len(pairs)


def _digest_again(id_: str) -> bytes:
    return content_digest({"again": id_})
