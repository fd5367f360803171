"""Students, marks, attempts and features of dropout over HTTP, on both stores."""

import pytest
from starlette.testclient import TestClient

from dropout_service.database import DropoutDatabaseManager
from tests.support.factories import NOON, a_learning_event, a_student, days

STUDENTS = "/api/v1/students"
EVENTS = "/api/v1/events"
ASSESSMENTS = "/api/v1/assessments"


def a_mark(**changes: object) -> dict[str, object]:
    values = {"id": "a001", "student_id": "s001", "type": "quiz", "subject": "Math", "score": 40}
    return {**values, "submitted_at": NOON.isoformat(), **changes}


class TestStudents:
    """Students; their names are stored only if they were sent."""

    def test_a_student_is_stored_and_read(self, dropout_client: TestClient) -> None:
        stored = dropout_client.post(STUDENTS, json=a_student())

        assert stored.status_code == 201
        assert dropout_client.get(f"{STUDENTS}/s001").json() == stored.json()
        assert dropout_client.get(STUDENTS).json() == {"items": [stored.json()], "next": None}

    def test_a_repeated_student_gets_the_same_answer(self, dropout_client: TestClient) -> None:
        first = dropout_client.post(STUDENTS, json=a_student())
        again = dropout_client.post(STUDENTS, json=a_student())
        other = dropout_client.post(STUDENTS, json=a_student(name="Grace"))

        assert (again.json(), again.headers["Idempotent-Replay"]) == (first.json(), "true")
        assert other.status_code == 409

    def test_a_student_created_by_an_event_gets_a_name_later(
        self, dropout_client: TestClient
    ) -> None:
        dropout_client.post(EVENTS, json=a_learning_event())
        nameless = dropout_client.get(f"{STUDENTS}/s001").json()
        named = dropout_client.post(STUDENTS, json=a_student())

        assert nameless["name"] is None
        assert named.status_code == 201
        assert "Idempotent-Replay" not in named.headers
        assert dropout_client.get(f"{STUDENTS}/s001").json()["name"] == "Ada Lovelace"
        assert dropout_client.get(f"{STUDENTS}/s001").json()["created_at"] == nameless["created_at"]

    def test_the_list_has_pages(self, dropout_client: TestClient) -> None:
        for number in range(3):
            dropout_client.post(STUDENTS, json=a_student(id=f"s{number}"))

        first = dropout_client.get(STUDENTS, params={"limit": 2}).json()
        rest = dropout_client.get(STUDENTS, params={"after": first["next"]}).json()

        assert [item["id"] for item in first["items"] + rest["items"]] == ["s0", "s1", "s2"]

    def test_an_unknown_student_is_not_found(self, dropout_client: TestClient) -> None:
        paths = ("", "/events", "/attempts", "/assessments", "/features", "/features/latest")
        answers = [dropout_client.get(f"{STUDENTS}/nobody{path}") for path in paths]

        assert {answer.status_code for answer in answers} == {404}

    def test_an_erased_student_is_gone(
        self, dropout_client: TestClient, db_manager: DropoutDatabaseManager
    ) -> None:
        dropout_client.post(EVENTS, json=a_learning_event())
        db_manager.students.erase("s001")

        paths = ("", "/events", "/attempts", "/assessments", "/features", "/predictions/latest")
        answers = [
            *(dropout_client.get(f"{STUDENTS}/s001{path}") for path in paths),
            dropout_client.post(STUDENTS, json=a_student()),
            dropout_client.post(EVENTS, json=a_learning_event()),
            dropout_client.post(ASSESSMENTS, json=a_mark()),
            dropout_client.post(f"{STUDENTS}/s001/features", json={}),
            dropout_client.post(f"{STUDENTS}/s001/predictions", json={}),
        ]
        batch = dropout_client.post(
            f"{EVENTS}/batch", json=[a_learning_event(), a_learning_event(student_id="s002")]
        ).json()

        assert {answer.status_code for answer in answers} == {410}
        assert answers[0].json()["type"] == "urn:veritas:problem:student-deleted"
        assert [item["outcome"] for item in batch["items"]] == ["refused", "stored"]
        assert batch["items"][0]["errors"][0]["field"] == "student_id"


