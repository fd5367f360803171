"""Active students of courses by week: classes, courses of events, small groups and gaps."""

from datetime import timedelta

from starlette.testclient import TestClient

from dropout_service.database import DropoutDatabaseManager, EventToStore
from dropout_service.domain.enums import EventType
from shared_db.clock import utc_now
from shared_db.connection.database import Database
from staffstuddash_service.datastore import StudentToStore
from tests.support.class_schools import TODAY, opened_class_school
from tests.support.factories import days

STUDENTS = [f"s{number:03}" for number in range(1, 7)]


def test_the_students_of_today_count_in_each_week(postgres: Database) -> None:
    with opened_class_school(postgres) as school:
        new = [StudentToStore("Late", None, id_) for id_ in STUDENTS[4:]]
        school.datastore.students.add_many(new)
        for student in STUDENTS:
            school.dropout.students.add(student)
        for student in STUDENTS[:5]:
            school.enrol((0, None), student=student)
        school.enrol((0, 70), student="s006")  # has left
        # Day 80 is in the present week; 70 and 72 are of the week before the last one.
        for student, *at in (("s001", 70, 80), ("s002", 72), ("s003", 72, 70), ("s006", 70)):
            school.work(str(student), *map(float, at))
        school.work("s001", 80, course="5b")
        school.datastore.restrictions.put("s003", actor="office")

        found = school.dropout.weekly_activity.of_courses(
            ["5b", "5a", "none"], weeks=4, today=TODAY
        )
        school.datastore.restrictions.lift("s003", actor="office")
        again = school.dropout.weekly_activity.of_courses(["5a"], weeks=4, today=TODAY)
        answer = school.get("activity", course__in="5a,5b", weeks=2)
        school.get("activity", 422)

    assert [one.course for one in found.items] == ["5b", "5a"]
    # Four are assessed, too few to be shown.
    assert {one.students for one in found.items} == {None}
    assert found.items[1].active == [None] * 4
    [shown] = again.items
    monday = TODAY - timedelta(days=TODAY.weekday())
    assert list(again.weeks) == [monday - timedelta(weeks=back) for back in (3, 2, 1, 0)]
    by_week = dict(zip(again.weeks, shown.active, strict=True))
    of_70 = TODAY - timedelta(days=10)
    assert by_week[of_70 - timedelta(days=of_70.weekday())] == 3
    assert (shown.students, by_week[monday]) == (5, 1)
    # Nothing is known of the weeks before the first event.
    assert shown.active[0] is None
    assert [one["active"] for one in answer["items"]] == [[0, 0], [None, None]]


def test_students_of_a_course_of_events_are_those_active_lately(
    dropout_client: TestClient, db_manager: DropoutDatabaseManager
) -> None:
    now = utc_now()
    for student in STUDENTS[:5]:
        db_manager.students.add(student)
    for student in STUDENTS[:5]:
        db_manager.events.add(
            None, student, "q1", EventType.QUESTION_SUBMIT, occurred_at=now - days(7), course="art"
        )
    db_manager.events.add_many(
        [
            EventToStore(
                "s001", EventType.QUESTION_SUBMIT, question_id="q2", course="art", occurred_at=now
            )
        ]
    )

    found = dropout_client.get("/api/v1/activity", params={"course__in": "art", "weeks": 3}).json()

    assert found["items"] == [{"course": "art", "students": 5, "active": [None, 5, 1]}]
