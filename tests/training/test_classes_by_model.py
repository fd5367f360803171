"""Predictions of running classes by a model that learned from a term that is over."""

from collections.abc import Mapping
from datetime import timedelta
from math import log
from typing import Any

import pytest
from sqlalchemy import update

from dropout_service.database.predictions.by_class import (
    JOINED_TODAY,
    ClassAssessment,
)
from dropout_service.domain.enrolments.outcome_targets import Target
from dropout_service.domain.rules.risk import RULES_VERSION
from dropout_service.errors import NotAssessable, PredictionNotFound
from dropout_service.models import DropoutPrediction, LearnedModel
from staffstuddash_service.domain.roster import Term, TermType
from tests.support.factories import NOON
from tests.support.oulad_fixtures.learned import a_model, trained
from tests.support.past_terms import FIRST, LEAVERS, SECOND, STUDENTS, PastSchool, day_of, noon
from tests.support.rosters import outcomes

AS_OF = noon("now", 29)


def content(row: Mapping[str, Any] | DropoutPrediction) -> dict[str, Any]:
    """Return the predicted values, without the ids and the time of the computation."""
    names = ("risk_score", "base_log_odds", "confidence", "primary_indicators", "version")
    places = ("course", "course_rank", "course_ranked", "is_class", "as_of", "missing")
    values = row if isinstance(row, Mapping) else vars(row)
    return {name: values[name] for name in (*names, *places)}


def contents(assessed: ClassAssessment) -> dict[str, dict[str, Any]]:
    return {id_: content(assessed.values(id_)) for id_ in assessed.students}


def deactivate(school: PastSchool) -> None:
    """Make no model the active one."""
    with school.dropout.database.unit_of_work() as session:
        session.execute(update(LearnedModel).values(is_active=False))


def make_incomplete(school: PastSchool, *students: str) -> None:
    """Change the students' predictions as if rows of theirs had waited."""
    waiting = {"pending_rows": 1, "pending_on": "gone", "created_at": NOON}
    with school.dropout.database.unit_of_work() as session:
        is_theirs = DropoutPrediction.student_id.in_(students)
        session.execute(update(DropoutPrediction).where(is_theirs).values(waiting))


def test_a_running_class_is_judged_by_the_model_with_places(school: PastSchool) -> None:
    [model] = school.dropout.models.search()
    assessed = school.predict_class("now-0", AS_OF)
    rows = school.dropout.course_risks.search("now-0").items

    assert (assessed.version, assessed.not_assessable) == (model.id, {})
    assert [row.student_id for row in rows][:LEAVERS] == list(assessed.students)[:LEAVERS]
    # One of the leavers worked until five days before.
    assert len(set(FIRST[:LEAVERS]) & {row.student_id for row in rows[:LEAVERS]}) >= LEAVERS - 1
    assert [row.course_rank for row in rows if row.course_rank == 1] == [1]
    assert {row.course_ranked for row in rows} == {30}
    for row in rows:
        assert (row.is_class, row.momentum_index, row.is_overall) == (True, None, False)
        parts = [*row.primary_indicators, *row.secondary_indicators]
        log_odds = log(row.risk_score / (1 - row.risk_score))
        assert row.base_log_odds is not None
        total = row.base_log_odds + sum(one["contribution"] for one in parts)
        assert total == pytest.approx(log_odds)


def test_a_single_prediction_equals_that_of_the_class(school: PastSchool) -> None:
    expected = school.assess_class("now-0", AS_OF)

    alone = school.dropout.predictions.predict(FIRST[3], as_of=AS_OF, course="now-0")

    assert content(alone) == content(expected.values(FIRST[3]))


def test_the_overall_risk_stays_that_of_the_rules(school: PastSchool) -> None:
    overall = school.dropout.predictions.predict(FIRST[0], as_of=AS_OF)
    school.predict_class("now-0", AS_OF)
    batch = school.dropout.batch_predictions.predict_by_rules(AS_OF)

    assert overall.version == RULES_VERSION
    assert school.dropout.predictions.get_latest(FIRST[0]).risk_score == overall.risk_score
    assert {row.student_id for row in school.dropout.predictions.search()} == set(STUDENTS)
    assert (batch.students, batch.not_assessable) == (len(STUDENTS) + 1, 1)
    school.dropout.merging.merge("new", FIRST[0])
    assert school.dropout.predictions.get_latest(FIRST[0]).course is None


def test_classes_that_no_model_can_judge_keep_the_rules(school: PastSchool) -> None:
    first = day_of("now", 10)
    short = Term("short", "short", TermType.TERM, first, first + timedelta(days=26))
    outcomes(school.datastore, short)
    for id_, terms in (("none", ()), ("short", ("short",)), ("unknown", ("now",))):
        school.add_class(id_, "", term_ids=terms)
        school.enrol(id_, "now", *FIRST)
    for id_ in ("none", "short"):
        for student in FIRST:
            school.work(id_, "now", student, *range(0, 26, 3))

    assert school.assess_class("now-0", noon("now", 1)).is_by_model
    first_day = school.assess_class("now-0", noon("now", 0))
    assert (first_day.version, len(first_day.students)) == (RULES_VERSION, 0)
    for id_, count in (("none", 30), ("short", 30), ("unknown", 0)):
        assessed = school.assess_class(id_, AS_OF)
        assert (assessed.version, len(assessed.students)) == (RULES_VERSION, count), id_


