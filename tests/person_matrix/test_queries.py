"""Lists of persons with each kind of condition, page by page, and answers to HEAD."""

import re
from typing import Any

import pytest

from tests.person_matrix.world import (
    ABSENT,
    ADVISED,
    FORMER_CLASS,
    FORMER_IDS,
    NOBODYS,
    OTHER_CLASS,
    OWN_CLASS,
    SEEN,
    SELF,
    STORED,
    World,
)

# Query, and the field with the student of an item; each finds students in and out of sight.
QUERIES = {
    "staffstuddash": [
        ("/students?search=STUDENT", "id"),
        ("/students?created_at__gte=2026-01-01T00:00:00Z", "id"),
        ("/performance-records?mean_percentage__gte=1", "student_id"),
        ("/performance-records?status__in=safe,high_risk", "student_id"),
        ("/actions?is_intervention=true", "student_id"),
        ("/actions?actor=system&action__ne=call", "student_id"),
        (f"/actions?student_id__in={','.join(STORED)}", "student_id"),
        ("/actions?state=done&sort=due_on", "student_id"),
        (f"/students?id__in={','.join(STORED)}", "id"),
        (f"/dashboard/teacher?student_id__in={','.join(STORED)}", "student_id"),
        ("/dashboard/teacher?sort=-risk_score&risk_level=LOW", "student_id"),
        ("/dashboard/teacher?sort=-last_activity_at", "student_id"),
        ("/dashboard/teacher?sort=name&search=student", "student_id"),
        ("/dashboard/teacher?mean_percentage__gte=1&assessment_count__gt=0", "student_id"),
        ("/dashboard/teacher?course=c-other", "student_id"),
        ("/classes/c-own/students?include_ended=true", "student_id"),
        ("/classes/c-other/students", "student_id"),
        ("/people/teacher/students?include_ended=true", "student_id"),
        ("/students?class_id=c-other", "id"),
        ("/students?person_id=t-other", "id"),
    ],
    "dropout": [
        ("/students", "id"),
        ("/predictions?risk_level=LOW&risk_score__gte=0", "student_id"),
        ("/predictions?course=c-other", "student_id"),
        ("/courses/c-other/risks", "student_id"),
        ("/courses/c-other/risks?view=brief&history=8", "student_id"),
        (f"/courses/c-other/risks?student_id__in={','.join(STORED)}", "student_id"),
    ],
}
# Conditions that name a student: nothing tells one out of sight from an absent one.
OF_ONE = {
    "staffstuddash": [
        "/students?search={s}",
        "/students?identifier=account-{s}",
        "/students?identifier=account-{s}&system=moodle",
        "/dashboard/teacher?search={s}",
        "/actions?student_id={s}",
        "/students?id__in={s}",
        "/dashboard/teacher?student_id__in={s}",
        "/actions?student_id__startswith={s}",
    ],
    "dropout": [
        "/students?identifier=account-{s}",
        "/students?identifier=account-{s}&system=moodle",
    ],
}
NO_RISK = {"risk": None, "risk_missing_because": "needs predictions.read"}
CASES = [(service, *query) for service, queries in QUERIES.items() for query in queries]


def pages(world: World, service: str, role: str | None, path: str, limit: int) -> list[Any]:
    """Return the items of all pages."""
    found: list[Any] = []
    after: str | None = ""
    while after is not None:
        more = {"limit": str(limit)} | ({"after": after} if after else {})
        query = dict(pair.split("=", 1) for pair in path.partition("?")[2].split("&") if pair)
        answer = world.send(service, role, "GET", path.partition("?")[0], params=query | more)
        assert answer.status_code == 200, (path, answer.text)
        found += answer.json()["items"]
        after = answer.json()["next"]
    return found


@pytest.mark.parametrize(("service", "path", "field"), CASES)
def test_lists_have_the_items_of_students_in_sight(
    world: World, service: str, path: str, field: str
) -> None:
    every = pages(world, service, None, path, 1000)
    assert {item[field] for item in every} - SEEN["teacher"]
    for role in ("teacher", "student"):
        if role == "student" and re.search("predictions|risk|actions", path):
            continue  # which needs a permission that students lack
        seen = [item for item in every if item[field] in SEEN[role]]
        if role == "student":
            seen = [item | NO_RISK if "risk" in item else item for item in seen]
        assert pages(world, service, role, path, 1) == seen, role


def test_students_are_neither_sorted_nor_filtered_by_risk(world: World) -> None:
    for query in ("sort=-risk_score", "risk_level=LOW", "risk_score__gt=0.1"):
        answer = world.send("staffstuddash", "student", "GET", f"/dashboard/teacher?{query}")
        assert (answer.status_code, "predictions.read" in answer.json()["detail"]) == (403, True)