class TestAssessments:
    """Marks that are stored here."""

    def test_a_mark_is_stored_and_creates_its_student(self, dropout_client: TestClient) -> None:
        stored = dropout_client.post(ASSESSMENTS, json=a_mark())

        assert stored.status_code == 201
        assert stored.json()["max_score"] == 100
        listed = dropout_client.get(f"{STUDENTS}/s001/assessments").json()
        assert listed["items"] == [stored.json()]

    def test_a_repeated_mark_is_stored_once(self, dropout_client: TestClient) -> None:
        dropout_client.post(ASSESSMENTS, json=a_mark())
        again = dropout_client.post(ASSESSMENTS, json=a_mark())
        other = dropout_client.post(ASSESSMENTS, json=a_mark(score=41))

        assert (again.status_code, again.headers["Idempotent-Replay"]) == (201, "true")
        assert other.status_code == 409

    @pytest.mark.parametrize(
        "wrong",
        [{"score": 101}, {"score": -1}, {"max_score": 0}, {"subject": ""}, {"score": "many"}],
    )
    def test_an_impossible_mark_is_rejected(
        self, dropout_client: TestClient, wrong: dict[str, object]
    ) -> None:
        assert dropout_client.post(ASSESSMENTS, json=a_mark(**wrong)).status_code == 422
        assert dropout_client.get(f"{STUDENTS}/s001").status_code == 404

    def test_the_list_is_filtered(self, dropout_client: TestClient) -> None:
        for number in range(3):
            mark = a_mark(
                id=f"a{number}", score=number, submitted_at=(NOON - days(number)).isoformat()
            )
            dropout_client.post(ASSESSMENTS, json=mark)

        answer = dropout_client.get(
            f"{STUDENTS}/s001/assessments",
            params={"score__gte": 1, "submitted_at__gt": (NOON - days(2)).isoformat()},
        )

        assert [item["id"] for item in answer.json()["items"]] == ["a1"]


class TestEvents:
    """Lists of events and attempts."""

    def test_attempts_are_counted_per_question(self, dropout_client: TestClient) -> None:
        for number, question in enumerate(("q1", "q2", "q1", None, "q1")):
            event = a_learning_event(
                id=f"e{number}",
                question_id=question,
                occurred_at=(NOON - days(number)).isoformat(),
                data={"correct": number == 0},
            )
            dropout_client.post(EVENTS, json=event)
        dropout_client.post(EVENTS, json=a_learning_event(id="hint", event_type="HINT_REQUEST"))

        attempts = dropout_client.get(f"{STUDENTS}/s001/attempts").json()["items"]

        assert [(a["id"], a["question_id"], a["attempt"]) for a in attempts] == [
            ("e0", "q1", 3),
            ("e1", "q2", 1),
            ("e2", "q1", 2),
            ("e4", "q1", 1),
        ]
        assert [a["is_correct"] for a in attempts] == [True, False, False, False]

    def test_events_are_filtered(self, dropout_client: TestClient) -> None:
        for number, kind in enumerate(("QUESTION_SUBMIT", "HINT_REQUEST", "NAVIGATION")):
            event = a_learning_event(
                id=f"e{number}",
                event_type=kind,
                course="math" if number else None,
                occurred_at=(NOON - days(number)).isoformat(),
            )
            dropout_client.post(EVENTS, json=event)

        def ids(**filters: str) -> list[str]:
            page = dropout_client.get(f"{STUDENTS}/s001/events", params=filters).json()
            return [item["id"] for item in page["items"]]

        assert ids(event_type="HINT_REQUEST") == ["e1"]
        assert ids(course="math") == ["e1", "e2"]
        assert ids(occurred_at__gte=(NOON - days(1)).isoformat(), course="math") == ["e1"]
        assert ids(course="art") == []


class TestFeatures:
    """Features: computed, stored and read."""

    def test_features_are_computed_and_stored(self, dropout_client: TestClient) -> None:
        dropout_client.post(EVENTS, json=a_learning_event(data={"correct": True}))
        path = f"{STUDENTS}/s001/features"

        early = dropout_client.post(path, json={"as_of": (NOON + days(2)).isoformat()})
        late = dropout_client.post(path, json={"as_of": (NOON + days(5)).isoformat()})

        assert early.status_code == late.status_code == 201
        assert late.json()["features"]["days_since_activity"] == 5
        assert late.json()["features"]["questions_correct"] == 1
        assert late.json()["features"]["gap_growth"] is None
        assert dropout_client.get(f"{path}/latest").json() == late.json()
        assert dropout_client.get(path).json()["items"] == [late.json(), early.json()]

    def test_repeated_features_are_stored_once(self, dropout_client: TestClient) -> None:
        dropout_client.post(EVENTS, json=a_learning_event())
        path, body = f"{STUDENTS}/s001/features", {"id": "fs001", "as_of": NOON.isoformat()}
        first = dropout_client.post(path, json=body)
        again = dropout_client.post(path, json=body)
        other = dropout_client.post(path, json={"id": "fs001"})

        assert (again.json(), again.headers["Idempotent-Replay"]) == (first.json(), "true")
        assert other.status_code == 409

    def test_an_instant_in_the_future_is_rejected(self, dropout_client: TestClient) -> None:
        dropout_client.post(EVENTS, json=a_learning_event())
        answer = dropout_client.post(
            f"{STUDENTS}/s001/features", json={"as_of": "2090-01-01T00:00:00Z"}
        )

        assert answer.status_code == 422
