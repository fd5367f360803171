"""Deprecated routes: headers of all answers, and their mark in the OpenAPI document."""

from datetime import date
from email.utils import parsedate_to_datetime

import pytest
from fastapi import APIRouter, Depends, FastAPI
from starlette.testclient import TestClient

from shared_db.spool.access import SpoolAccess
from shared_web.auth.admitted_route import AdmittedRoute
from shared_web.auth.dependencies import RequirePermission
from shared_web.deprecation import deprecated
from shared_web.principals import Permission, Principal
from shared_web.problems import InvalidRequest, install_problem_handlers

LINK = "https://school.example/changes#marks"
DEPRECATED = deprecated(date(2026, 10, 1), date(2027, 10, 1), LINK)


class Admitted(RequirePermission):
    """Admission of every caller, since the app of this test has no keys."""

    async def admit(self, request: object) -> Principal:  # noqa: ARG002 - the signature of the base
        return Principal("test", frozenset(Permission))


@pytest.fixture(scope="module")
def client() -> TestClient:
    router = APIRouter(route_class=AdmittedRoute, dependencies=[Depends(Admitted(None))])

    @router.get("/old", dependencies=[DEPRECATED])
    def old(number: int = 1) -> int:
        if number > 1:
            raise InvalidRequest("Too large.")
        return number

    @router.get("/new")
    def new() -> int:
        return 1

    app = FastAPI()
    app.include_router(router, prefix="/api/v1")
    install_problem_handlers(app, SpoolAccess())
    return TestClient(app)


@pytest.mark.parametrize(
    ("query", "status"), [("", 200), ("?number=2", 422), ("?number=x", 422), ("?other=1", 422)]
)
def test_every_answer_says_since_when_until_when_and_why(
    client: TestClient, query: str, status: int
) -> None:
    answer = client.get(f"/api/v1/old{query}")

    assert answer.status_code == status
    assert answer.headers["Deprecation"] == "@1790812800"
    assert parsedate_to_datetime(answer.headers["Sunset"]).date() == date(2027, 10, 1)
    assert answer.headers["Sunset"].endswith(" GMT")
    assert answer.links["deprecation"]["url"] == LINK


def test_the_document_marks_deprecated_routes_alone(client: TestClient) -> None:
    paths = client.get("/openapi.json").json()["paths"]
    other = client.get("/api/v1/new")

    assert paths["/api/v1/old"]["get"]["deprecated"] is True
    assert "deprecated" not in paths["/api/v1/new"]["get"]
    assert {"deprecation", "sunset", "link"}.isdisjoint(other.headers)


@pytest.mark.parametrize(
    ("sunset", "link"), [(date(2026, 10, 1), LINK), (date(2027, 1, 1), "a> b"), (date.max, "")]
)
def test_a_wrong_declaration_is_refused(sunset: date, link: str) -> None:
    with pytest.raises(ValueError, match=r"deprecated since|no address"):
        deprecated(date(2026, 10, 1), sunset, link)
