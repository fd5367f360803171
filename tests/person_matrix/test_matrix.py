"""Answers of every route to persons of each role, for students in each relation to them."""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any, NamedTuple

import pytest

from tests.person_matrix.callers import MAY, PATH
from tests.person_matrix.expected import ROUTES
from tests.person_matrix.kinds import Kind
from tests.person_matrix.world import (
    ABSENT,
    API,
    ASKED,
    ENROLLED,
    FORMER_IDS,
    LOGINS,
    NOBODYS,
    OWN_CLASS,
    ROLES,
    SEEN,
    SEES_ALL,
    SELF,
    World,
)
from tests.support.services import openapi_of

CASES = [(service, name) for service, routes in ROUTES.items() for name in routes]
ABOUT_STUDENTS = {Kind.READ, Kind.WRITE, Kind.ROW, Kind.HIDDEN}
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT[\d:.]+Z")


class Answer(NamedTuple):
    """Answer without the ids of the request and of the student.

    changed: True if rows were stored, which is taken back.
    """

    status: int
    body: str
    changed: bool

    @property
    def json(self) -> Any:
        """Content of the body."""
        return json.loads(self.body)

    @property
    def is_refused(self) -> str | None:
        """Slug of the problem, None for an answer that is none."""
        found = re.match(r'{"type": ?"urn:veritas:problem:([^"]+)"', self.body)
        return found and found[1]


