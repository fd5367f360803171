"""Dashboards over HTTP, on both stores; the dropout risk on PostgreSQL only."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from dropout_service.database import DropoutDatabaseManager
from dropout_service.domain.enums import RiskLevel as PublishedLevel
from shared_db.connection.database import Database
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.domain.risk import RiskLevel
from staffstuddash_service.domain.sort_orders import Order
from staffstuddash_service.main import create_app
from staffstuddash_service.settings import Settings
from tests.support.databases import LOOPBACK
from tests.support.factories import NOON, a_draft, a_student, an_assessment, days

TEACHER = "/api/v1/dashboard/teacher"
SCORES = {"s1": [90, 95], "s2": [30, 20], "s3": [], "s4": [60, 60], "s5": [60, 60], "s6": []}


@pytest.fixture
def client(staffstuddash_client: TestClient) -> TestClient:
    """Give a client of a school of six students, two of them without assessments."""
    fill(staffstuddash_client)
    return staffstuddash_client


def fill(client: TestClient) -> None:
    names = dict(zip(SCORES, ("Zoe", "ada", "Änne", "Bob", "bert", "Carl"), strict=True))
    students = [a_student(id=id_, name=name, email=None) for id_, name in names.items()]
    marks = [
        an_assessment(
            id=f"{id_}-{number}",
            student_id=id_,
            score=score,
            timestamp=(NOON + days(number + int(id_[1]))).isoformat(),
        )
        for id_, scores in SCORES.items()
        for number, score in enumerate(scores)
    ]
    assert client.post("/api/v1/students/batch", json=students).json()["stored"] == 6
    assert client.post("/api/v1/assessments/batch", json=marks).json()["stored"] == 8


def ids(client: TestClient, limit: int = 2, **parameters: Any) -> list[str]:
    """Return the ids of the students on all pages."""
    found: list[str] = []
    query: dict[str, str | int] = {"limit": limit, **parameters}
    while True:
        page = client.get(TEACHER, params=query)
        assert page.status_code == 200, page.text
        found += [row["student_id"] for row in page.json()["items"]]
        if page.json()["next"] is None:
            return found
        query["after"] = page.json()["next"]


def test_every_order_lists_all_students_those_without_a_value_last(
    client: TestClient, subtests: pytest.Subtests
) -> None:
    cases: list[tuple[str, list[str]]] = [
        ("student_id", ["s1", "s2", "s3", "s4", "s5", "s6"]),
        ("name", ["s2", "s3", "s5", "s4", "s6", "s1"]),
        ("-name", ["s1", "s6", "s4", "s5", "s3", "s2"]),
        ("mean_percentage", ["s2", "s4", "s5", "s1", "s3", "s6"]),
        ("-mean_percentage", ["s1", "s5", "s4", "s2", "s6", "s3"]),
        ("last_activity_at", ["s1", "s2", "s4", "s5", "s3", "s6"]),
        ("-last_activity_at", ["s5", "s4", "s2", "s1", "s6", "s3"]),
    ]
    for sort, expected in cases:
        with subtests.test(sort=sort):
            for limit in (1, 2, 3, 100):
                assert ids(client, limit, sort=sort) == expected


def test_a_cursor_belongs_to_its_order(client: TestClient) -> None:
    page = client.get(TEACHER, params={"limit": 1, "sort": "mean_percentage"}).json()

    for sort in ("-mean_percentage", "student_id", "name"):
        answer = client.get(TEACHER, params={"sort": sort, "after": page["next"]})
        assert answer.status_code == 422


def test_rows_can_be_filtered(client: TestClient, subtests: pytest.Subtests) -> None:
    cases: list[tuple[dict[str, Any], list[str]]] = [
        ({"status": "high_risk"}, ["s2"]),
        ({"status__in": "safe,high_risk"}, ["s1", "s2", "s4", "s5"]),
        ({"mean_percentage__lt": "60"}, ["s2"]),
        ({"mean_percentage__gte": "60", "search": "B"}, ["s4", "s5"]),
        ({"assessment_count": "0"}, ["s3", "s6"]),
        ({"last_activity_at__gte": (NOON + days(6)).isoformat()}, ["s5"]),
        ({"sudden_jump_flag": "true"}, []),
        # No pace is known of anybody, which is not "no jump".
        ({"sudden_jump_flag": "false"}, []),
    ]
    for filters, expected in cases:
        with subtests.test(filters=filters):
            assert ids(client, **filters) == expected


def test_a_row_has_performance_and_hints(client: TestClient) -> None:
    client.post("/api/v1/students/s1/drafts", json=a_draft(content="one two three"))
    client.post("/api/v1/students/s1/drafts", json=a_draft(id="d2", content="four five"))

    row, _, unknown = client.get(TEACHER, params={"limit": 3}).json()["items"]

    assert (row["name"], row["mean_percentage"], row["status"]) == ("Zoe", 92.5, "safe")
    assert row["status_reasons"]
    assert (row["integrity_label"], row["sudden_jump_flag"]) == ("NEEDS_REVIEW", None)
    assert "never a verdict" in row["integrity_note"]
    assert (unknown["mean_percentage"], unknown["status"], unknown["last_activity_at"]) == (
        None,
        None,
        None,
    )
    assert unknown["status_reasons"] == ["Fewer than 2 marks: not assessable."]


@pytest.mark.parametrize("level", ["HIHG", "high", ""])
def test_an_unknown_risk_level_is_refused(client: TestClient, level: str) -> None:
    for parameter in ("risk_level", "risk_level__ne", "risk_level__in"):
        answer = client.get(TEACHER, params={parameter: level})

        assert answer.status_code == 422
        assert answer.json()["errors"][0]["field"].startswith(parameter)


def test_the_risk_levels_equal_those_of_dropout() -> None:
    assert [level.value for level in RiskLevel] == [level.value for level in PublishedLevel]


def test_an_unknown_order_is_refused(client: TestClient) -> None:
    assert client.get(TEACHER, params={"sort": "grade"}).status_code == 422


class TestRiskInMemory:
    """Risk on the in-memory store, which has no view of dropout."""

    @pytest.mark.parametrize(
        "parameters", [{"sort": "-risk_score"}, {"risk_level": "HIGH"}, {"risk_score__gt": "0"}]
    )
    def test_sorting_and_filtering_by_it_needs_postgresql(
        self, client: TestClient, datastore: DatastoreManager, parameters: dict[str, str]
    ) -> None:
        answer = client.get(TEACHER, params=parameters)

        assert answer.status_code == (501 if datastore.use_fallback else 200)


class TestRisk:
    """Dropout risk of each student."""

    @pytest.fixture
    def client(self, postgres: Database) -> Iterator[TestClient]:
        manager = DatastoreManager(postgres)
        app = create_app(manager, Settings(environment="development"))
        with TestClient(app, f"http://{LOOPBACK}", client=(LOOPBACK, 50000)) as client:
            fill(client)
            publish(postgres, {"s1": 0.5, "s2": 0.9, "s4": 0.5, "s5": 0.1, "unknown": 0.7})
            yield client

    @pytest.mark.parametrize(
        ("sort", "expected"),
        [
            ("-risk_score", ["s2", "s4", "s1", "s5", "s6", "s3"]),
            ("risk_score", ["s5", "s1", "s4", "s2", "s3", "s6"]),
        ],
    )
    def test_students_are_sorted_by_risk_those_without_one_last(
        self, client: TestClient, sort: str, expected: list[str]
    ) -> None:
        for limit in (1, 2, 3, 4, 5, 100):
            assert ids(client, limit, sort=sort) == expected

    def test_the_row_has_the_risk_or_the_reason(self, client: TestClient) -> None:
        first, *_, last = client.get(TEACHER, params={"sort": "-risk_score"}).json()["items"]

        assert first["risk"] == {
            "score": 0.9,
            "level": "HIGH",
            "dropout_type": "SILENT",
            "as_of": "2026-03-02T12:00:00Z",
            "course": "art",
            "prediction_id": "p-s2",
            "version": "rules-3",
            "course_rank": 1,
            "course_ranked": 5,
        }
        assert (last["risk"], last["risk_missing_because"]) == (None, "no prediction yet")

    def test_rows_can_be_filtered_by_risk(self, client: TestClient) -> None:
        assert ids(client, risk_level="HIGH") == ["s1", "s2", "s4"]
        assert ids(client, risk_level__in="LOW,CRITICAL") == ["s5"]
        assert ids(client, risk_score__lt="0.5", sort="name") == ["s5"]
        assert ids(client, risk_level="HIGH", status="safe", sort="-risk_score") == ["s4", "s1"]

    def test_the_students_dashboard_has_the_risk(self, client: TestClient) -> None:
        assert client.get("/api/v1/dashboard/student/s2").json()["risk"]["score"] == 0.9

    def test_a_prediction_made_by_dropout_is_shown(self, postgres: Database) -> None:
        datastore, dropout = DatastoreManager(postgres), DropoutDatabaseManager(postgres)
        datastore.add_student("real", "Ada")
        for week in range(8):
            moment = NOON + days(7 * week)
            datastore.add_assessment("real", "quiz", "Math", 60 - 5 * week, timestamp=moment)
            dropout.events.add(None, "real", None, "NAVIGATION", occurred_at=moment)

        made = dropout.predictions.predict("real", as_of=NOON + days(80))

        [row] = datastore.teacher_dashboard.search(order=Order.HIGHEST_RISK).items
        assert row.risk is not None
        assert row.risk.score == made.risk_score
        assert row.risk.level == made.risk_level
        assert datastore.student_dashboard.get("real").risk == row.risk

    def test_the_cohort_counts_high_risks(self, client: TestClient) -> None:
        cohort = client.get("/api/v1/dashboard/cohort").json()

        assert cohort["high_dropout_risk_count"] == 3


def publish(database: Database, risks: dict[str, float]) -> None:
    """Replace the view by a table with its columns, until the test is rolled back."""
    with database.unit_of_work() as session:
        session.execute(text("CREATE TABLE dropout.stand_in AS TABLE dropout.published_risk"))
        session.execute(text("DROP VIEW dropout.published_risk CASCADE"))
        session.execute(text("ALTER TABLE dropout.stand_in RENAME TO published_risk"))
        for student_id, score in risks.items():
            values = {"id": student_id, "score": score, "level": "HIGH" if score > 0.3 else "LOW"}
            session.execute(
                text(
                    "INSERT INTO dropout.published_risk"
                    " (student_id, risk_score, risk_level, dropout_type, as_of, course,"
                    " prediction_id, version, course_rank, course_ranked)"
                    " VALUES (:id, :score, :level, 'SILENT', :as_of, 'art',"
                    " 'p-' || :id, 'rules-3', 1, 5)"
                ),
                {**values, "as_of": NOON},
            )


class TestStudent:
    """Student's dashboard."""

    def test_it_has_performance_and_concepts(self, client: TestClient) -> None:
        for number, score in enumerate((40, 50, 60)):
            mark = an_assessment(id=f"t{number}", student_id="s3", score=score, topic="sets")
            client.post("/api/v1/assessments", json=mark)

        found = client.get("/api/v1/dashboard/student/s3").json()

        assert found["student"]["name"] == "Änne"
        assert found["performance"] == client.get("/api/v1/students/s3/performance").json()
        [concept] = found["concepts"]
        assert (concept["concept"], concept["assessment_count"]) == ("sets", 3)
        assert found["risk"] is None
        assert found["risk_missing_because"]

    def test_it_has_no_figures_for_a_new_student(self, client: TestClient) -> None:
        found = client.get("/api/v1/dashboard/student/s6").json()

        assert found["concepts"] == []
        assert found["performance"]["mean_percentage"] is None

    def test_it_is_not_found_for_an_unknown_student(self, client: TestClient) -> None:
        assert client.get("/api/v1/dashboard/student/nobody").status_code == 404
