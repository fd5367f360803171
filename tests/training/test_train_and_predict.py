"""`veritas train`, `predict`, and predictions by the model, on three completed courses."""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from math import log

import pytest
from sqlalchemy import select, text
from starlette.testclient import TestClient
from typer.testing import Result

import dropout_service.main
from dropout_service.database import DropoutDatabaseManager, EventToStore
from dropout_service.database.courses.bulk_import import SubmissionToStore
from dropout_service.domain.enrolments.outcome_targets import Target
from dropout_service.domain.enums import EventType
from dropout_service.models import Course, DropoutPrediction, Enrolment, Submission
from dropout_service.settings import Settings
from shared_db.connection.database import Database
from shared_db.settings import Environment, Fallback
from staffstuddash_service.datastore import DatastoreManager
from tests.support.databases import LOOPBACK, engine_on
from tests.support.oulad_fixtures.imported import Run
from tests.training.conftest import DAY_56_OF_CCC

DAY_56 = datetime(2014, 3, 29, 23, 59, 59, tzinfo=UTC)
DAY_90 = datetime(2014, 5, 2, 12, tzinfo=UTC)


@pytest.fixture
def manager(past_url: str, by_model: Result) -> DropoutDatabaseManager:
    assert by_model.exit_code == 0, by_model.output
    return DropoutDatabaseManager(Database.for_bind(engine_on(past_url)))


def latest(manager: DropoutDatabaseManager) -> list[DropoutPrediction]:
    query = select(DropoutPrediction).where(DropoutPrediction.is_latest)
    with manager.database.reading() as session:
        return list(session.scalars(query.order_by(DropoutPrediction.student_id)))


def test_without_a_model_the_rules_judge_the_enrolments(
    by_rules: Result, manager: DropoutDatabaseManager
) -> None:
    with manager.database.reading() as session:
        rules = DropoutPrediction.version.startswith("rules-")
        rows = session.scalars(select(DropoutPrediction).where(rules)).all()

    assert "Predicted by rules-" in by_rules.output
    assert {row.course for row in rows} == {"CCC-2014B"}
    assert all(row.base_log_odds is None for row in rows)


def test_two_trainings_at_once_succeed(
    trained: tuple[str, str], manager: DropoutDatabaseManager
) -> None:
    models = {model.target: model.id for model in manager.models.search()}

    assert models.keys() == {Target.WITHDRAWN, Target.WITHDRAWN_OR_FAIL}
    for target, output in zip((Target.WITHDRAWN, Target.WITHDRAWN_OR_FAIL), trained, strict=True):
        assert f"{models[target]} predicts from now on: {target}" in output


def test_the_model_trained_last_is_active(
    trained_again: tuple[set[str], Result], manager: DropoutDatabaseManager
) -> None:
    before, again = trained_again
    models = {model.target: model for model in manager.models.search()}
    active, other = models[Target.WITHDRAWN_OR_FAIL], models[Target.WITHDRAWN]

    assert (active.is_active, other.is_active) == (True, False)
    assert active.id in again.output
    # The same courses gave the same model again.
    assert {active.id, other.id} == before
    assert other.training["courses"].keys() == {"AAA-2013B", "AAA-2013J", "BBB-2013B"}
    assert other.metrics.keys() == {"without_activity", "with_activity"}
    assert other.metrics["without_activity"][2]["roc_auc"] > 0.5


def test_a_course_is_ranked_with_reasons_that_add_up(
    by_model: Result, manager: DropoutDatabaseManager
) -> None:
    version = next(model.id for model in manager.models.search() if model.is_active)
    # Students who left after the day of the rules keep the latest prediction by the rules.
    rows = [row for row in latest(manager) if row.version == version]
    assert f" enrolments as of {DAY_56:%Y-%m-%d}" in by_model.output
    assert f"Predicted by {version}." in by_model.output
    assert f"{version} tells who ends as withdrawn_or_fail." in by_model.output
    assert {row.course_ranked for row in rows} == {len(rows)}
    assert min(row.course_rank or 0 for row in rows) == 1
    for row in rows:
        reasons = [*row.primary_indicators, *row.secondary_indicators]
        total = (row.base_log_odds or 0) + sum(one["contribution"] for one in reasons)
        assert total == pytest.approx(log(row.risk_score / (1 - row.risk_score)))
        assert "activity" not in {one["name"] for one in reasons}
    assert "for instance oulad-4" in by_model.output
    assert "the student left the course on its day" in by_model.output


