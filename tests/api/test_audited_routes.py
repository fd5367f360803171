"""Routes and the audit: every GET has a decision on the students that its answer shows."""

import pytest

import dropout_service.main
import monitoring_service.main
import staffstuddash_service.main
from shared_web.app import Service
from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.operations import me

SERVICES = {
    "staffstuddash": staffstuddash_service.main.SERVICE,
    "dropout": dropout_service.main.SERVICE,
    "monitoring": monitoring_service.main.SERVICE,
}
# Routes whose answers show no student, by the reason.
WITHOUT_STUDENTS = {
    "the school": {
        "/concepts",
        "/organisations",
        "/organisations/{organisation_id}",
        "/terms",
        "/terms/{term_id}",
        "/courses",
        "/courses/{course_id}",
        "/classes",
        "/classes/{class_id}",
        "/courses/{course}/assessments",
        "/freshness",
    },
    "staff": {
        "/people",
        "/people/{person_id}",
        "/people/{person_id}/classes",
        "/people/{person_id}/access",
        "/digests/{week}/recipients",
        "/classes/{class_id}/staff",
    },
    "access": {"/access", "/keys", "/roles", "/roles/{name}", "/me"},
    "learned models": {
        "/models",
        "/models/{version}",
        "/models/{version}/evaluation",
        "/models/{version}/weeks",
    },
    "numbers alone": {
        "/analytics/feedback",
        "/analytics/actions",
        "/analytics/orders",
        "/analytics/action-weeks",
        "/activity",
        "/freshness",
        "/imports",
        "/imports/{import_id}",
    },
}


def routes(service: Service) -> list[AdmittedRoute]:
    """Return the routes of a service that ask for a caller."""
    found = [route for router in (*service.routers, me.router) for route in router.routes]
    return [route for route in found if isinstance(route, AdmittedRoute)]


@pytest.mark.parametrize("name", ["staffstuddash", "dropout"])
def test_every_get_route_shows_students_or_is_listed(name: str) -> None:
    """A new route fails here until its answer names its students or the route is listed."""
    listed = set[str]().union(*WITHOUT_STUDENTS.values())
    gets = [route for route in routes(SERVICES[name]) if route.methods == {"GET"}]
    undecided = {route.path for route in gets if route.shown_students is None}

    assert len(gets) > 10
    assert undecided - listed == set(), "name the student in the path or the answer, or list it"
    assert {route.path for route in gets if route.shown_students} & listed == set()


def test_the_list_has_no_route_that_is_gone() -> None:
    paths = {route.path for service in SERVICES.values() for route in routes(service)}

    assert set[str]().union(*WITHOUT_STUDENTS.values()) <= paths


def test_monitoring_shows_no_student() -> None:
    shown = {route.path: route.shown_students for route in routes(SERVICES["monitoring"])}

    assert len(shown) > 5
    assert set(shown.values()) == {None}


@pytest.mark.parametrize(
    ("name", "path", "paths"),
    [
        ("staffstuddash", "/students", [("items", "id")]),
        ("staffstuddash", "/dashboard/teacher", [("items", "student_id")]),
        (
            "staffstuddash",
            "/dashboard/cohort",
            [("tutoring_pairs", "tutor_id"), ("tutoring_pairs", "learner_id")],
        ),
        ("dropout", "/analytics/summary", [("newly_at_risk", "student_id")]),
        ("dropout", "/predictions/{prediction_id}/feedback", [("items", "student_id")]),
        ("dropout", "/students/{student_id}/events", []),
    ],
)
def test_an_answer_names_its_students(name: str, path: str, paths: list[tuple[str, ...]]) -> None:
    [route] = [
        each for each in routes(SERVICES[name]) if each.path == path and each.methods == {"GET"}
    ]

    assert route.shown_students is not None
    assert list(route.shown_students.paths) == paths


def test_writes_are_not_reads_but_computations_are() -> None:
    others = {
        route.path
        for service in SERVICES.values()
        for route in routes(service)
        if route.methods != {"GET"} and route.shown_students is not None
    }

    assert others == {"/students/{student_id}/features", "/students/{student_id}/predictions"}
