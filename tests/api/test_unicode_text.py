"""Texts in another Unicode form and invisible characters, on both stores of each service."""

import json
import unicodedata
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.support.factories import a_draft, a_learning_event, a_student, a_system_event
from tests.support.service_cases import (
    DROPOUT,
    MONITORING,
    STAFFSTUDDASH,
    Target,
    assert_refused,
    of,
)

STUDENTS = "/api/v1/students"
CSV = {"content-type": "text/csv"}
COMPOSED = "zoë-né"
DECOMPOSED = unicodedata.normalize("NFD", COMPOSED)
HIDDEN = [
    "a\u200bb", "a\u200db", "a\u202eb", "a\u2066b", "a\ufe0fb", "a\u00adb", "a\u034fb", "a\u3164b",
    "\u200e", "a\U000e0061b",
]  # fmt: skip


def test_both_forms_of_an_id_are_one_row(target: Target) -> None:
    id_field = target.service.id_field
    first = target.post_with(**{id_field: DECOMPOSED})
    again = target.post_with(**{id_field: COMPOSED})

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json()[id_field] == COMPOSED
    assert again.headers["Idempotent-Replay"] == "true"
    assert [row[id_field] for row in target.listed()].count(COMPOSED) == 1


def test_both_forms_of_a_label_are_found_by_either(target: Target) -> None:
    name = target.service.text_field
    target.post_with(**{name: DECOMPOSED})

    for form in (COMPOSED, DECOMPOSED):
        found = target.client.get(target.service.listing, params={name: form}).json()["items"]
        assert [row[name] for row in found] == [COMPOSED]
        listed = {f"{name}__in": f"{form},other"}
        assert len(target.client.get(target.service.listing, params=listed).json()["items"]) == 1


def test_ids_with_invisible_characters_are_refused(
    target: Target, subtests: pytest.Subtests
) -> None:
    for hidden in HIDDEN:
        with subtests.test(hidden=ascii(hidden)):
            answer = target.post_with(**{target.service.id_field: hidden})

            assert_refused(answer, field=target.service.id_field)
            assert "invisible or direction characters: remove U+" in answer.text
    assert target.new_rows == 0


@of(STAFFSTUDDASH, MONITORING)
def test_labels_that_only_look_like_another_are_refused(
    target: Target, subtests: pytest.Subtests
) -> None:
    for hidden in ("Ma\u200bth", "Math\ufeff", "\u202eMath", "Ma\u200cth", "\u3164"):
        with subtests.test(hidden=ascii(hidden)):
            assert_refused(target.post_with(**{target.service.text_field: hidden}))
    assert target.new_rows == 0


