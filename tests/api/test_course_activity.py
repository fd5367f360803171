"""Activity of students of a course by week."""

from datetime import UTC, date, datetime, timedelta

from starlette.testclient import TestClient

from shared_db.clock import utc_now
from tests.support.factories import a_learning_event

COURSE = "math-7b"


def monday(weeks_ago: int) -> date:
    today = utc_now().date()
    return today - timedelta(days=today.weekday(), weeks=weeks_ago)


def active(client: TestClient, student: str, *days: date, course: str = COURSE) -> None:
    for day in days:
        at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC).isoformat()
        event = a_learning_event(
            id=f"{student}-{course}-{day}", student_id=student, course=course, occurred_at=at
        )
        assert client.post("/api/v1/events", json=event).status_code == 201


def test_active_days_are_counted_by_week(dropout_client: TestClient) -> None:
    active(dropout_client, "ada", monday(3), monday(2), monday(2) + timedelta(days=6))
    active(dropout_client, "bob", monday(1))
    active(dropout_client, "ada", monday(1), course="art")

    path = f"/api/v1/courses/{COURSE}/activity"
    found = dropout_client.get(path, params={"student_id__in": "bob,ada,cyd", "weeks": 5})

    assert found.status_code == 200
    body = found.json()
    assert body["weeks"] == [monday(back).isoformat() for back in (4, 3, 2, 1, 0)]
    # Nothing is known of the week before the first event of the course.
    assert body["items"] == [
        {"student_id": "ada", "active_days": [None, 1, 2, 0, 0], "due": None, "handed_in": None},
        {"student_id": "bob", "active_days": [None, 0, 0, 1, 0], "due": None, "handed_in": None},
    ]


def test_an_unknown_course_and_malformed_ids_are_refused(dropout_client: TestClient) -> None:
    unknown = dropout_client.get("/api/v1/courses/x/activity", params={"student_id__in": "ada"})
    malformed = dropout_client.get("/api/v1/courses/x/activity", params={"student_id__in": "a/b"})
    many = dropout_client.get(
        "/api/v1/courses/x/activity", params={"student_id__in": ",".join(map(str, range(1001)))}
    )

    assert [each.status_code for each in (unknown, malformed, many)] == [404, 422, 422]
    assert "student_id__in" in malformed.text
