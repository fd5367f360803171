"""Students over HTTP, on both stores."""

import pytest
from starlette.testclient import TestClient

from tests.support.factories import a_student

STUDENTS = "/api/v1/students"


def test_a_student_is_stored_and_read_back(staffstuddash_client: TestClient) -> None:
    stored = staffstuddash_client.post(STUDENTS, json=a_student())

    assert stored.status_code == 201
    assert stored.json()["name"] == "Ada Lovelace"
    assert staffstuddash_client.get(f"{STUDENTS}/s001").json() == stored.json()


def test_a_repeated_student_is_a_replay(staffstuddash_client: TestClient) -> None:
    first = staffstuddash_client.post(STUDENTS, json=a_student())
    again = staffstuddash_client.post(STUDENTS, json=a_student())

    assert (again.status_code, again.json()) == (201, first.json())
    assert again.headers["Idempotent-Replay"] == "true"
    assert "Idempotent-Replay" not in first.headers


def test_the_same_id_with_another_name_is_a_conflict(staffstuddash_client: TestClient) -> None:
    staffstuddash_client.post(STUDENTS, json=a_student())
    other = staffstuddash_client.post(STUDENTS, json=a_student(name="Grace Hopper"))

    assert other.status_code == 409
    assert other.headers["content-type"] == "application/problem+json"
    assert other.json()["type"] == "urn:veritas:problem:student-exists"
    assert staffstuddash_client.get(f"{STUDENTS}/s001").json()["name"] == "Ada Lovelace"


def test_an_idempotency_key_names_a_student_without_id(staffstuddash_client: TestClient) -> None:
    body = {"name": "Ada Lovelace"}
    key = {"Idempotency-Key": "form-17"}
    first = staffstuddash_client.post(STUDENTS, json=body, headers=key)
    again = staffstuddash_client.post(STUDENTS, json=body, headers=key)
    other = staffstuddash_client.post(STUDENTS, json={"name": "Grace"}, headers=key)

    assert again.json() == first.json()
    assert other.status_code == 409
    assert len(staffstuddash_client.get(STUDENTS).json()["items"]) == 1


def test_pages_follow_one_another_without_gap(staffstuddash_client: TestClient) -> None:
    ids = [f"s{number:03}" for number in range(7)]
    for id_ in reversed(ids):
        staffstuddash_client.post(STUDENTS, json=a_student(id=id_))

    seen: list[str] = []
    after: str | None = None
    while True:
        parameters = {"limit": 3} | ({"after": after} if after else {})
        page = staffstuddash_client.get(STUDENTS, params=parameters).json()
        seen += [student["id"] for student in page["items"]]
        after = page["next"]
        if after is None:
            break

    assert seen == ids


def test_a_full_last_page_has_no_next(staffstuddash_client: TestClient) -> None:
    staffstuddash_client.post(STUDENTS, json=a_student())

    page = staffstuddash_client.get(STUDENTS, params={"limit": 1}).json()

    assert len(page["items"]) == 1
    assert page["next"] is None


def test_ids_sort_by_code_point_on_both_stores(staffstuddash_client: TestClient) -> None:
    for id_ in ("b", "A", "a", "B", "ä", "-"):
        staffstuddash_client.post(STUDENTS, json=a_student(id=id_))

    page = staffstuddash_client.get(STUDENTS).json()

    assert [student["id"] for student in page["items"]] == ["-", "A", "B", "a", "b", "ä"]


def test_the_problem_of_an_unknown_student_has_the_id(staffstuddash_client: TestClient) -> None:
    answer = staffstuddash_client.get(f"{STUDENTS}/nobody")

    assert answer.status_code == 404
    assert answer.json()["student_id"] == "nobody"


