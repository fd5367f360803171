"""Merge of students over HTTP: the route, and the old id that leads to the new one."""

import pytest
from starlette.testclient import TestClient

from dropout_service.database import DropoutDatabaseManager
from shared_db.pseudonyms import pseudonym_of
from staffstuddash_service.datastore import DatastoreManager
from tests.support.factories import a_draft, a_learning_event, a_student, an_action, an_assessment
from tests.support.merging import NO_ROSTER, NO_ROSTER_CONFLICTS

API = "/api/v1"
STUDENTS = f"{API}/students"
OLD, NEW = f"{STUDENTS}/s001", f"{STUDENTS}/s 2é"
PERCENT_NEW = f"{STUDENTS}/s%202%C3%A9"


@pytest.fixture
def client(staffstuddash_client: TestClient) -> TestClient:
    """Give a client of a school with one student in two ids; it follows no redirect."""
    staffstuddash_client.post(STUDENTS, json=a_student())
    staffstuddash_client.post(STUDENTS, json=a_student(id="s 2é", email=None))
    staffstuddash_client.post(f"{API}/assessments", json=an_assessment())
    staffstuddash_client.post(f"{OLD}/drafts", json=a_draft())
    staffstuddash_client.post(f"{OLD}/actions", json=an_action())
    staffstuddash_client.follow_redirects = False
    return staffstuddash_client


def test_the_answer_is_the_account_of_the_merge(client: TestClient) -> None:
    answer = client.post(f"{OLD}/merge", json={"into": "s 2é"})

    assert answer.status_code == 200
    assert "Idempotent-Replay" not in answer.headers
    assert answer.json() == {
        "student_id": "s 2é",
        "moved": {
            "students": 1,
            "assessment_logs": 1,
            "drafts": 1,
            "action_logs": 1,
            **NO_ROSTER,
        },
        "conflicts": {
            "students": 1,
            "performance_records": 1,
            "drafts": 0,
            **NO_ROSTER_CONFLICTS,
        },
        "recomputed": {"performance_records": 1, "concept_standings": 0, "drafts": 0},
    }
    assert client.get(NEW).json()["email"] == "ada@school.example"
    [action] = client.get(f"{API}/actions?action=student.merged").json()["items"]
    assert action["student_id"] == "s 2é"
    assert action["data"] == {"pseudonym": pseudonym_of("s001")}


def test_merging_again_is_a_replay(client: TestClient) -> None:
    client.post(f"{OLD}/merge", json={"into": "s 2é"})
    again = client.post(f"{OLD}/merge", json={"into": "s 2é"})

    assert (again.status_code, again.headers["Idempotent-Replay"]) == (200, "true")
    assert again.json() == {"student_id": "s 2é", "moved": {}, "conflicts": {}, "recomputed": {}}


def test_the_old_path_leads_to_the_same_path_of_the_new_id(
    client: TestClient, subtests: pytest.Subtests
) -> None:
    cases: list[tuple[str, str]] = [
        ("GET", f"{STUDENTS}/{{}}"),
        ("HEAD", f"{STUDENTS}/{{}}"),
        ("GET", f"{STUDENTS}/{{}}/assessments?limit=1&subject=a%20b"),
        ("GET", f"{STUDENTS}/{{}}/drafts?change_type=STRUCTURAL"),
        ("GET", f"{STUDENTS}/{{}}/actions?limit=5"),
        ("GET", f"{STUDENTS}/{{}}/performance"),
        ("GET", f"{API}/dashboard/student/{{}}"),
        ("PATCH", f"{STUDENTS}/{{}}"),
        ("PUT", f"{STUDENTS}/{{}}"),
        ("DELETE", f"{STUDENTS}/{{}}"),
    ]
    client.post(f"{OLD}/merge", json={"into": "s 2é"})
    for method, path in cases:
        with subtests.test(method=method, path=path):
            body = {"name": "Ada King"} if method in {"PATCH", "PUT"} else None

            answer = client.request(method, path.format("s001"), json=body)

            assert answer.status_code == 308
            assert answer.headers["Location"] == path.format("s%202%C3%A9")
            if method != "HEAD":
                assert answer.json()["type"] == "urn:veritas:problem:student-merged"
                assert answer.json()["into"] == "s 2é"
            followed = client.request(method, path.format("s001"), json=body, follow_redirects=True)
            assert followed.status_code == 200


