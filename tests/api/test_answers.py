"""Answers of students to the actions about them, and the actions that they see."""

from typing import Any

from starlette.testclient import TestClient

from tests.support.factories import a_student, an_action

ADA = "/api/v1/students/s001"
TEXT = "I was ill, and hand it in on Monday."


def answer(client: TestClient, key: str, text: str = TEXT) -> Any:
    headers = {"Idempotency-Key": key}
    return client.post(f"{ADA}/answers", json={"text": text}, headers=headers)


def test_an_answer_is_stored_once_and_stays_as_it_is(staffstuddash_client: TestClient) -> None:
    client = staffstuddash_client
    client.post("/api/v1/students", json=a_student())
    first, again = answer(client, "k1"), answer(client, "k1")
    [stored] = client.get(f"{ADA}/actions").json()["items"]
    withdrawn = client.patch(f"/api/v1/actions/{stored['id']}", json={"state": "withdrawn"})

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["Idempotent-Replay"] == "true"
    assert first.json() == again.json()
    assert (first.json()["text"], first.json()["is_own"]) == (TEXT, False)
    assert (stored["action"], stored["is_intervention"]) == ("student.answer", False)
    assert stored["data"] == {"note": TEXT}
    assert withdrawn.status_code == 409
    assert answer(client, "k1", "Something else").status_code == 409
    for text in ("", " ", "x" * 501):
        assert answer(client, "k2", text).status_code == 422


def test_a_student_sees_done_interventions_without_notes(
    staffstuddash_client: TestClient,
) -> None:
    client = staffstuddash_client
    client.post("/api/v1/students", json=a_student())
    shown = client.post(f"{ADA}/actions", json=an_action(data={"note": "a secret"})).json()
    client.post(f"{ADA}/actions", json=an_action(state="planned"))
    client.post(f"{ADA}/actions", json=an_action(is_intervention=False))
    client.patch(ADA, json={"name": "Ada Byron"})
    answered = answer(client, "k1").json()
    listed = client.get(f"{ADA}/shown-actions")

    assert [one["id"] for one in listed.json()["items"]] == [answered["id"], shown["id"]]
    assert [one["text"] for one in listed.json()["items"]] == [TEXT, None]
    assert "secret" not in listed.text
    assert client.get("/api/v1/students/nobody/shown-actions").status_code == 404
