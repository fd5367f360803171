"""Predictions of running classes by a model that learned from a term that is over."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
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
from shared_db.connection.database import Database
from staffstuddash_service.domain.roster import Term, TermType
from tests.support.databases import engine_on
from tests.support.factories import NOON
from tests.support.oulad_fixtures.learned import a_model, trained
from tests.support.past_terms import LEAVERS, PastSchool, day_of, fill_class, noon
from tests.support.rosters import outcomes
from tests.support.server import admin_url, create_database, drop_database, new_name
from tests.training.conftest import once

STUDENTS = [f"s{number:03}" for number in range(60)]
FIRST, SECOND = STUDENTS[:30], STUDENTS[30:]
AS_OF = noon("now", 29)


@pytest.fixture(scope="module")
def term_template(template_name: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Give a database with a model of three classes of the autumn; others run now."""
    name = new_name()
    url = create_database(admin_url(), name, template=template_name)
    engine = engine_on(url)
    school = PastSchool(Database.for_bind(engine))
    school.add_students(*STUDENTS, "new")
    for term in ("autumn", "spring", "now"):
        for number, some in enumerate((FIRST, SECOND)):
            fill_class(school, f"{term}-{number}", term, some)
    fill_class(school, "autumn-2", "autumn", FIRST)
    folder = tmp_path_factory.mktemp("train")
    result = once(url, folder, "train", "--train", "autumn")
    assert result.exit_code == 0, result.output
    engine.dispose()
    yield name
    drop_database(admin_url(), name)


@pytest.fixture
def term_url(term_template: str) -> Iterator[str]:
    """Give a copy of the database."""
    name = new_name()
    yield create_database(admin_url(), name, template=term_template)
    drop_database(admin_url(), name)


@pytest.fixture
def school(term_url: str) -> PastSchool:
    """Give the school of that copy."""
    return PastSchool(Database.for_bind(engine_on(term_url)))


def assess(school: PastSchool, course: str, as_of: datetime = AS_OF) -> ClassAssessment:
    assessed = school.dropout.batch_predictions.assess_class(course, as_of)
    assert assessed is not None
    return assessed


def predict(school: PastSchool, course: str, as_of: datetime = AS_OF) -> ClassAssessment:
    """Predict a class as `veritas predict --course` does."""
    assessed = assess(school, course, as_of)
    batch = school.dropout.batch_predictions
    batch.add_class_assessments([(assessed, id_) for id_ in assessed.students])
    batch.supersede_outdated(as_of, course)
    return assessed


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
    assessed = predict(school, "now-0")
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
    expected = assess(school, "now-0")

    alone = school.dropout.predictions.predict(FIRST[3], as_of=AS_OF, course="now-0")

    assert content(alone) == content(expected.values(FIRST[3]))


def test_the_overall_risk_stays_that_of_the_rules(school: PastSchool) -> None:
    overall = school.dropout.predictions.predict(FIRST[0], as_of=AS_OF)
    predict(school, "now-0")
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

    assert assess(school, "now-0", noon("now", 1)).is_by_model
    first_day = assess(school, "now-0", noon("now", 0))
    assert (first_day.version, len(first_day.students)) == (RULES_VERSION, 0)
    for id_, count in (("none", 30), ("short", 30), ("unknown", 0)):
        assessed = assess(school, id_)
        assert (assessed.version, len(assessed.students)) == (RULES_VERSION, count), id_


def test_a_model_of_failures_judges_no_class(school: PastSchool) -> None:
    school.dropout.models.add(a_model(0.0), Target.WITHDRAWN_OR_FAIL, {})

    assert assess(school, "now-0").version == RULES_VERSION


def test_nothing_later_than_the_last_whole_day_counts(school: PastSchool) -> None:
    before = contents(assess(school, "now-0"))
    school.work("now-0", "now", FIRST[1], 29, 30)
    school.mark("now", FIRST[1], 29, 20)
    school.enrol("now-0", "now", "new", first=30)
    school.end_enrolment("now-0", FIRST[3], 30)

    later = assess(school, "now-0")

    assert contents(later) == before
    assert later.not_assessable == {"new": "the student was not registered by then"}


def test_leavers_and_newcomers_have_no_place(school: PastSchool) -> None:
    predict(school, "now-1", noon("now", 25))
    school.datastore.restrictions.put(SECOND[20], "objection", actor="office")
    school.enrol("now-1", "now", "new", first=29)
    school.end_enrolment("now-1", SECOND[21], 28)

    assessed = predict(school, "now-1")

    assert (assessed.is_by_model, assessed.restricted) == (True, frozenset({SECOND[20]}))
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
    assert predict(school, "now-0", morning).version == RULES_VERSION
    school.dropout.models.activate(model.id)

    alone = school.dropout.predictions.predict(FIRST[0], as_of=AS_OF, course="now-0")
    assert alone.version == RULES_VERSION
    next_day = AS_OF + timedelta(days=1)
    later = school.dropout.predictions.predict(FIRST[1], as_of=next_day, course="now-0")
    assert later.version == model.id

    assert predict(school, "now-0", evening).version == model.id
    rows = school.dropout.course_risks.search("now-0").items
    assert {row.version for row in rows} == {model.id}


def test_the_way_of_the_first_prediction_is_kept(school: PastSchool) -> None:
    [model] = school.dropout.models.search()
    predict(school, "now-0")
    deactivate(school)
    predict(school, "now-1")
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
    predict(school, "now-0")
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
    assert assess(school, "now-0").version == RULES_VERSION
    for student in FIRST:
        for day in (3, 9):
            school.mark("now", student, day, 40 + day)

    assert assess(school, "now-0").is_by_model


def test_weeks_of_the_model_have_classes(school: PastSchool) -> None:
    for number in (0, 1):
        predict(school, f"spring-{number}", noon("spring", 28))
        predict(school, f"now-{number}", noon("now", 14))
    school.end_enrolment("now-1", SECOND[26], 20)
    school.end_enrolment("now-1", SECOND[25], 20)
    school.enrol("now-0", "now", SECOND[25], first=20)
    assert school.dropout.model_weeks.refresh() == 2
    [model] = school.dropout.models.search()

    running, over = school.dropout.model_weeks.search(model.id)

    assert (over.predictions, over.known, over.left) == (60, 60, 2 * LEAVERS)
    assert over.observed_share == pytest.approx(LEAVERS / 30)
    assert (running.predictions, running.known, running.left) == (60, 0, 1)


def test_the_command_counts_the_classes_of_each_way(
    school: PastSchool, term_url: str, tmp_path: Any
) -> None:
    school.add_class("none", "", term_ids=())
    school.enrol("none", "now", *FIRST)
    at = ("--as-of", AS_OF.isoformat())

    everybody = once(term_url, tmp_path, "predict", "--all", *at).output
    of_class = once(term_url, tmp_path, "predict", "--course", "now-0", *at)

    assert "3 classes (2 by the model, 1 by the rules): 60 predictions stored" in everybody
    assert "30 enrolments as of" in of_class.output
    assert "0 predictions stored, 30 already there" in of_class.output
