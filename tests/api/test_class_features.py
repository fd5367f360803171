"""Features of a class: its events and marks, in the time of the student's enrolments."""

from collections.abc import Iterator
from random import Random

import pytest
from starlette.testclient import TestClient

from dropout_service.models import Course
from shared_db.clock import utc_now
from shared_db.connection.database import Database
from staffstuddash_service.domain.roster import RosterKind
from tests.support.class_schools import FIRST, TODAY, ClassSchool, opened_class_school
from tests.support.factories import NOON, days
from tests.support.rosters import a_class, an_enrolment, outcomes


@pytest.fixture
def school(postgres: Database) -> Iterator[ClassSchool]:
    """Give a school with the classes 5a and 5b, and the students s001 to s004."""
    with opened_class_school(postgres) as opened:
        yield opened


@pytest.mark.parametrize("seed", range(3))
def test_days_outside_of_the_enrolments_are_left_out_of_the_time(
    school: ClassSchool, seed: int
) -> None:
    """The oracle is a student with those events and marks alone, moved over the absence."""
    random = Random(seed)
    spans = [(None, 20), (20, 30), (25, 33), (50, 64), (70, None)]
    # Days of absence after each day: 33 to 49 and 64 to 69.
    absent = {
        day: sum(day < other for other in (*range(33, 50), *range(64, 70))) for day in range(81)
    }
    random.shuffle(spans)
    school.enrol(*spans)
    counted = [day for day in range(81) if not (33 <= day < 50 or 64 <= day < 70)]
    active = [*sorted(random.sample(counted, 25)), 80.02]
    school.work("s001", *active)
    school.work("s001", *range(33, 50, 4), 80.01)
    school.work("s001", *range(0, 81, 3), course="5b")
    school.work("s001", 12, 79, course=None)
    school.work("moved", *(day + absent[int(day)] for day in active if day <= 80), course="other")
    for day, score in ((3, 70), (32, 30), (51, 90), (72, 40), (75, 55)):
        school.mark("s001", day, score, random.choice(["Math", "Physics"]))
        school.dropout.assessments.add(
            "moved", "quiz", "x", score, submitted_at=NOON + days(day + absent[day])
        )
    school.mark("s001", 40, 1)
    school.mark("s001", 73, 1, "math")

    found = school.features("s001", course="5a")

    assert found == pytest.approx(school.features("moved"))
    assert found["mark_count"] == 5
    assert found["questions_attempted"] == 25
    assert school.features("s001")["mark_count"] == 7


def test_the_features_of_a_class_are_found_by_it(school: ClassSchool) -> None:
    school.enrol((0, None))
    school.work("s001", 1, 2)
    made = school.post("s001/features", course="5a", id="in-class")
    overall = school.post("s001/features", id="overall")

    assert (made["course"], overall["course"]) == ("5a", None)
    assert school.get("students/s001/features/latest")["id"] == "overall"
    assert school.get("students/s001/features/latest", course="5a")["id"] == "in-class"
    listed = school.get("students/s001/features", course="5a")["items"]
    assert [one["id"] for one in listed] == ["in-class"]
    assert school.get("students/s001/features/latest", 404, course="5b")["course"] == "5b"


def test_a_request_is_repeated_after_the_student_left(school: ClassSchool) -> None:
    school.enrol((0, None))
    school.work("s001", 1, 2, 60)
    paths = ("s001/features", "s001/predictions")
    made = [school.post(path, course="5a", id="first") for path in paths]
    school.datastore.roster.separate(RosterKind.ENROLMENT, class_id="5a", student_id="s001")
    outcomes(school.datastore, an_enrolment("s001-0", valid_from=FIRST, valid_to=FIRST))

    assert [school.post(path, course="5a", id="first") for path in paths] == made
    for path in paths:
        assert school.post(path, 422, course="5a")["missing"]
        assert school.post(path, 409, course="5b", id="first")


def test_marks_of_a_class_without_subjects_are_unknown(school: ClassSchool) -> None:
    outcomes(school.datastore, an_enrolment(class_id="5b"))
    school.work("s001", 1, 2, 60, course="5b")
    school.mark("s001", 10, 10)
    school.mark("s001", 20, 10)

    found = school.features("s001", course="5b")
    prediction = school.post("s001/predictions", course="5b")

    assert (found["mark_count"], found["mark_share_recent"], found["days_since_mark"]) == (
        None,
        None,
        None,
    )
    missing = {one["name"]: one["reason"] for one in prediction["missing"]}
    assert missing["mark_share"] == "the class has no subjects, so its marks are unknown"


@pytest.mark.parametrize(
    ("spans", "reason"),
    [
        ([], "the student is not enrolled in the course"),
        ([(0, 10), (20, 80)], f"the student left the course on {TODAY}"),
        ([(81, None)], "the student was not registered by then"),
    ],
)
def test_a_student_who_is_not_in_the_class_is_not_assessable(
    school: ClassSchool, spans: list[tuple[int | None, int | None]], reason: str
) -> None:
    school.enrol(*spans)
    school.work("s001", 1, 2, 60)

    for path in ("s001/features", "s001/predictions"):
        assert school.post(path, 422, course="5a")["missing"] == reason
    assert school.get("students/s001/predictions")["items"] == []
    assert school.get("students/s001/features")["items"] == []


def test_a_class_that_does_not_run_is_not_assessable(school: ClassSchool) -> None:
    outcomes(school.datastore, a_class("6a", course_id=None, subjects=("Math",)))
    outcomes(school.datastore, an_enrolment(class_id="6a"))
    school.work("s001", 1, 60, course="6a")
    begins = "the course begins on 2026-08-01"

    assert school.post("s001/predictions", 422, course="6a")["missing"] == begins
    school.enrol((0, None))
    school.datastore.roster.end(RosterKind.CLASS, "5a")
    ended = school.post("s001/predictions", 422, course="5a", as_of=utc_now().isoformat())
    assert ended["missing"].startswith("the course was ended on ")


def test_other_courses_have_no_features(school: ClassSchool) -> None:
    imported = {"module": "m", "presentation": "1", "starts_on": FIRST, "length_days": 200}
    with school.dropout.database.unit_of_work() as session:
        session.add(Course(id="5b", digest=b"0", **imported))
    school.work("s001", 1)

    assert school.post("s001/features", 422, course="5b")["field"] == "course"
    assert school.post("s001/features", 404, course="unknown")["course"] == "unknown"
    assert school.post("s001/predictions", 404, course="unknown")["course"] == "unknown"


def test_a_course_without_a_class_has_no_features(dropout_client: TestClient) -> None:
    dropout_client.post("/api/v1/students", json={"id": "s001"})
    path = "/api/v1/students/s001/features"
    refused = dropout_client.post(path, json={"course": "5a"})

    assert (refused.status_code, refused.json()["course"]) == (404, "5a")
    assert dropout_client.get(path).json()["items"] == []
