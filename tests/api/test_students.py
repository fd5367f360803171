"""Students over HTTP, on both stores."""

from starlette.testclient import TestClient

from tests.factories import a_student

STUDENTS = "/api/v1/students"


def test_a_student_is_stored_and_read_back(staffstuddash_client: TestClient) -> None:
    stored = staffstuddash_client.post(STUDENTS, json=a_student())

    assert stored.status_code == 201
    assert stored.json()["name"] == "Ada Lovelace"
    assert staffstuddash_client.get(f"{STUDENTS}/s001").json() == stored.json()


def test_the_same_student_again_answers_as_before(staffstuddash_client: TestClient) -> None:
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


def test_an_unknown_student_is_a_problem_that_says_which(staffstuddash_client: TestClient) -> None:
    answer = staffstuddash_client.get(f"{STUDENTS}/nobody")

    assert answer.status_code == 404
    assert answer.json()["student_id"] == "nobody"
