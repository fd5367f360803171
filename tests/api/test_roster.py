"""Roster over HTTP, on both stores."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.support.factories import a_student
from tests.support.rosters import today

API = "/api/v1"
TERM = {
    "title": "Year 2026",
    "type": "school_year",
    "starts_on": "2026-08-01",
    "ends_on": "2027-07-31",
}
BODIES: dict[str, dict[str, Any]] = {
    "organisations": {"name": "Lovelace School", "identifier": "DE-17"},
    "terms": TERM,
    "courses": {"title": "Mathematics", "organisation_id": "x1", "subjects": ["Math"]},
    "classes": {"title": "5a", "course_id": "x1", "term_ids": ["x1"], "grades": ["05"]},
    "people": {"name": "Emmy Noether", "role": "teacher", "organisation_ids": ["x1"]},
}
NAMES = {"organisations": "name", "people": "name"}


@pytest.fixture
def client(staffstuddash_client: TestClient) -> TestClient:
    """Give a client of a school with a row x1 of each resource, and two students."""
    for resource, body in BODIES.items():
        assert staffstuddash_client.put(f"{API}/{resource}/x1", json=body).status_code == 201
    for id_ in ("s001", "s002"):
        staffstuddash_client.post(f"{API}/students", json=a_student(id=id_))
    return staffstuddash_client


@pytest.mark.parametrize("resource", BODIES)
class TestResource:
    def test_equal_content_is_a_replay(self, client: TestClient, resource: str) -> None:
        before = client.get(f"{API}/{resource}/x1").json()
        again = client.put(f"{API}/{resource}/x1", json=BODIES[resource])

        assert (again.status_code, again.headers["Idempotent-Replay"]) == (200, "true")
        assert again.json() == before
        assert {**before, **BODIES[resource], "id": "x1", "source": "manual"} == before

    def test_other_content_replaces(self, client: TestClient, resource: str) -> None:
        name = NAMES.get(resource, "title")
        changed = client.put(f"{API}/{resource}/x1", json={**BODIES[resource], name: "Other"})

        assert (changed.status_code, changed.json()[name]) == (200, "Other")
        assert "Idempotent-Replay" not in changed.headers
        assert client.get(f"{API}/{resource}/x1").json() == changed.json()

    def test_an_ended_row_leaves_the_list_and_begins_again(
        self, client: TestClient, resource: str
    ) -> None:
        url = f"{API}/{resource}"
        ended = client.delete(f"{url}/x1")
        again = client.delete(f"{url}/x1")

        assert ended.json()["ended_at"] is not None
        assert again.json() == ended.json()
        assert again.headers["Idempotent-Replay"] == "true"
        assert client.get(url).json()["items"] == []
        assert client.get(f"{url}?include_ended=true").json()["items"] == [ended.json()]
        assert client.put(f"{url}/x1", json=BODIES[resource]).json()["ended_at"] is None

    def test_lists_have_pages_and_filters(self, client: TestClient, resource: str) -> None:
        url, name = f"{API}/{resource}", NAMES.get(resource, "title")
        client.put(f"{url}/x2", json={**BODIES[resource], name: "Second"})

        first = client.get(f"{url}?limit=1").json()
        second = client.get(f"{url}?limit=1&after={first['next']}").json()
        found = client.get(f"{url}?{name}=Second&source=manual").json()

        assert [row["id"] for row in first["items"] + second["items"]] == ["x1", "x2"]
        assert second["next"] is None
        assert found["items"] == second["items"]

    def test_an_unknown_id_is_not_found(self, client: TestClient, resource: str) -> None:
        answer = client.get(f"{API}/{resource}/nowhere")

        assert answer.status_code == 404
        assert "nowhere" in answer.json()["detail"]
        assert client.delete(f"{API}/{resource}/nowhere").status_code == 404


def test_classes_of_a_term_and_people_of_an_organisation(client: TestClient) -> None:
    for path, count in {
        "classes?term_id=x1": 1,
        "classes?term_id=x": 0,
        "people?organisation_id=x1": 1,
        "people?organisation_id=other": 0,
        "classes?course_id=x1&type=scheduled": 1,
        "people?role=advisor": 0,
        "people?search=NOETHER": 1,
        "people?search=%25": 0,
        "people?id__in=x1,none": 1,
        "people?id__in=none": 0,
        "terms?school_year=2027": 0,
    }.items():
        assert len(client.get(f"{API}/{path}").json()["items"]) == count, path


def test_a_wrong_reference_or_day_is_refused(client: TestClient, subtests: pytest.Subtests) -> None:
    cases: list[tuple[str, dict[str, Any], int, str]] = [
        ("classes/x2", {"title": "5b", "course_id": "none"}, 422, "unknown-reference"),
        ("classes/x2", {"title": "5b", "term_ids": ["x1", "none"]}, 422, "unknown-reference"),
        ("organisations/x2", {"name": "B", "parent_id": "none"}, 422, "unknown-reference"),
        ("organisations/x2", {"name": "B", "parent_id": "x2"}, 422, "record-invalid"),
        ("terms/x2", {**TERM, "ends_on": "2026-01-01"}, 422, "record-invalid"),
        ("terms/x2", {**TERM, "ends_on": 1767225600}, 422, "invalid-request"),
        ("terms/x2", {**TERM, "ends_on": "2026-02-30"}, 422, "invalid-request"),
        ("terms/x2", {**TERM, "type": "holiday"}, 422, "invalid-request"),
        ("classes/x2", {"title": "5b", "students": []}, 422, "invalid-request"),
        ("classes/none/students/s001", {}, 404, "class-not-found"),
        ("classes/x1/students/none", {}, 404, "student-not-found"),
        ("classes/x1/staff/none", {}, 404, "person-not-found"),
        ("classes/none/staff/x1", {}, 404, "class-not-found"),
        ("people/none/students/s001", {}, 404, "person-not-found"),
        ("people/x1/students/none", {}, 404, "student-not-found"),
        ("students/none/guardians", {"items": []}, 404, "student-not-found"),
        ("students/none/identifiers", {"items": []}, 404, "student-not-found"),
        ("students/none/demographics", {}, 404, "student-not-found"),
        (
            "classes/x1/students/s001",
            {"valid_from": "2026-02-01", "valid_to": "2026-01-01"},
            422,
            "record-invalid",
        ),
    ]
    for path, body, status, problem in cases:
        with subtests.test(path=path):
            answer = client.put(f"{API}/{path}", json=body)

            assert answer.status_code == status, answer.text
            assert answer.json()["type"] == f"urn:veritas:problem:{problem}"


def test_a_student_changes_the_class(client: TestClient) -> None:
    client.put(f"{API}/classes/x2", json={"title": "5b"})
    begins = today(-60).isoformat()
    first = client.put(f"{API}/classes/x1/students/s001", json={"valid_from": begins})
    assert first.status_code == 201

    ended = client.delete(f"{API}/classes/x1/students/s001").json()
    client.put(f"{API}/classes/x2/students/s001", json={})

    assert (ended["valid_from"], ended["valid_to"]) == (begins, today().isoformat())
    classes = f"{API}/students/s001/classes"
    assert [row["class_id"] for row in client.get(classes).json()["items"]] == ["x2"]
    past = client.get(f"{classes}?as_of={today(-1)}").json()["items"]
    assert [row["class_id"] for row in past] == ["x1"]
    assert len(client.get(f"{classes}?include_ended=true").json()["items"]) == 2
    assert client.get(f"{API}/classes/x1/students").json()["items"] == []


@pytest.mark.parametrize(
    ("put", "listing", "field", "id_"),
    [
        ("classes/x1/students/s001", "classes/x1/students", "student_id", "s001"),
        ("classes/x1/staff/x1", "classes/x1/staff", "person_id", "x1"),
        ("classes/x1/staff/x1", "people/x1/classes", "class_id", "x1"),
        ("people/x1/students/s001", "people/x1/students", "student_id", "s001"),
    ],
)
def test_a_relation_begins_is_listed_and_ends(
    client: TestClient, put: str, listing: str, field: str, id_: str
) -> None:
    assert client.delete(f"{API}/{put}").status_code == 404
    begun = client.put(f"{API}/{put}", json={})
    again = client.put(f"{API}/{put}", json={})
    listed = client.get(f"{API}/{listing}").json()["items"]
    ended = client.delete(f"{API}/{put}")
    ended_again = client.delete(f"{API}/{put}")

    assert (begun.status_code, again.status_code) == (201, 200)
    assert again.headers["Idempotent-Replay"] == "true"
    assert listed == [begun.json()]
    assert listed[0][field] == id_
    assert client.get(f"{API}/{listing}").json()["items"] == []
    assert ended.json()["valid_to"] == today().isoformat()
    assert ended_again.headers["Idempotent-Replay"] == "true"
    assert ended_again.json() == ended.json()


def test_an_ended_class_takes_no_student(client: TestClient) -> None:
    client.delete(f"{API}/classes/x1")
    refused = client.put(f"{API}/classes/x1/students/s001", json={})

    assert (refused.status_code, refused.json()["class_id"]) == (409, "x1")


def test_guardians_are_replaced_together(client: TestClient) -> None:
    url = f"{API}/students/s001/guardians"
    anne, mary = {"id": "g1", "name": "Anne"}, {"id": "g2", "name": "Mary", "phone": "+1 2"}
    client.put(url, json={"items": [anne, mary]})

    names = [row["name"] for row in client.get(url).json()["items"]]
    left = client.put(url, json={"items": [mary]}).json()["items"]
    taken = client.put(f"{API}/students/s002/guardians", json={"items": [anne, mary]})

    assert names == ["Anne", "Mary"]
    assert [row["name"] for row in left] == ["Mary"]
    assert taken.json()["type"] == "urn:veritas:problem:guardian-exists"
    assert client.get(f"{API}/students/s002/guardians").json()["items"] == []


def test_an_identifier_belongs_to_one_student(client: TestClient) -> None:
    ours, theirs = (f"{API}/students/{id_}/identifiers" for id_ in ("s001", "s002"))
    account = {"system": "moodle", "kind": "account", "value": "ada"}
    client.put(ours, json={"items": [account]})

    taken = client.put(theirs, json={"items": [account]})
    other_kind = client.put(theirs, json={"items": [{**account, "kind": "id"}]})
    client.put(ours, json={"items": []})
    moved = client.put(theirs, json={"items": [account]})

    assert taken.status_code == 409
    assert "ada" not in taken.text
    assert (other_kind.status_code, moved.status_code) == (200, 200)
    assert [row["value"] for row in moved.json()["items"]] == ["ada"]


def test_demographics_are_stored_and_deleted(client: TestClient) -> None:
    url = f"{API}/students/s001/demographics"
    body = {"birth_date": "2014-12-10", "sex": "female", "attributes": {"language": "en"}}

    assert client.get(url).json()["type"] == "urn:veritas:problem:demographics-not-found"
    assert client.put(url, json=body).status_code == 201
    assert client.put(url, json=body).headers["Idempotent-Replay"] == "true"
    assert body.items() <= client.get(url).json().items()
    assert client.delete(url).status_code == 204
    assert client.delete(url).headers["Idempotent-Replay"] == "true"
    assert client.get(url).status_code == 404


def test_an_erased_student_is_gone_from_the_roster(client: TestClient) -> None:
    client.put(f"{API}/classes/x1/students/s001", json={})
    client.delete(f"{API}/students/s001")

    own = f"{API}/students/s001"
    answers = [
        client.put(f"{API}/classes/x1/students/s001", json={}),
        client.delete(f"{API}/classes/x1/students/s001"),
        client.put(f"{API}/people/x1/students/s001", json={}),
        client.get(f"{own}/classes"),
        client.get(f"{own}/guardians"),
        client.put(f"{own}/identifiers", json={"items": []}),
        client.get(f"{own}/demographics"),
    ]
    assert [answer.status_code for answer in answers] == [410] * len(answers)
    assert client.get(f"{API}/classes/x1/students").json()["items"] == []
