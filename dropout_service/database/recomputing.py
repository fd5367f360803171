"""Recomputing of features and predictions that were made while rows of the student waited."""

import hashlib
import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, case, select
from sqlalchemy.orm import Session

from dropout_service.database.enrolment_predictions import (
    CourseAssessment,
    assess_course,
    model_row,
)
from dropout_service.database.features import computed_row
from dropout_service.database.incomplete import is_due
from dropout_service.database.latest import put_in_place
from dropout_service.database.learned_models import model_of
from dropout_service.database.predicting import by_rules, open_enrolments
from dropout_service.database.presence import admit_one
from dropout_service.errors import (
    CourseNotFound,
    FeatureSetExists,
    NotAssessable,
    PredictionExists,
    StudentDeleted,
)
from dropout_service.models import Course, DropoutPrediction, FeatureSet
from shared_db.clock import utc_now
from shared_db.errors import DatabaseUnavailable
from shared_db.naming import digest_of, store_one
from shared_db.part import Part
from shared_db.pending import pending_of

logger = logging.getLogger(__name__)

_PAGE = 5000


@dataclass(frozen=True)
class _Due:
    """A feature set or prediction to compute again; `model` is None where rules predicted."""

    id: str
    student_id: str
    as_of: datetime
    course: str | None = None
    model: str | None = None


# Stores what is computed in the place of the old row; returns False if that was done before.
_Again = Callable[[Session, _Due], bool]

_FEATURES = select(FeatureSet.id, FeatureSet.student_id, FeatureSet.as_of)
_PREDICTIONS = select(
    DropoutPrediction.id,
    DropoutPrediction.student_id,
    DropoutPrediction.as_of,
    DropoutPrediction.course,
    case((DropoutPrediction.base_log_odds.is_not(None), DropoutPrediction.version)),
)


class Recomputing(Part):
    """Features and predictions, again as of their instant, from all rows that were accepted."""

    def recompute(self) -> int:
        """Compute again what was made while rows waited that are stored now; return how many.

        Safe in several processes at once: each is done once. Those of students of whom something
        still waits in the spool of this process are left to a later call, and those of another
        host's spool to that host, for a quarter of an hour.
        """
        done = 0
        for rows in self._due(FeatureSet, _FEATURES):
            done += self._all_again(rows, _features_again)
        for rows in self._due(DropoutPrediction, _PREDICTIONS):
            for group in _by_course(rows):
                done += self._predictions_again(group)
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
            after = rows[-1].id
            pending = pending_of(self.database, {row.student_id for row in rows})
            yield [row for row in rows if pending.of(row.student_id) == 0]

    def _predictions_again(self, group: Sequence[_Due]) -> int:
        """Predict again what one model said of a course at an instant, or what the rules said."""
        first, assessed = group[0], None
        with _going_on():
            if first.model is not None:
                with self.database.reading() as session:
                    assessed = _assessed(session, first, first.model)
            return self._all_again(
                group, lambda session, due: _prediction_again(session, due, assessed)
            )
        return 0

    def _all_again(self, rows: Sequence[_Due], again: _Again) -> int:
        return sum(self._one_again(row, again) for row in rows)

    def _one_again(self, due: _Due, again: _Again) -> bool:
        # Once more: computing those before may have taken minutes.
        if pending_of(self.database, [due.student_id]).of(due.student_id) != 0:
            return False
        with _going_on(), self.database.unit_of_work() as session:
            # Locked before anything is read, so that the second of two processes finds it done.
            admit_one(session, due.student_id, utc_now())
            return again(session, due)
        return False


def _by_course(rows: Sequence[_Due]) -> list[list[_Due]]:
    """Return groups of one course, instant and model each: a model assesses a whole course."""
    groups: dict[object, list[_Due]] = defaultdict(list)
    for row in rows:
        groups[row.model and (row.model, row.course, row.as_of)].append(row)
    return list(groups.values())


@contextmanager
def _going_on() -> Iterator[None]:
    """Log a failure of one row, which must not hold up the others; the next call tries again.

    Raises:
        DatabaseUnavailable: the database is away.

    """
    try:
        yield
    except StudentDeleted:
        logger.info("a student was erased before something was computed again")
    except DatabaseUnavailable:
        raise
    except Exception as failure:  # noqa: BLE001 - of one row; its text may be personal
        logger.warning("something is computed again later: %s", type(failure).__qualname__)


def _assessed(session: Session, due: _Due, version: str) -> CourseAssessment | None:
    """Return what the model says; None where the rules predict: no model can be read."""
    course, model = session.get(Course, due.course), model_of(session, version)
    if course is None or model is None:
        return None
    return assess_course(session, model, course, due.as_of)


def _features_again(session: Session, due: _Due) -> bool:
    old = session.get(FeatureSet, due.id)
    if old is None or old.recomputed_at is not None:
        return False
    new = computed_row(session, due.student_id, due.as_of, _id_again(due))
    new.digest, new.pending_rows = _digest_again(due), 0
    store_one(session, new, FeatureSetExists)
    old.recomputed_at = new.created_at
    return True


def _prediction_again(session: Session, due: _Due, assessed: CourseAssessment | None) -> bool:
    old = session.get(DropoutPrediction, due.id)
    if old is None or old.recomputed_at is not None:
        return False
    new = _predicted(session, due, assessed)
    if new is not None:
        new.id, new.digest, new.pending_rows = _id_again(due), _digest_again(due), 0
        new.obsolete_from = old.obsolete_from
        store_one(session, new, PredictionExists)
    put_in_place(session, old, new, utc_now())
    return True


def _predicted(
    session: Session, due: _Due, assessed: CourseAssessment | None
) -> DropoutPrediction | None:
    """Return the prediction without id and digest; None if it turned out not to be assessable."""
    if assessed is not None:
        found = dict(assessed.enrolments).get(due.student_id)
        return None if found is None else model_row(assessed, due.student_id, found)
    try:
        if due.course is not None:
            open_enrolments(session, due.student_id, due.course, due.as_of)
        return by_rules(session, due.student_id, due.course, due.as_of)
    except (CourseNotFound, NotAssessable):
        return None


def _id_again(due: _Due) -> str:
    """Return the id of what is computed again: one for each old row."""
    return "again-" + hashlib.blake2b(due.id.encode(), digest_size=16).hexdigest()


def _digest_again(due: _Due) -> bytes:
    return digest_of({"again": due.id})