def test_the_model_leaves_a_restricted_student_out(manager: DropoutDatabaseManager) -> None:
    restrictions = DatastoreManager(manager.database).restrictions
    before = manager.batch_predictions.assess_course("CCC-2014B", DAY_56)
    assert before is not None
    student = before.enrolments[0][0]
    restrictions.put(student, actor="office")
    during = manager.batch_predictions.assess_course("CCC-2014B", DAY_56)
    restrictions.lift(student, actor="office")
    after = manager.batch_predictions.assess_course("CCC-2014B", DAY_56)

    assert during is not None
    assert not before.restricted
    assert during.restricted == {student}
    assert student not in dict(during.enrolments)
    assert student not in dict(during.not_assessable)
    assert len(during.enrolments) == len(before.enrolments) - 1
    assert {one.ranked for _, one in during.enrolments} == {len(before.enrolments) - 1}
    assert after == before


@pytest.mark.usefixtures("by_model")
def test_the_same_again_stores_nothing_new(run_on_past: Run) -> None:
    result = run_on_past("predict", *DAY_56_OF_CCC)

    assert " 0 predictions stored" in result.output


def test_all_students_are_judged_once(run_on_past: Run, manager: DropoutDatabaseManager) -> None:
    result = run_on_past("predict", "--all", "--as-of", "2014-03-20T00:00:00Z")

    assert result.exit_code == 0, result.output
    assert "AAA-2013J" in {row.course for row in latest(manager)}
    assert re.search(r"\d+ enrolments by the model and \d+ students by the rules", result.output)
    # The list names the course of each risk.
    assert any(f"│ {row.course} " in result.output for row in latest(manager) if row.course)


def test_submitting_missed_work_lowers_the_risk(manager: DropoutDatabaseManager) -> None:
    late = [row for row in latest(manager) if row.course == "CCC-2014B" and _missed(row)]
    worst = max(late, key=lambda row: row.risk_score)
    with manager.database.reading() as session:
        query = select(Submission.coursework_id, Submission.submitted_day, Enrolment.id)
        of_student = Enrolment.student_id == worst.student_id
        handed_in = session.execute(
            query.select_from(Enrolment)
            .outerjoin(Submission, Submission.enrolment_id == Enrolment.id)
            .where(of_student)
        ).all()
    missed = {f"oulad-3{n}" for n in range(3)} - {row.coursework_id for row in handed_in}
    before = manager.predictions.predict(worst.student_id, as_of=DAY_56, course="CCC-2014B")

    manager.courses.import_submissions(
        [
            SubmissionToStore(
                f"extra-{id_}", worst.student_id, handed_in[0].id, id_, 10 + 14 * n, 100.0
            )
            for n, id_ in enumerate(sorted(missed))
        ]
    )

    after = manager.predictions.predict(worst.student_id, as_of=DAY_56, course="CCC-2014B")
    assert (before.version, before.risk_score) == (worst.version, worst.risk_score)
    assert after.risk_score < before.risk_score


def _missed(row: DropoutPrediction) -> bool:
    reasons = {one["name"]: one for one in [*row.primary_indicators, *row.secondary_indicators]}
    return "missed_work" in reasons and bool(reasons["missed_work"]["value"])


def test_data_after_the_cut_off_do_not_change_a_prediction(
    past_url: str, manager: DropoutDatabaseManager
) -> None:
    before = manager.batch_predictions.assess_course("CCC-2014B", DAY_56)
    assert before is not None
    students = [student_id for student_id, _ in before.enrolments]
    with engine_on(past_url).connect() as connection, connection.begin() as transaction:
        later = DropoutDatabaseManager(Database.for_bind(connection))
        noise = (EventType.RESOURCE_VIEW, None, None, "CCC-2014B", {"clicks": 9}, DAY_90)
        later.events.add_many([EventToStore(id_, *noise) for id_ in students])
        for change in (
            "UPDATE dropout.submissions SET score = 0 WHERE submitted_day > 56",
            "UPDATE dropout.submissions SET submitted_day = 200 WHERE submitted_day > 56",
            "UPDATE dropout.enrolments SET unregistered_day = 57 WHERE unregistered_day IS NULL",
            "UPDATE dropout.enrolments SET unregistered_day = 57 WHERE unregistered_day > 57",
        ):
            assert connection.execute(text(change)).rowcount
        after, on_day_90 = (
            later.batch_predictions.assess_course("CCC-2014B", at) for at in (DAY_56, DAY_90)
        )
        transaction.rollback()

    assert after == before
    assert on_day_90 is not None
    assert not on_day_90.enrolments