@pytest.mark.parametrize("service", OF_ONE)
def test_a_condition_finds_no_student_out_of_sight(world: World, service: str) -> None:
    for path in OF_ONE[service]:
        assert pages(world, service, None, path.format(s=NOBODYS), 10), path
        assert pages(world, service, "teacher", path.format(s=OWN_CLASS), 10), path
        for id_ in (NOBODYS, OTHER_CLASS, FORMER_CLASS, ABSENT):
            assert pages(world, service, "teacher", path.format(s=id_), 10) == [], (path, id_)


def test_a_cursor_of_a_system_shows_nothing_more(world: World) -> None:
    for path in ("/students", "/performance-records", "/actions", "/dashboard/teacher"):
        cursor = world.send("staffstuddash", None, "GET", f"{path}?limit=2").json()["next"]
        rest = world.send("staffstuddash", "teacher", "GET", f"{path}?after={cursor}").json()
        found = {item.get("student_id", item.get("id")) for item in rest["items"]}
        assert found <= SEEN["teacher"], path


@pytest.mark.parametrize("service", OF_ONE)
def test_head_answers_as_get(world: World, service: str) -> None:
    for role, known in (("teacher", OWN_CLASS), ("student", SELF)):
        for id_ in (known, NOBODYS, ABSENT, *FORMER_IDS):
            got, head = (
                world.send(service, role, method, f"/students/{id_}") for method in ("GET", "HEAD")
            )
            assert head.status_code == got.status_code, (role, id_)
            assert head.headers["content-length"] == got.headers["content-length"]
            assert head.headers.get("location") == got.headers.get("location")
            options = world.send(service, role, "OPTIONS", f"/students/{id_}")
            assert options.status_code == 405


@pytest.mark.parametrize("service", OF_ONE)
def test_the_present_id_is_named_to_those_who_see_the_student(world: World, service: str) -> None:
    moved = world.send(service, "teacher", "GET", "/students/s-old-own/assessments?limit=2")
    assert moved.headers["location"].endswith(f"/students/{OWN_CLASS}/assessments?limit=2")
    assert moved.json()["into"] == OWN_CLASS
    hidden = world.send(service, "teacher", "GET", "/students/s-old-nobodys/assessments")
    assert hidden.status_code == 404
    assert NOBODYS not in hidden.text + str(hidden.headers)


def test_classes_of_a_student_and_staff_are_not_hidden(world: World) -> None:
    """Other classes of a student in sight are shown, their other students are not."""
    classes = world.send("staffstuddash", "student", "GET", f"/students/{SELF}/classes").json()
    assert [item["class_id"] for item in classes["items"]] == ["c-other"]
    advised = world.send("staffstuddash", "teacher", "GET", f"/students/{ADVISED}/classes")
    assert advised.json()["items"] == []


def test_an_erased_student_is_gone_for_everybody(world: World) -> None:
    """Tombstones hold no row of a student, so they are not limited (docs/security.md)."""
    with world.undone():
        student = {"id": "s-gone", "name": "Gone"}
        assert world.send("staffstuddash", None, "POST", "/students", json=student).is_success
        assert world.send("staffstuddash", None, "DELETE", "/students/s-gone").is_success
        for role in (None, "teacher", "student"):
            for service in ("staffstuddash", "dropout"):
                answer = world.send(service, role, "GET", "/students/s-gone")
                assert answer.status_code == 410, (role, service)


def test_a_course_of_students_out_of_sight_is_answered_as_an_absent_one(world: World) -> None:
    """A course that only events name; courses and classes that are stored are shown."""
    event = {"event_type": "QUESTION_SUBMIT", "question_id": "q1", "student_id": NOBODYS}
    requests: list[tuple[str, str, Any]] = [
        ("GET", "/courses/COURSE/risks", None),
        ("GET", "/predictions?course=COURSE", None),
        ("POST", f"/students/{OWN_CLASS}/features", {"course": "COURSE"}),
        ("POST", f"/students/{OWN_CLASS}/predictions", {"course": "COURSE"}),
    ]
    with world.undone():
        world.send("dropout", None, "POST", "/events", json={**event, "course": "hidden"})
        assert world.send("dropout", None, "GET", "/courses/hidden/risks").json()["items"]
        for method, path, body in requests:
            hidden, absent = (
                world.send(
                    "dropout",
                    "teacher",
                    method,
                    path.replace("COURSE", course),
                    json=body and {"course": course},
                )
                for course in ("hidden", "absent")
            )
            assert hidden.status_code == absent.status_code, path
            differing = {"request_id", "detail", "course"}
            assert {k: v for k, v in hidden.json().items() if k not in differing} == {
                k: v for k, v in absent.json().items() if k not in differing
            }