class Asking:
    """Requests to all routes, by persons and by a system."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.rows = world.rows()
        self.as_system = cache(lambda service, name, student: self(service, name, student, None))

    def __call__(self, service: str, name: str, student: str, role: str | None) -> Answer:
        """Ask about a student; without role as a system."""
        method, path = name.split(" ")
        route = ROUTES[service][name]
        path = re.sub(r"{(\w+)}", lambda found: PATH[found[1]], path).replace("{s}", student)
        request: dict[str, Any] = {"params": route.params} if route.params else {}
        if route.body is not None:
            body = json.loads(json.dumps(route.body).replace("{s}", student))
            request["content" if isinstance(body, str) else "json"] = body
        if method == "GET" and not route.varies:
            return self._sent(student, service, role, method, path, **request)
        with self._world.undone():
            answer = self._sent(student, service, role, method, path, **request)
            changed = self._world.rows() != self.rows
        return answer._replace(changed=changed and not route.varies)

    def _sent(self, student: str, *request: Any, **content: Any) -> Answer:
        answer = self._world.send(*request, **content)
        body = re.sub(r'"request_id": ?"[^"]*"', '"request_id":""', answer.text)
        # Students do not see the risk; other tests compare the rows of a teacher whole.
        body = re.sub(r'"risk":(null|{[^}]*}),"risk_missing_because":[^,}]*', '"risk":null', body)
        body = re.sub(r'"as_of":"[^"]*"}$', '"as_of":""}', body)  # the present instant
        return Answer(answer.status_code, body.replace(student, "{s}"), changed=False)


@pytest.fixture(scope="module")
def ask(world: World) -> Iterator[Asking]:
    """Give the requests to the school, which is the same after them."""
    asking = Asking(world)
    yield asking
    assert world.rows() == asking.rows


@pytest.mark.parametrize("service", ROUTES)
def test_every_route_is_expected_with_its_permission(service: str) -> None:
    routes = {
        f"{method.upper()} {path.removeprefix(API)}": operation.get("x-permission")
        for path, operations in openapi_of(service)["paths"].items()
        for method, operation in operations.items()
        if path.startswith(API)
    }

    assert routes == {name: route.permission for name, route in ROUTES[service].items()}


@pytest.mark.parametrize(("service", "name"), CASES)
def test_answers_to_persons(ask: Asking, service: str, name: str) -> None:
    route = ROUTES[service][name]
    first = ask.as_system(service, name, OWN_CLASS)
    assert first.status == route.status, first
    for role in ROLES:
        is_admitted = route.permission is None or route.permission in MAY[role]
        if not is_admitted and role == route.own:
            assert ask(service, name, OWN_CLASS, role).status == route.status
        elif not is_admitted and not (route.or_sees_all and role in SEES_ALL):
            if route.is_of_self and role == "student":
                check_self(ask, service, name)
            refused = ask(service, name, OWN_CLASS, role)
            assert (refused.status, refused.is_refused) == (403, "forbidden"), (role, refused)
            assert f"`{route.permission}`" in refused.json["detail"]
            assert not refused.changed
        elif route.kind is Kind.OPENING:
            check_opening(ask, service, name, role)
        elif route.kind is Kind.NEAR:
            check_near(ask, service, name, role)
        elif route.kind in ABOUT_STUDENTS:
            check_students(ask, service, name, role)
        else:
            check_school(ask, service, name, role)


def check_students(ask: Asking, service: str, name: str, role: str) -> None:
    """Check the answers about each student: as to a system, or as of an absent one."""
    route = ROUTES[service][name]
    absent = ask(service, name, ABSENT, role)
    if not route.creates:
        assert absent == ask.as_system(service, name, ABSENT)
    if not (route.creates and role in SEES_ALL):
        assert absent.status == 404 or absent.json.get("refused") == 1, absent
        assert not absent.changed
    for student in ASKED[role]:
        answer = ask(service, name, student, role)
        if FORMER_IDS.get(student, student) not in SEEN[role]:
            assert answer == absent, (role, student)
            continue
        as_system = ask.as_system(service, name, student)
        if student in FORMER_IDS:
            assert answer.status == as_system.status == route.moved, (role, student, answer)
        elif route.kind is Kind.HIDDEN and role not in SEES_ALL:
            assert (answer.status, answer.is_refused) == (403, "not-for-persons")
        elif route.varies:
            assert answer.status == as_system.status == route.status, (role, student)
        elif route.kind is Kind.READ or name.startswith("GET "):
            assert answer == as_system, (role, student)
            assert answer.status == route.status
        else:
            assert (answer.status, answer.changed) == (route.status, True), (role, student, answer)


def check_self(ask: Asking, service: str, name: str) -> None:
    """Check that a student is admitted for their own id alone, not for a former one."""
    own = ask(service, name, SELF, "student")
    is_read = name.startswith("GET ")
    assert (own.status, own.changed) == (ROUTES[service][name].status, not is_read), own
    for student in (NOBODYS, ABSENT, *FORMER_IDS):
        refused = ask(service, name, student, "student")
        assert (refused.status, refused.is_refused) == (403, "forbidden"), (student, refused)
        assert not refused.changed


def check_opening(ask: Asking, service: str, name: str, role: str) -> None:
    """Check that limited staff open a student out of their sight, and nobody else does."""
    seen, other = ask(service, name, OWN_CLASS, role), ask(service, name, NOBODYS, role)
    is_opened = role not in SEES_ALL and role != "student"
    refusal = 403 if role == "student" else 409
    assert (seen.status, seen.changed) == (refusal, False)
    assert (other.status, other.changed) == (201 if is_opened else refusal, is_opened)


def check_near(ask: Asking, service: str, name: str, role: str) -> None:
    """Check that an answer about courses has the students in sight."""
    answer = ask(service, name, OWN_CLASS, role)
    named = {filled(id_) for id_ in re.findall(r'"student_id": ?"([^"]+)"', answer.body)}
    assert answer.status == ROUTES[service][name].status
    assert OWN_CLASS in named
    assert named <= SEEN[role], role


def check_school(ask: Asking, service: str, name: str, role: str) -> None:
    """Check the answer of a route that is not about one student, or not for persons."""
    route, is_limited = ROUTES[service][name], role not in SEES_ALL
    answer = ask(service, name, OWN_CLASS, role)
    as_system = ask.as_system(service, name, OWN_CLASS)
    assert not answer.changed or not is_limited or route.kind is Kind.ALL, (role, answer)
    match route.kind:
        case Kind.CALLER:
            assert (answer.json["name"], answer.json["sees_all"]) == (LOGINS[role], not is_limited)
        case Kind.LIST:
            items = as_system.json["items"]
            seen = [item for item in items if filled(item[route.field]) in SEEN[role]]
            assert answer.json["items"] == seen, role
            assert answer.json.get("next") is None
        case Kind.FIGURES if is_limited:
            assert (answer.status, answer.is_refused) == (403, "group-too-small")
        case Kind.KEYS if is_limited:
            assert (answer.status, answer.is_refused) == (403, "forbidden")
        case Kind.SYSTEMS if is_limited:
            assert (answer.status, answer.is_refused) == (403, "not-for-persons"), answer
            is_about_student = "{student_id}" in name or "{s}" in json.dumps(route.body)
            for student in (SELF, NOBODYS, ABSENT, *FORMER_IDS) if is_about_student else ():
                assert ask(service, name, student, role) == answer, (role, student)
        case Kind.COURSES if is_limited:
            for mine, every in zip(answer.json["items"], as_system.json["items"], strict=True):
                enrolled = ENROLLED.get(every["id"], frozenset())
                assert every["enrolments"] == len(enrolled)
                assert mine["enrolments"] == len(enrolled & SEEN[role]), mine
        case Kind.SCHOOL | Kind.FIGURES | Kind.COURSES:
            assert INSTANT.sub("", answer.body) == INSTANT.sub("", as_system.body), role
        case _:
            assert (answer.status, answer.changed) == (as_system.status, as_system.changed)


def filled(id_: str) -> str:
    """Return the id of a student in a body."""
    return id_.replace("{s}", OWN_CLASS)