def test_a_model_of_failures_judges_no_class(school: PastSchool) -> None:
    school.dropout.models.add(a_model(0.0), Target.WITHDRAWN_OR_FAIL, {})

    assert school.assess_class("now-0", AS_OF).version == RULES_VERSION


def test_nothing_later_than_the_last_whole_day_counts(school: PastSchool) -> None:
    before = contents(school.assess_class("now-0", AS_OF))
    school.work("now-0", "now", FIRST[1], 29, 30)
    school.mark("now", FIRST[1], 29, 20)
    school.enrol("now-0", "now", "new", first=30)
    school.end_enrolment("now-0", FIRST[3], 30)

    later = school.assess_class("now-0", AS_OF)

    assert contents(later) == before
    assert later.not_assessable == {"new": "the student was not registered by then"}


def test_leavers_and_newcomers_have_no_place(school: PastSchool) -> None:
    school.predict_class("now-1", noon("now", 25))
    school.datastore.restrictions.put(SECOND[20], "objection", actor="office")
    school.enrol("now-1", "now", "new", first=29)
    school.end_enrolment("now-1", SECOND[21], 28)

    assessed = school.predict_class("now-1", AS_OF)

    assert assessed.is_by_model
    assert assessed.restricted == {SECOND[20]}
    assert assessed.not_assessable == {
        "new": JOINED_TODAY,
        SECOND[21]: f"the student left the course on {day_of('now', 28)}",
    }
    assert {row["course_ranked"] for row in assessed.students.values()} == {28}
    with pytest.raises(PredictionNotFound):
        school.dropout.predictions.get_latest(SECOND[21], course="now-1")
    with pytest.raises(NotAssessable, match=JOINED_TODAY):
        school.dropout.predictions.predict("new", as_of=AS_OF, course="now-1")


def test_a_single_prediction_is_made_in_the_way_of_the_day(school: PastSchool) -> None:
    [model] = school.dropout.models.search()
    deactivate(school)
    morning, evening = AS_OF - timedelta(hours=3), AS_OF + timedelta(hours=3)
    school.enrol("now-0", "now", "new", first=29)
    school.work("now-0", "now", "new", 29)
    assert school.predict_class("now-0", morning).version == RULES_VERSION
    school.dropout.models.activate(model.id)

    alone = school.dropout.predictions.predict(FIRST[0], as_of=AS_OF, course="now-0")
    assert alone.version == RULES_VERSION
    next_day = AS_OF + timedelta(days=1)
    later = school.dropout.predictions.predict(FIRST[1], as_of=next_day, course="now-0")
    assert later.version == model.id

    assert school.predict_class("now-0", evening).version == model.id
    rows = school.dropout.course_risks.search("now-0").items
    assert {row.version for row in rows} == {model.id}


def test_the_way_of_the_first_prediction_is_kept(school: PastSchool) -> None:
    [model] = school.dropout.models.search()
    school.predict_class("now-0", AS_OF)
    deactivate(school)
    school.predict_class("now-1", AS_OF)
    school.dropout.models.add(a_model(1.0), Target.WITHDRAWN, {})
    chosen = [FIRST[5], SECOND[5]]
    make_incomplete(school, *chosen)

    assert school.dropout.recomputing.run() == 2

    versions = {"now-0": model.id, "now-1": RULES_VERSION}
    for student, (course, version) in zip(chosen, versions.items(), strict=True):
        found = school.dropout.predictions.get_latest(student, course=course)
        assert (found.version, found.pending_rows, found.is_class) == (version, 0, True)
        assert (found.course_ranked, found.is_overall) == (30, False)


def test_without_any_usable_model_a_recomputed_prediction_is_withdrawn(school: PastSchool) -> None:
    school.predict_class("now-0", AS_OF)
    make_incomplete(school, FIRST[5])
    with school.dropout.database.unit_of_work() as session:
        session.execute(update(LearnedModel).values(variants={}, is_active=False))
        session.execute(update(LearnedModel).values(id="model-0"))

    assert school.dropout.recomputing.run() == 1

    with pytest.raises(PredictionNotFound):
        school.dropout.predictions.get_latest(FIRST[5], course="now-0")


def test_a_class_of_which_the_model_knows_too_little_keeps_the_rules(school: PastSchool) -> None:
    # It learned from missed work and marks, which a class without marks does not have.
    school.dropout.models.add(trained(), Target.WITHDRAWN, {})
    assert school.assess_class("now-0", AS_OF).version == RULES_VERSION
    for student in FIRST:
        for day in (3, 9):
            school.mark("now", student, day, 40 + day)

    assert school.assess_class("now-0", AS_OF).is_by_model
