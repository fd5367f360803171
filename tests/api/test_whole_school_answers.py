"""Answers about a whole school: kept for equal callers, and repeated as 304."""

from collections.abc import Iterator

import pytest
from fastapi.routing import APIRoute
from starlette.testclient import TestClient

import dropout_service.main
import monitoring_service.main
import staffstuddash_service.main
from shared_db.clock import utc_now
from shared_db.connection.database import Database
from shared_db.settings import Environment
from shared_web.auth.keys import KeyManager
from shared_web.principals import Permission
from shared_web.whole_school.routes import is_whole_school
from staffstuddash_service.datastore import AssessmentToStore, DatastoreManager, StudentToStore
from tests.support.audits import audited_client, by, stored_reads
from tests.support.databases import LOOPBACK
from tests.support.factories import days
from tests.support.services import PARTS

COHORT = "/api/v1/dashboard/cohort"
STATISTICS = "/api/v1/monitoring/stats"
# The longest time that the settings allow.
KEPT_SECONDS = 10


def test_these_routes_are_declared() -> None:
    services = (staffstuddash_service.main, dropout_service.main, monitoring_service.main)
    routes = [
        each for service in services for router in service.SERVICE.routers for each in router.routes
    ]
    declared = {
        route.path for route in routes if isinstance(route, APIRoute) and is_whole_school(route)
    }

    assert declared == {
        "/dashboard/cohort",
        "/analytics/summary",
        "/monitoring/stats",
        "/monitoring/health",
        "/monitoring/sources",
        "/monitoring/analytics/timeseries",
    }


@pytest.fixture
def dashboard(datastore: DatastoreManager) -> Iterator[TestClient]:
    with audited_client("staffstuddash", datastore, cache_seconds=KEPT_SECONDS) as client:
        yield client


def test_an_answer_is_kept_until_an_erasure(
    dashboard: TestClient, datastore: DatastoreManager
) -> None:
    def count(headers: dict[str, str] | None = None, query: str = "") -> int:
        answer = dashboard.get(f"{COHORT}{query}", headers=headers).json()
        return int(answer["student_count"])

    datastore.add_student("s001", "Ada")
    assert count() == 1
    datastore.add_student("s002", "Grace")

    assert count() == count(query="?") == 1
    assert count(query="?timezone=Europe/Berlin") == 2
    assert count(by("p1", "principal")) == 2  # a caller with other permissions
    if not datastore.use_fallback:  # a person's answer is about the person's students alone
        assert dashboard.get(COHORT, headers=by("p2", "teacher")).status_code == 403
    assert dashboard.get(COHORT, params={"timezone": "nowhere"}).status_code == 422
    dashboard.delete("/api/v1/students/s001").raise_for_status()
    assert count() == count(by("p1", "principal")) == 1
    assert dashboard.delete("/api/v1/students/s002").status_code == 200
    assert count() == 0


def test_a_kept_answer_is_a_recorded_read_although_the_client_has_it(
    dashboard: TestClient, datastore: DatastoreManager
) -> None:
    datastore.students.add_many([StudentToStore(f"Pupil {id_}", id=id_) for id_ in ("s1", "s2")])
    marks = [
        AssessmentToStore(id_, "quiz", "Math", score, topic="sets", timestamp=utc_now() - days(n))
        for id_, score in (("s1", 95), ("s2", 20))
        for n in (1, 2, 3)
    ]
    datastore.assessments.add_many(marks)
    first = dashboard.get(COHORT)
    second = dashboard.get(COHORT, headers={"If-None-Match": first.headers["ETag"]})
    reads = stored_reads(dashboard, datastore)

    assert first.json()["tutoring_pairs"]
    assert (second.status_code, second.headers["Cache-Control"]) == (304, "no-store")
    assert [read["students"] for read in reads] == [2, 2]


def test_statistics_are_repeated_as_304(postgres: Database) -> None:
    reader = KeyManager(postgres).add_key("screen", [Permission.SYSTEM_READ])
    parts = PARTS["monitoring"]
    settings = parts.settings(
        environment=Environment.PRODUCTION,
        cors_origins="https://a.example",
        rate_limit_requests=100,
        cache_seconds=KEPT_SECONDS,
    )
    sent = {"Authorization": f"Bearer {reader}", "Origin": "https://a.example"}
    with TestClient(parts.app(postgres, settings), client=(LOOPBACK, 50000)) as client:
        first = client.get(STATISTICS, headers=sent)
        tag = first.headers["ETag"]
        same = client.get(STATISTICS, headers={**sent, "If-None-Match": f'"x", {tag}'})
        head = client.head(STATISTICS, headers=sent)
        other = client.get(STATISTICS, headers={**sent, "If-None-Match": '"x"'})
        unknown = client.get(STATISTICS, headers={"If-None-Match": "*"})

    assert (first.status_code, same.status_code, same.content) == (200, 304, b"")
    assert first.headers["Cache-Control"] == "private, no-cache"
    content = {"content-length", "content-type", "ratelimit", "x-request-id"}
    kept = {name: value for name, value in first.headers.items() if name not in content}
    assert kept == {name: value for name, value in same.headers.items() if name not in content}
    assert same.headers["X-Request-ID"] != first.headers["X-Request-ID"]
    assert same.headers["RateLimit"] != first.headers["RateLimit"]
    assert "ETag" in first.headers["Access-Control-Expose-Headers"]
    assert (head.headers["ETag"], head.content) == (tag, b"")
    assert (other.status_code, other.content) == (200, first.content)
    assert (unknown.status_code, unknown.headers["Cache-Control"]) == (401, "no-store")


def test_the_tag_is_that_of_compressed_and_other_answers(
    dashboard: TestClient, datastore: DatastoreManager
) -> None:
    datastore.add_student("s1", "Ada")
    marks = [
        AssessmentToStore("s1", "quiz", f"Subject {n}", 5, topic="sets", timestamp=utc_now())
        for n in range(20)
    ]
    datastore.assessments.add_many(marks)
    packed = dashboard.get(COHORT, headers={"Accept-Encoding": "gzip"})
    plain = dashboard.get(COHORT, headers={"Accept-Encoding": "identity"})
    tag = packed.headers["ETag"]
    same = dashboard.get(COHORT, headers={"If-None-Match": tag})

    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.json() == plain.json()
    assert tag.startswith('W/"')
    assert tag == plain.headers["ETag"] == same.headers["ETag"]
    assert (same.status_code, same.content) == (304, b"")
    assert same.headers["Vary"] == packed.headers["Vary"] == "Accept-Encoding"