@pytest.mark.parametrize(
    "spelling", ["\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "❤\ufe0f art", "क्\u200dष"]
)
@of(STAFFSTUDDASH, MONITORING)
def test_a_label_keeps_the_joiners_of_its_script(target: Target, spelling: str) -> None:
    stored = target.post_with(**{target.service.text_field: spelling})

    assert stored.json()[target.service.text_field] == spelling


@of(DROPOUT, MONITORING)
def test_json_is_stored_in_nfc(target: Target) -> None:
    stored = target.post_with(data={DECOMPOSED: {"in": [DECOMPOSED, 1]}, "answer": "é\u200b"})

    assert stored.json()["data"] == {COMPOSED: {"in": [COMPOSED, 1]}, "answer": "é\u200b"}


@of(DROPOUT, MONITORING)
def test_json_names_that_differ_only_by_form_are_refused(target: Target) -> None:
    assert_refused(target.post_with(data={COMPOSED: 1, DECOMPOSED: 2}), field="data")


def test_conditions_inside_json_find_either_form(monitoring_client: TestClient) -> None:
    body = a_system_event(data={"place": DECOMPOSED})
    monitoring_client.post("/api/v1/monitoring/events", json=body)

    for form in (COMPOSED, DECOMPOSED):
        parameters = {"data.place": form, "timestamp__gte": "2026-01-01T00:00:00Z"}
        answer = monitoring_client.get("/api/v1/monitoring/logs", params=parameters)
        assert len(answer.json()["items"]) == 1


@pytest.mark.parametrize("form", [COMPOSED, DECOMPOSED])
def test_a_path_finds_either_form(staffstuddash_client: TestClient, form: str) -> None:
    staffstuddash_client.post(STUDENTS, json=a_student(id=DECOMPOSED))

    assert staffstuddash_client.get(f"{STUDENTS}/{form}").json()["id"] == COMPOSED
    draft = a_draft(assignment_id=form, content=DECOMPOSED)
    assert staffstuddash_client.post(f"{STUDENTS}/{form}/drafts", json=draft).json() == {
        **staffstuddash_client.get(f"{STUDENTS}/{COMPOSED}/drafts").json()["items"][0],
        "student_id": COMPOSED,
        "assignment_id": COMPOSED,
        "content": COMPOSED,
    }


@pytest.mark.parametrize("form", [COMPOSED, DECOMPOSED])
def test_an_erased_student_does_not_return_in_either_form(
    staffstuddash_client: TestClient, form: str
) -> None:
    staffstuddash_client.post(STUDENTS, json=a_student(id=COMPOSED))
    staffstuddash_client.delete(f"{STUDENTS}/{DECOMPOSED}")

    assert staffstuddash_client.post(STUDENTS, json=a_student(id=form)).status_code == 410


def test_csv_cells_are_in_nfc(staffstuddash_client: TestClient) -> None:
    table = f"id,name,email\n{DECOMPOSED},{DECOMPOSED},{DECOMPOSED}@school.example\n"
    table += "s2,A\u200bda,a\u200b@b\n"
    answer = staffstuddash_client.post(f"{STUDENTS}/csv", content=table, headers=CSV).json()
    [student] = staffstuddash_client.get(STUDENTS).json()["items"]

    assert [item["outcome"] for item in answer["items"]] == ["stored", "refused"]
    assert student["id"] == student["name"] == COMPOSED
    assert student["email"] == f"{COMPOSED}@school.example"


@pytest.mark.parametrize("email", ["a\u200bb@c", "a@b\u202ec", "a\x01@b"])
@of(STAFFSTUDDASH, DROPOUT)
def test_an_email_with_an_invisible_character_is_refused(target: Target, email: str) -> None:
    assert_refused(
        target.client.post(STUDENTS, json=a_student(id="s9", email=email)), field="email"
    )


@of(STAFFSTUDDASH, DROPOUT)
def test_a_name_keeps_invisible_characters_beside_visible_ones(target: Target) -> None:
    kept = "Zo\u0308e \u2067\u0622\u06cc\u200c\u062f\u0627\u2069"
    stored = target.client.post(STUDENTS, json=a_student(id="s9", name=kept))
    answers = [
        target.client.post(STUDENTS, json=a_student(id="s8", name=name))
        for name in ("\u200b", "\u3164\u2800", "\u202e \u202c", "\u00ad\ufe0f")
    ]

    assert stored.json()["name"] == unicodedata.normalize("NFC", kept)
    for answer in answers:
        assert_refused(answer, field="name")
        assert "must have a visible character" in answer.text


def test_the_length_is_that_of_the_composed_text(target: Target) -> None:
    longest, too_long = "é" * 200, "é" * 201
    id_field = target.service.id_field
    stored = target.post_with(**{id_field: unicodedata.normalize("NFD", longest)})

    assert stored.json()[id_field] == longest
    for form in ("NFC", "NFD"):
        refused = target.post_with(**{id_field: unicodedata.normalize(form, too_long)})
        assert_refused(refused, field=id_field)
        assert "at most 200 characters" in refused.text


@of(DROPOUT, MONITORING)
def test_endless_marks_are_refused_at_once(target: Target) -> None:
    endless = "a" + "\u0301\u0316" * 6000

    assert_refused(target.post_with(data={"text": endless}), field="data")
    assert_refused(target.post(json.dumps(target.service.body(data={"t": "a" + "\u0301" * 31}))))
    assert target.post_with(data={"t": "a" + "\u0301" * 30}).status_code == 201


def test_a_batch_and_a_single_event_are_one_row(dropout_client: TestClient) -> None:
    def event(form: str) -> dict[str, Any]:
        return a_learning_event(id=form, student_id=form, question_id=form, course=form)

    dropout_client.post("/api/v1/events", json=event(COMPOSED))
    batch = dropout_client.post("/api/v1/events/batch", json=[event(DECOMPOSED)]).json()

    assert (batch["repeated"], batch["stored"]) == (1, 0)
