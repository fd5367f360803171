"""Student's own pages: own work and marks, kept data, reads, and an answer that staff see."""

from html import unescape
from typing import Any

from starlette.testclient import TestClient

from tests.support.page_schools import NAMES, TEACHER, PageSchool
from tests.support.screens import OWN, STUDENT_READER, complete

OTHERS = [name for id_, name in NAMES.items() if id_ != STUDENT_READER]


def words(page: str) -> str:
    return " ".join(unescape(page).split())


def answer(client: TestClient, text: str, name: str = "form-1") -> Any:
    own = {"Origin": str(client.base_url).rstrip("/")}
    return client.post("/me/answers", data={"name": name, "text": text}, headers=own)


def test_a_student_answers_once_and_staff_see_it(page_school: PageSchool) -> None:
    with page_school.pages(acting=STUDENT_READER) as client:
        first, again = (answer(client, "I was <i>ill</i>.") for _ in range(2))
        own = client.get(first.headers["location"]).text
        too_long = answer(client, "x" * 501, "form-2")
    with page_school.pages(acting=TEACHER) as client:
        seen = client.get(f"/students/{STUDENT_READER}").text
        refused = [client.get(address).status_code for address in OWN.values()]
        foreign = answer(client, "from a teacher")

    assert (first.status_code, again.status_code) == (303, 303)
    assert "Your answer is stored." in own
    for page in (own, seen):
        assert page.count("I was &lt;i&gt;ill&lt;/i&gt;.") == 1
    assert "Answer of the student" in seen
    assert too_long.status_code == 422
    assert "Use at most 500 characters." in too_long.text
    assert set(refused) == {403}
    assert foreign.status_code == 403


def test_a_student_sees_their_own_marks_and_steps_without_notes(page_school: PageSchool) -> None:
    page_school.datastore.actions.add("s004", TEACHER, "weak.case", data={"note": "a secret"})
    with page_school.pages(acting="s004") as client:
        own = client.get("/me").text
        kept = words(client.get("/me/data").text)

    assert "70 of 100" in words(own)
    assert "Another step" in own
    assert [word for word in ("secret", "weak.case", TEACHER, *OTHERS[:2]) if word in own] == []
    assert "Marks</th><td>1</td>" in kept
    assert "not counted here" in kept


def test_reads_are_listed_by_role_without_own_visits(page_school: PageSchool) -> None:
    with page_school.pages(acting=TEACHER) as client:
        client.get(f"/students/{STUDENT_READER}")
    with page_school.pages(acting=STUDENT_READER) as client:
        client.get("/me")
        for service in ("staffstuddash", "dropout"):
            app: Any = page_school.apps[service]
            app.state.read_audit.move()
        found = words(client.get("/me/reads").text)

    assert "<td>Teacher</td>" in found
    assert TEACHER not in found
    assert "student</" not in found


def test_no_route_shows_a_student_their_risk(page_school: PageSchool) -> None:
    complete(page_school)
    own = {
        "student": f"/api/staffstuddash/api/v1/dashboard/student/{STUDENT_READER}",
        "teacher": "/api/staffstuddash/api/v1/dashboard/teacher",
    }
    predicted = f"/api/dropout/api/v1/students/{STUDENT_READER}/predictions"

    def read(client: TestClient) -> list[Any]:
        [row] = [
            one
            for one in client.get(own["teacher"]).json()["items"]
            if one["student_id"] == STUDENT_READER
        ]
        return [client.get(own["student"]).json(), row]

    with page_school.pages(acting=TEACHER) as client:
        seen_by_staff = read(client)
    with page_school.pages(acting=STUDENT_READER) as client:
        seen = read(client)
        refused = client.get(predicted).status_code

    assert [one["risk"] is not None for one in seen_by_staff] == [True, True]
    assert [(one["risk"], one["risk_missing_because"]) for one in seen] == [
        (None, "needs predictions.read")
    ] * 2
    assert refused == 403
