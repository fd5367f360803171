"""Changes near the top of a course, on both stores."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from dropout_service.database import DropoutDatabaseManager
from dropout_service.domain.enums import DropoutType
from dropout_service.domain.rules.risk import IndicatorResult
from dropout_service.models import Course, DropoutPrediction
from shared_db.clock import utc_now
from tests.support.databases import become_owner
from tests.support.factories import NOON, a_learning_event, days

COURSES = "/api/v1/courses"
Predict = Callable[..., None]


def sign(name: str) -> IndicatorResult:
    return IndicatorResult(name, DropoutType.SILENT, 1, None, 0.5, 0.2, f"{name}.")


@pytest.fixture
def predict(db_manager: DropoutDatabaseManager) -> Predict:
    """Give a function that stores the ranked predictions of a course at an instant."""
    with db_manager.database.unit_of_work() as session:
        for id_ in ("art", "bio"):
            row = {"id": id_, "module": id_, "presentation": "1", "length_days": 3000}
            session.add(Course(**row, starts_on=date(2025, 9, 1), digest=b"0"))

    def predict(
        as_of: datetime,
        *ordered: str,
        course: str = "art",
        version: str = "model-1",
        is_ranked: bool = True,
        **signs: str,
    ) -> None:
        for at, student in enumerate(ordered):
            named = signs.get(student, "pause").split()
            id_ = f"{course}-{student}-{as_of:%m%d}"
            risk = 0.9 - at / 10
            db_manager.predictions.add(
                id_,
                student,
                "SILENT",
                risk,
                as_of=as_of,
                course=course,
                version=version,
                primary_indicators=[sign(name) for name in named],
            )
            if not is_ranked:
                continue
            ranks = {"course_rank": at + 1, "course_ranked": len(ordered)}
            with db_manager.database.unit_of_work() as session:
                become_owner(session)
                change = update(DropoutPrediction).where(DropoutPrediction.id == id_)
                session.execute(change.values(**ranks))

    return predict


def changes(client: TestClient, course: str = "art", **query: Any) -> dict[str, Any]:
    answer = client.get(f"{COURSES}/{course}/changes", params=query)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def brief(places: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    fields = ("student_id", "place", "place_before", "new_reasons")
    return [tuple(one[name] for name in fields) for one in places]


def test_students_enter_stay_and_leave(dropout_client: TestClient, predict: Predict) -> None:
    predict(NOON, "ada", "bob", "cyd")
    predict(NOON + days(7), "ada", "cyd", "bob", ada="late_work pause")

    found = changes(dropout_client, top=2)

    assert brief(found["entered"]) == [("cyd", 2, 3, [])]
    assert brief(found["stayed"]) == [("ada", 1, 1, ["late_work"])]
    assert brief(found["left"]) == [("bob", 3, 2, [])]
    assert found["entered"][0]["prediction_id"] == f"art-cyd-{NOON + days(7):%m%d}"
    rest = {name: found[name] for name in ("ranked", "version", "compared_version", "is_class")}
    assert rest == {
        "ranked": 3,
        "version": "model-1",
        "compared_version": "model-1",
        "is_class": False,
    }
    assert found["is_comparable"] is True
    assert found["compared_as_of"] == NOON.isoformat().replace("+00:00", "Z")


def test_without_earlier_predictions_nothing_is_new(
    dropout_client: TestClient, predict: Predict
) -> None:
    predict(NOON, "ada", "bob")

    found = changes(dropout_client, top=1)

    assert found["compared_as_of"] is None
    assert brief(found["stayed"]) == [("ada", 1, None, [])]
    assert (found["entered"], found["left"]) == ([], [])


def test_another_version_is_not_comparable_and_names_no_new_reason(
    dropout_client: TestClient, predict: Predict
) -> None:
    predict(NOON, "ada", "bob", version="rules-3")
    predict(NOON + days(7), "ada", "bob", ada="new")

    found = changes(dropout_client, top=1)

    assert (found["is_comparable"], found["compared_version"]) == (False, "rules-3")
    assert brief(found["stayed"]) == [("ada", 1, 1, [])]


def test_since_chooses_the_earlier_run(dropout_client: TestClient, predict: Predict) -> None:
    for week, students in enumerate((("ada", "bob"), ("bob", "ada"), ("bob", "ada"))):
        predict(NOON + days(7 * week), *students)

    assert changes(dropout_client, top=1)["entered"] == []
    before = (NOON + days(6)).isoformat()
    assert brief(changes(dropout_client, top=1, since=before)["entered"]) == [("bob", 1, 2, [])]


def test_one_later_prediction_does_not_hide_the_others_of_its_run(
    dropout_client: TestClient, predict: Predict
) -> None:
    predict(NOON, "ada", "bob", "cyd")
    predict(NOON + days(7), "ada", "bob", "cyd")
    predict(NOON + days(8), "ada")
    predict(NOON + days(14), "ada", "bob", "cyd")

    found = changes(dropout_client, top=2, since=(NOON + days(9)).isoformat())

    assert [one[0] for one in brief(found["stayed"])] == ["ada", "bob"]
    assert found["entered"] == []


def test_places_without_ranks_are_by_risk(dropout_client: TestClient, predict: Predict) -> None:
    predict(NOON, "ada", "bob", "cyd", is_ranked=False)
    predict(NOON + days(7), "bob", "cyd", "ada", is_ranked=False)

    found = changes(dropout_client, top=1)

    assert brief(found["entered"]) == [("bob", 1, 2, [])]
    assert brief(found["left"]) == [("ada", 3, 1, [])]
    assert found["ranked"] == 3


def test_a_course_of_events_has_the_overall_predictions(
    dropout_client: TestClient, db_manager: DropoutDatabaseManager
) -> None:
    for student in ("ada", "bob"):
        event = a_learning_event(id=student, student_id=student, course="chess")
        assert dropout_client.post("/api/v1/events", json=event).status_code == 201
        for week in (0, 1):
            risk = 0.5 if (student, week) == ("ada", 0) else 0.4 + week / 10 * (student == "bob")
            as_of = NOON + days(7 * week)
            db_manager.predictions.add(None, student, "SILENT", risk, as_of=as_of)

    found = changes(dropout_client, "chess", top=1)

    assert brief(found["entered"]) == [("bob", 1, 2, [])]
    assert brief(found["left"]) == [("ada", 2, 1, [])]


def test_changes_are_listed_for_each_course_with_predictions(
    dropout_client: TestClient, predict: Predict
) -> None:
    predict(NOON, "ada", "bob")
    predict(NOON, "bob", course="bio")
    single = [changes(dropout_client, course, top=1) for course in ("art", "bio")]

    def listed(**query: Any) -> dict[str, Any]:
        return dict(dropout_client.get("/api/v1/changes", params={"top": 1, **query}).json())

    assert listed() == {"items": single, "next": None}
    assert listed(course__in="bio,none")["items"] == single[1:]
    first = listed(limit=1)
    assert first["items"] == single[:1]
    assert listed(limit=1, after=first["next"])["items"] == single[1:]
    [place] = listed(course__in="art", reasons=True)["items"][0]["stayed"]
    assert [(one["name"], one["is_sign"]) for one in place.pop("reasons")] == [("pause", True)]
    assert place == {key: value for key, value in single[0]["stayed"][0].items() if key in place}


def test_a_course_that_is_over_is_not_listed(
    dropout_client: TestClient, predict: Predict, db_manager: DropoutDatabaseManager
) -> None:
    predict(NOON, "ada")
    today = utc_now().date()

    def listed(ends_on: date) -> list[str]:
        length = (ends_on - date(2025, 9, 1)).days
        with db_manager.database.unit_of_work() as session:
            become_owner(session)
            session.execute(update(Course).values(length_days=length))
        items = dropout_client.get("/api/v1/changes").json()["items"]
        return [one["course"] for one in items]

    assert listed(today) == ["art"]
    assert listed(today - timedelta(days=2)) == []
    assert [one["student_id"] for one in changes(dropout_client)["stayed"]] == ["ada"]


def test_the_place_of_a_student_is_that_of_the_last_prediction_of_a_run(
    dropout_client: TestClient, predict: Predict
) -> None:
    predict(NOON, "ada", "bob", "cyd")
    predict(NOON + days(1), "cyd", "bob", "ada")
    predict(NOON + days(7), "ada", is_ranked=False)
    predict(NOON + days(14), "ada", "cyd", "bob")

    found = changes(dropout_client, top=1, since=(NOON + days(2)).isoformat())
    later = changes(dropout_client, top=1)

    assert brief(found["entered"]) == [("ada", 1, 3, [])]
    assert brief(found["left"]) == [("cyd", 2, 1, [])]
    assert brief(later["entered"]) == [("ada", 1, None, [])]
    assert brief(later["left"]) == [("cyd", 2, 1, [])]


def test_an_unknown_course_and_a_wrong_number_are_refused(dropout_client: TestClient) -> None:
    assert dropout_client.get(f"{COURSES}/none/changes").status_code == 404
    assert dropout_client.get("/api/v1/changes", params={"top": 201}).status_code == 422


@pytest.mark.usefixtures("predict")
def test_courses_known_from_events_are_listed(dropout_client: TestClient) -> None:
    for course in ("chess", "art", "drama"):
        event = a_learning_event(id=course, student_id="ada", course=course)
        assert dropout_client.post("/api/v1/events", json=event).status_code == 201
    assert dropout_client.post("/api/v1/events", json=a_learning_event(id="x")).status_code == 201

    items = dropout_client.get(COURSES).json()["items"]

    assert [(one["id"], one["source"]) for one in items] == [
        ("art", "imported"),
        ("bio", "imported"),
        ("chess", "events"),
        ("drama", "events"),
    ]
    assert (items[2]["starts_on"], items[2]["enrolments"]) == (None, 0)