def test_the_old_id_in_the_roster_leads_to_the_new_one(
    client: TestClient, subtests: pytest.Subtests
) -> None:
    cases: list[tuple[str, str, object]] = [
        ("GET", f"{STUDENTS}/{{}}/classes?include_ended=true", None),
        ("GET", f"{STUDENTS}/{{}}/guardians", None),
        ("PUT", f"{STUDENTS}/{{}}/guardians", {"items": [{"id": "g1", "name": "Anne"}]}),
        ("GET", f"{STUDENTS}/{{}}/identifiers", None),
        ("PUT", f"{STUDENTS}/{{}}/identifiers", {"items": []}),
        ("PUT", f"{STUDENTS}/{{}}/demographics", {"sex": "female"}),
        ("GET", f"{STUDENTS}/{{}}/demographics", None),
        ("DELETE", f"{STUDENTS}/{{}}/demographics", None),
        ("PUT", f"{API}/classes/5a/students/{{}}", {}),
        ("DELETE", f"{API}/classes/5a/students/{{}}", None),
        ("PUT", f"{API}/people/t1/students/{{}}", {}),
        ("DELETE", f"{API}/people/t1/students/{{}}", None),
    ]
    client.put(f"{API}/classes/5a", json={"title": "5a"})
    client.put(f"{API}/people/t1", json={"name": "Emmy Noether"})
    client.put(f"{API}/classes/5a/students/s001", json={})
    client.put(f"{API}/people/t1/students/s001", json={})
    client.put(f"{OLD}/demographics", json={"sex": "female"})
    client.post(f"{OLD}/merge", json={"into": "s 2é"})
    for method, path, body in cases:
        with subtests.test(method=method, path=path):
            answer = client.request(method, path.format("s001"), json=body)

            assert answer.status_code == 308
            assert answer.headers["Location"] == path.format("s%202%C3%A9")
            assert answer.json()["type"] == "urn:veritas:problem:student-merged"
            followed = client.request(method, path.format("s001"), json=body, follow_redirects=True)
            assert followed.is_success


def test_rows_sent_under_the_old_id_are_stored_under_the_new_one(client: TestClient) -> None:
    client.post(f"{OLD}/merge", json={"into": "s 2é"})

    answers = [
        client.post(f"{API}/assessments", json=an_assessment(id="a002")),
        client.post(f"{OLD}/drafts", json=a_draft(id="d002")),
        client.post(f"{OLD}/actions", json=an_action()),
        client.post(STUDENTS, json=a_student()),
    ]
    batch = client.post(f"{API}/assessments/batch", json=[an_assessment(id="a003")])

    assert [answer.status_code for answer in answers] == [201] * 4
    assert [answer.json()["student_id"] for answer in answers[:3]] == ["s 2é"] * 3
    assert (answers[3].json()["id"], answers[3].headers["Idempotent-Replay"]) == ("s 2é", "true")
    assert batch.json()["stored"] == 1
    record = client.get(f"{NEW}/performance").json()
    assert (record["assessment_count"], record["draft_count"]) == (3, 2)
    assert client.get(STUDENTS).json()["items"][0]["id"] == "s 2é"


def test_impossible_merges_are_refused(client: TestClient) -> None:
    client.post(STUDENTS, json=a_student(id="gone"))
    client.post(STUDENTS, json=a_student(id="third"))
    client.delete(f"{STUDENTS}/gone")
    client.post(f"{OLD}/merge", json={"into": "s 2é"})

    def refusal(old: str, into: object) -> tuple[int, str]:
        answer = client.post(f"{STUDENTS}/{old}/merge", json={"into": into})
        return answer.status_code, answer.json()["type"].rpartition(":")[2]

    assert refusal("third", "third") == (422, "same-student")
    assert refusal("s 2é", "s001") == (422, "same-student")
    assert refusal("s001", "third") == (409, "merged-elsewhere")
    assert refusal("nobody", "third") == (404, "student-not-found")
    assert refusal("gone", "third") == (410, "student-gone")
    assert refusal("third", "gone") == (410, "student-gone")
    assert refusal("third", "a/b") == (422, "invalid-request")
    assert refusal("third", "batch") == (422, "invalid-request")
    assert refusal("third", None) == (422, "invalid-request")


def test_dropout_redirects_too(
    dropout_client: TestClient, db_manager: DropoutDatabaseManager
) -> None:
    dropout_client.follow_redirects = False
    dropout_client.post(f"{API}/events", json=a_learning_event())
    db_manager.merging.merge("s001", "s 2é")

    for path in (
        "",
        "/events?limit=5",
        "/attempts",
        "/assessments",
        "/corrections",
        "/features",
        "/features/latest",
        "/predictions",
        "/predictions/latest?course=math",
    ):
        answer = dropout_client.get(f"{OLD}{path}")
        assert (answer.status_code, answer.headers["Location"]) == (308, f"{PERCENT_NEW}{path}")
    computed = dropout_client.post(f"{OLD}/features", json={})
    assert (computed.status_code, computed.headers["Location"]) == (308, f"{PERCENT_NEW}/features")
    event = dropout_client.post(f"{API}/events", json=a_learning_event(id="evt002"))
    again = dropout_client.post(f"{API}/events", json=a_learning_event())
    batch = dropout_client.post(f"{API}/events/batch", json=[a_learning_event(id="evt003")])
    assert (event.status_code, event.json()["student_id"]) == (201, "s 2é")
    assert again.headers["Idempotent-Replay"] == "true"
    assert batch.json()["stored"] == 1
    assert len(dropout_client.get(f"{NEW}/events").json()["items"]) == 3


def test_no_name_and_no_id_of_a_merge_is_logged(
    client: TestClient, datastore: DatastoreManager, capfd: pytest.CaptureFixture[str]
) -> None:
    datastore.students.add("marked-xanthippe", "Xanthippe")
    client.post(f"{STUDENTS}/marked-xanthippe/merge", json={"into": "marked-x"})
    client.get(f"{STUDENTS}/marked-xanthippe")

    logged = "".join(capfd.readouterr())
    assert "marked" not in logged
    assert "Xanthippe" not in logged
