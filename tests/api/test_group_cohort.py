"""Cohort dashboard of a course, and of an earlier instant, on both stores."""

from datetime import datetime
from typing import Any

import pytest
from starlette.testclient import TestClient

from shared_db.clock import utc_now
from staffstuddash_service.datastore import AssessmentToStore, DatastoreManager
from staffstuddash_service.datastore.actions import ActionToStore
from tests.support.factories import days
from tests.support.rosters import a_class, an_enrolment, outcomes, today

COHORT = "/api/v1/dashboard/cohort"
# Sums in another order may differ in the last place.
MEANS = ("mean_progress", "mean_progress_change", "learning_velocity")
NOW = utc_now()
LATER = NOW - days(3)


def mark(student: int, day: int, score: float) -> AssessmentToStore:
    at = NOW - days(20 - day)
    return AssessmentToStore(f"s{student}", "quiz", "Math", score, topic="sets", timestamp=at)


EARLY = [
    mark(student, day, 85 + day / 2 if student < 2 else 50 - 2 * day - student)
    for student in range(6)
    for day in (1, 5, 9, 14)
]
LATE = [mark(student, 18, 10) for student in range(6)]
TEXTS = ("One short text of six words.", "Completely other contents, all pasted from elsewhere.")


@pytest.fixture
def client(staffstuddash_client: TestClient, datastore: DatastoreManager) -> TestClient:
    """Give a client of a school of six students in class 5a, with marks, drafts and actions."""
    for number in range(6):
        datastore.add_student(f"s{number}", f"Pupil {number}")
    datastore.assessments.add_many(EARLY)
    for number, text in enumerate(TEXTS):
        datastore.drafts.add("s1", "essay", text, timestamp=NOW - days(9 - number))
    datastore.actions.add_many([ActionToStore("s1", "coach", "talk", timestamp=LATER)])
    outcomes(datastore, a_class("5a", course_id=None, organisation_id=None, term_ids=()))
    outcomes(
        datastore,
        *(an_enrolment(f"e{n}", student_id=f"s{n}", valid_from=today(-60)) for n in range(6)),
    )
    return staffstuddash_client


def figures(client: TestClient, **parameters: str) -> dict[str, Any]:
    answer = client.get(COHORT, params=parameters)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return {name: value for name, value in found.items() if name != "as_of"}


def test_a_class_of_all_students_has_the_figures_of_the_school(client: TestClient) -> None:
    school, class_ = figures(client), figures(client, course="5a")

    assert class_.pop("high_dropout_risk_count") in {0, None}
    del school["high_dropout_risk_count"]
    assert class_ == school | {name: pytest.approx(school[name]) for name in MEANS}
    assert school["tutoring_pairs"]
    assert school["material_hints"]
    assert school["flagged_count"] == 1


def test_an_earlier_instant_has_the_figures_of_then(
    client: TestClient, datastore: DatastoreManager
) -> None:
    def as_of(moment: datetime, **parameters: str) -> dict[str, Any]:
        return figures(client, as_of=moment.isoformat(), **parameters)

    then = as_of(LATER, course="5a")
    datastore.assessments.add_many(LATE)
    datastore.actions.add_many([ActionToStore("s2", "coach", "talk", timestamp=NOW)])

    assert as_of(LATER, course="5a") == as_of(LATER) == then
    assert then["intervened_today_count"] == 1
    assert then["high_dropout_risk_count"] is None
    assert then["mean_progress"] != figures(client, course="5a")["mean_progress"]
    now = figures(client)
    assert as_of(utc_now()) == {**now, "high_dropout_risk_count": None} | {
        name: pytest.approx(now[name]) for name in MEANS
    }


def test_the_students_of_a_class_are_those_of_the_day(
    client: TestClient, datastore: DatastoreManager
) -> None:
    ended = an_enrolment("e0", student_id="s0", valid_from=today(-60), valid_to=today(-1))
    outcomes(datastore, ended)

    assert figures(client, course="5a")["student_count"] == 5
    assert figures(client, course="5a", as_of=LATER.isoformat())["student_count"] == 6


def test_a_course_of_nobody_has_no_figures(client: TestClient) -> None:
    found = figures(client, course="none")

    assert (found["student_count"], found["mean_progress"]) == (0, None)
    assert found["tutoring_pairs"] == []


@pytest.mark.parametrize("moment", [NOW - days(4000), NOW + days(1)])
def test_unknown_instants_are_refused(client: TestClient, moment: datetime) -> None:
    answer = client.get(COHORT, params={"as_of": moment.isoformat()})

    assert answer.status_code == 422
    assert answer.json()["type"].endswith("instant-unknown")


def test_a_restricted_student_does_not_count(client: TestClient) -> None:
    client.put("/api/v1/students/s1/restriction", json={"reason": "objection"})

    assert figures(client, course="5a")["flagged_count"] == 0
    assert figures(client, as_of=LATER.isoformat())["student_count"] == 5