class TestSearch:
    """Search of students by a part of their name or e-mail."""

    @pytest.fixture
    def client(self, staffstuddash_client: TestClient) -> TestClient:
        for id_, name, email in [
            ("s1", "Ada Lovelace", "ada@school.example"),
            ("s2", "Änne 100% Meier", None),
            ("s3", "Grace Hopper", "amazing@navy.example"),
        ]:
            body = a_student(id=id_, name=name, email=email)
            assert staffstuddash_client.post(STUDENTS, json=body).status_code == 201
        return staffstuddash_client

    def test_case_is_ignored_and_wildcards_are_ordinary_characters(
        self, client: TestClient, subtests: pytest.Subtests
    ) -> None:
        cases: list[tuple[str, list[str]]] = [
            ("ADA", ["s1"]),
            ("änne", ["s2"]),
            ("ÄNNE", ["s2"]),
            ("navy", ["s3"]),
            ("100%", ["s2"]),
            ("1_0", []),
            ("a", ["s1", "s2", "s3"]),
            ("nobody", []),
        ]
        for search, found in cases:
            with subtests.test(search=search):
                answer = client.get(STUDENTS, params={"search": search}).json()

                assert [student["id"] for student in answer["items"]] == found

    def test_a_changed_name_is_found_and_the_old_one_is_not(self, client: TestClient) -> None:
        client.patch(f"{STUDENTS}/s1", json={"name": "Augusta King"})

        assert client.get(STUDENTS, params={"search": "augusta"}).json()["items"]
        assert not client.get(STUDENTS, params={"search": "lovelace"}).json()["items"]

    def test_a_blank_search_is_refused(self, client: TestClient) -> None:
        assert client.get(STUDENTS, params={"search": "  "}).status_code == 422

    def test_filters_and_search_can_be_combined(self, client: TestClient) -> None:
        parameters = {"search": "school", "email": "ada@school.example"}

        assert len(client.get(STUDENTS, params=parameters).json()["items"]) == 1


class TestChange:
    """Changes of a student."""

    @pytest.fixture
    def client(self, staffstuddash_client: TestClient) -> TestClient:
        staffstuddash_client.post(STUDENTS, json=a_student())
        return staffstuddash_client

    def test_absent_fields_stay(self, client: TestClient) -> None:
        changed = client.patch(f"{STUDENTS}/s001", json={"name": "Ada King"}).json()

        assert (changed["name"], changed["email"]) == ("Ada King", "ada@school.example")
        assert changed["updated_at"] > changed["created_at"]
        assert client.get(f"{STUDENTS}/s001").json() == changed

    def test_an_email_can_be_removed(self, client: TestClient) -> None:
        assert client.patch(f"{STUDENTS}/s001", json={"email": None}).json()["email"] is None

    def test_the_action_log_has_the_names_of_changed_fields_only(self, client: TestClient) -> None:
        client.patch(f"{STUDENTS}/s001", json={"name": "Ada King"})
        client.patch(f"{STUDENTS}/s001", json={"name": "Ada King"})

        [action] = client.get(f"{STUDENTS}/s001/actions").json()["items"]

        assert (action["action"], action["actor"]) == ("student.changed", "development")
        assert action["data"] == {"fields": ["name"]}
        assert not action["is_intervention"]

    @pytest.mark.parametrize(
        "change", [{}, {"name": None}, {"name": " "}, {"id": "s2"}, {"email": "nobody"}]
    )
    def test_a_wrong_change_is_refused(self, client: TestClient, change: dict[str, object]) -> None:
        assert client.patch(f"{STUDENTS}/s001", json=change).status_code == 422
        assert client.get(f"{STUDENTS}/s001").json()["name"] == "Ada Lovelace"

    def test_an_unknown_student_cannot_be_changed(self, client: TestClient) -> None:
        assert client.patch(f"{STUDENTS}/nobody", json={"name": "Ada"}).status_code == 404

    def test_an_unknown_student_cannot_be_replaced(self, client: TestClient) -> None:
        assert client.put(f"{STUDENTS}/nobody", json={"name": "Ada"}).status_code == 404
        assert len(client.get(STUDENTS).json()["items"]) == 1

    def test_a_replacement_removes_an_absent_email_and_is_logged_once(
        self, client: TestClient
    ) -> None:
        replaced = client.put(f"{STUDENTS}/s001", json={"name": "Ada King"}).json()
        again = client.put(f"{STUDENTS}/s001", json={"name": "Ada King"}).json()

        assert (replaced["name"], replaced["email"]) == ("Ada King", None)
        assert client.get(f"{STUDENTS}/s001").json() == replaced == again
        [action] = client.get(f"{STUDENTS}/s001/actions").json()["items"]
        assert action["data"] == {"fields": ["email", "name"]}

    @pytest.mark.parametrize("new", [{}, {"email": "ada@school.example"}, {"name": None}])
    def test_a_replacement_needs_a_name(self, client: TestClient, new: dict[str, object]) -> None:
        assert client.put(f"{STUDENTS}/s001", json=new).status_code == 422
        assert client.get(f"{STUDENTS}/s001").json()["name"] == "Ada Lovelace"
