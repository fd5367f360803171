"""Cohort dashboard, on both stores."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from starlette.testclient import TestClient

from shared_db.clock import utc_now
from staffstuddash_service.datastore import AssessmentToStore, DatastoreManager, StudentToStore
from staffstuddash_service.datastore.dashboards.cohort_figures import HeatCell, TutoringPair
from tests.support.factories import NOON, a_concept, days

THIS_WEEK, LAST_WEEK, EARLIER = days(1), days(8), days(20)


def enrol(datastore: DatastoreManager, count: int) -> list[str]:
    ids = [f"s{number}" for number in range(count)]
    datastore.students.add_many([StudentToStore(f"Pupil {id_}", id=id_) for id_ in ids])
    return ids


def mark(
    student_id: str, score: float, ago: timedelta, subject: str = "Math", topic: str | None = None
) -> AssessmentToStore:
    return AssessmentToStore(student_id, "quiz", subject, score, topic=topic, timestamp=NOON - ago)


def test_an_empty_school_has_no_figures(datastore: DatastoreManager) -> None:
    cohort = datastore.cohort_dashboard.get(as_of=NOON)

    assert cohort.student_count == cohort.active_count == cohort.intervened_today_count == 0
    assert cohort.mean_progress is None
    assert cohort.mean_progress_change is None
    assert cohort.learning_velocity is None
    assert cohort.high_dropout_risk_count == (None if datastore.use_fallback else 0)
    assert not cohort.material_hints
    assert not cohort.struggle_heat_map
    assert not cohort.tutoring_pairs


def test_students_are_counted_by_activity_and_status(datastore: DatastoreManager) -> None:
    enrol(datastore, 5)
    datastore.assessments.add_many(
        [
            *(mark("s0", 90, days(n)) for n in (1, 2)),
            *(mark("s1", 20, days(n)) for n in (1, 2)),
            *(mark("s2", 50, days(n)) for n in (30, 31)),
        ]
    )
    for content in ("one two three", "four five six"):
        datastore.add_draft("s3", "essay", content, timestamp=NOON - days(13))

    cohort = datastore.cohort_dashboard.get(as_of=NOON)

    assert cohort.student_count == 5
    assert cohort.active_count == 3
    assert cohort.flagged_count == 1
    assert cohort.review_needed_count == 1
    assert cohort.high_risk_count == 1


def test_progress_is_compared_with_the_week_before(datastore: DatastoreManager) -> None:
    enrol(datastore, 2)
    datastore.assessments.add_many(
        [
            mark("s0", 70, THIS_WEEK),
            mark("s1", 80, THIS_WEEK),
            mark("s0", 60, LAST_WEEK),
            mark("s0", 0, EARLIER),
            mark("s0", 0, -days(1)),
        ]
    )

    cohort = datastore.cohort_dashboard.get(as_of=NOON)

    assert cohort.mean_progress == 75
    assert cohort.mean_progress_change == 15


@pytest.mark.parametrize(("fallen", "is_material"), [(4, True), (2, False)])
def test_the_material_is_suspected_when_most_students_fall(
    datastore: DatastoreManager, fallen: int, *, is_material: bool
) -> None:
    students = enrol(datastore, 6)
    datastore.assessments.add_many([mark(id_, 80, LAST_WEEK) for id_ in students])
    datastore.assessments.add_many(
        [mark(id_, 60 if n < fallen else 80, THIS_WEEK) for n, id_ in enumerate(students)]
    )
    datastore.add_assessment("s0", "quiz", "Art", 50, timestamp=NOON - THIS_WEEK)
    datastore.add_assessment("s0", "quiz", "Art", 90, timestamp=NOON - LAST_WEEK)

    hints = {h.subject: h for h in datastore.cohort_dashboard.get(as_of=NOON).material_hints}

    assert (hints["Math"].compared, hints["Math"].fallen) == (6, fallen)
    assert hints["Math"].is_material is is_material
    assert hints["Art"].is_material is None
    assert "not assessable" in hints["Art"].text


def test_the_heat_map_counts_states_per_concept(datastore: DatastoreManager) -> None:
    students = enrol(datastore, 3)
    datastore.concepts.add("sets", "Math", 4)
    scores = {"s0": (50, 60, 70), "s1": (50, 60, 70), "s2": (50,)}
    datastore.assessments.add_many(
        [
            mark(id_, score, days(10 - n), topic="sets")
            for id_ in students
            for n, score in enumerate(scores[id_])
        ]
    )
    datastore.add_assessment("s0", "quiz", "Art", 50, topic="light", timestamp=NOON)

    cells = datastore.cohort_dashboard.get(as_of=NOON).struggle_heat_map

    assert [
        (c.subject, c.concept, c.difficulty, c.learning_state, c.student_count) for c in cells
    ] == [
        ("Art", "light", None, None, 1),
        ("Math", "sets", 4, None, 1),
        ("Math", "sets", 4, "PROGRESSING", 2),
    ]
    assert isinstance(cells[0], HeatCell)


def test_pairs_are_of_one_concept_and_each_student_is_in_one(datastore: DatastoreManager) -> None:
    levels = {"s0": 95, "s1": 85, "s2": 20, "s3": 30, "s4": 40, "s5": 60}
    enrol(datastore, 6)
    datastore.assessments.add_many(
        [mark(id_, level, days(n), topic="sets") for id_, level in levels.items() for n in range(3)]
    )

    pairs = datastore.cohort_dashboard.get(as_of=NOON).tutoring_pairs

    assert list(pairs) == [
        TutoringPair("Math", "sets", "s0", 95, "s2", 20),
        TutoringPair("Math", "sets", "s1", 85, "s3", 30),
    ]


def test_a_strong_student_of_another_concept_is_no_tutor(datastore: DatastoreManager) -> None:
    enrol(datastore, 2)
    datastore.assessments.add_many(
        [mark("s0", 95, days(n), topic="sets") for n in range(3)]
        + [mark("s1", 20, days(n), topic="light") for n in range(3)]
    )

    assert not datastore.cohort_dashboard.get(as_of=NOON).tutoring_pairs


def test_the_velocity_is_the_mean_of_the_trends(datastore: DatastoreManager) -> None:
    enrol(datastore, 3)
    datastore.assessments.add_many(
        [mark("s0", 50 + 10 * n, days(30 - 10 * n)) for n in range(3)]
        + [mark("s1", 50 - 5 * n, days(30 - 10 * n)) for n in range(3)]
    )

    cohort = datastore.cohort_dashboard.get(as_of=NOON)

    assert cohort.learning_velocity == pytest.approx((30 - 15) / 2)
    assert cohort.learning_velocity_student_count == 2


def test_interventions_of_today_count_students_once(staffstuddash_client: TestClient) -> None:
    def intervene(student_id: str, moment: datetime, **changes: Any) -> None:
        body = {"action": "talk", "timestamp": moment.isoformat(), **changes}
        path = f"/api/v1/students/{student_id}/actions"
        assert staffstuddash_client.post(path, json=body).status_code == 201

    for id_ in ("s1", "s2", "s3", "s4"):
        staffstuddash_client.post("/api/v1/students", json={"id": id_, "name": "Pupil"})
    now = utc_now()
    intervene("s1", now)
    intervene("s1", now)
    intervene("s2", now)
    intervene("s3", now, is_intervention=False)
    intervene("s4", now - days(1) - timedelta(minutes=1))

    cohort = staffstuddash_client.get("/api/v1/dashboard/cohort").json()

    assert cohort["intervened_today_count"] == 2


def test_today_is_that_of_a_known_time_zone(staffstuddash_client: TestClient) -> None:
    def answer(zone: str) -> int:
        path = "/api/v1/dashboard/cohort"
        return staffstuddash_client.get(path, params={"timezone": zone}).status_code

    assert [answer(zone) for zone in ("Europe/Berlin", "UTC")] == [200, 200]
    assert [answer(zone) for zone in ("Mars", "../etc/passwd", "", "a" * 61)] == [422] * 4


def test_the_answer_has_all_sections(staffstuddash_client: TestClient) -> None:
    staffstuddash_client.post("/api/v1/students", json={"id": "s1", "name": "Ada"})
    staffstuddash_client.post("/api/v1/concepts", json=a_concept())
    for number in range(3):
        body = {"student_id": "s1", "type": "quiz", "subject": "Math", "topic": "fractions"}
        staffstuddash_client.post("/api/v1/assessments", json={**body, "score": 90 + number})

    cohort = staffstuddash_client.get("/api/v1/dashboard/cohort").json()

    assert cohort["struggle_heat_map"] == [
        {
            "subject": "Math",
            "concept": "fractions",
            "difficulty": 2,
            "learning_state": "PLATEAU",
            "student_count": 1,
        }
    ]
    assert cohort["mean_progress"] == 91
    assert cohort["active_count"] == 1