def test_many_recent_leavers_raise_the_base_of_the_others(
    past_url: str, manager: DropoutDatabaseManager
) -> None:
    before = manager.batch_predictions.assess_course("CCC-2014B", DAY_56)
    assert before is not None
    others = dict(before.enrolments)
    leave = text("UPDATE dropout.enrolments SET unregistered_day = 50 WHERE student_id = ANY(:ids)")
    with engine_on(past_url).connect() as connection, connection.begin() as transaction:
        connection.execute(leave, {"ids": sorted(others)[::3]})
        later = DropoutDatabaseManager(Database.for_bind(connection))
        after = later.batch_predictions.assess_course("CCC-2014B", DAY_56)
        transaction.rollback()
    assert after is not None
    assert len({one.base_log_odds for _, one in after.enrolments}) == 1
    rise = [one.risk_score - others[id_].risk_score for id_, one in after.enrolments]
    assert sum(rise) / len(rise) > 0.002


@pytest.fixture
def client(manager: DropoutDatabaseManager) -> Iterator[TestClient]:
    """Yield a client of the service on that database."""
    settings = Settings(environment=Environment.DEVELOPMENT, fallback=Fallback.OFF)
    service = dropout_service.main.create_app(manager, settings)
    with TestClient(service, f"http://{LOOPBACK}", client=(LOOPBACK, 50000)) as client:
        yield client


def test_an_enrolment_is_predicted_by_the_model_over_http(
    client: TestClient, manager: DropoutDatabaseManager
) -> None:
    student, predictions = latest(manager)[-1].student_id, "/api/v1/students/{}/predictions"
    body = {"id": "by-model", "as_of": DAY_56.isoformat(), "course": "CCC-2014B"}

    answers = [client.post(predictions.format(student), json=body) for _ in range(2)]
    made = answers[0].json()

    assert [answer.status_code for answer in answers] == [201, 201], answers[0].text
    assert answers[1].headers["Idempotent-Replay"] == "true"
    assert answers[1].json() == made
    active = manager.models.get_active()
    assert active is not None
    assert (made["version"], made["course"]) == (active.version, "CCC-2014B")
    reasons = [*made["primary_indicators"], *made["secondary_indicators"]]
    total = made["base_log_odds"] + sum(one["contribution"] for one in reasons)
    assert total == pytest.approx(log(made["risk_score"] / (1 - made["risk_score"])))
    assert 1 <= made["course_rank"] <= made["course_ranked"]
    listed = client.get(predictions.format(student), params={"course": "CCC-2014B"}).json()
    assert "by-model" in {one["id"] for one in listed["items"]}


@pytest.mark.parametrize(
    ("course", "as_of", "status", "why"),
    [
        ("AAA-2013B", DAY_56, 422, "not enrolled in AAA-2013B"),
        ("CCC-2014B", datetime(2013, 12, 1, tzinfo=UTC), 422, "begins on 2014-02-01"),
        ("CCC-2014B", datetime(2015, 12, 1, tzinfo=UTC), 422, "was over on 2014-09-29"),
        ("CCC-1999B", DAY_56, 404, "CCC-1999B"),
    ],
)
def test_the_reason_for_no_assessment_is_in_the_response(
    client: TestClient,
    manager: DropoutDatabaseManager,
    course: str,
    as_of: datetime,
    status: int,
    why: str,
) -> None:
    student = latest(manager)[-1].student_id
    body = {"as_of": as_of.isoformat(), "course": course}

    answer = client.post(f"/api/v1/students/{student}/predictions", json=body)

    assert answer.status_code == status, answer.text
    assert why in answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"


def test_leavers_and_later_or_unknown_enrolments_are_not_assessable(
    client: TestClient, manager: DropoutDatabaseManager
) -> None:
    course, begins = "bare-2015X", date(2014, 2, 1)
    students = [row.student_id for row in latest(manager)[:3]]
    why = (
        "the student left the course on its day 10",
        "the student was not registered by then",
        "nothing is known of the enrolment",
    )
    stays: tuple[dict[str, int], ...] = ({"unregistered_day": 10}, {"registered_day": 100}, {})
    bare = {"id": course, "module": "bare", "presentation": "2015X", "digest": b"0"}
    with manager.database.unit_of_work() as session:
        session.add(Course(**bare, starts_on=begins, length_days=200))
        session.flush()
        for student, stay in zip(students, stays, strict=True):
            ids = {"id": f"bare-{student}", "student_id": student, "course_id": course}
            session.add(Enrolment(**ids, **stay, digest=b"0"))

    body = {"as_of": DAY_56.isoformat(), "course": course}
    answers = [client.post(f"/api/v1/students/{id_}/predictions", json=body) for id_ in students]

    assert [answer.status_code for answer in answers] == [422] * 3
    for answer, reason in zip(answers, why, strict=True):
        assert reason in answer.json()["missing"]
    assert manager.course_risks.search(course).items == []
