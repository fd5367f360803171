"""Batches of students and assessments, as JSON, on both stores."""

import json

import pytest
from starlette.testclient import TestClient

from tests.support.factories import NOON, a_student, an_assessment, days

STUDENTS = "/api/v1/students"


def outcomes(answer: dict[str, list[dict[str, object]]]) -> list[object]:
    return [item["outcome"] for item in answer["items"]]


def all_names(client: TestClient) -> list[str]:
    return [student["name"] for student in client.get(STUDENTS).json()["items"]]


def test_each_student_of_a_batch_has_its_outcome(staffstuddash_client: TestClient) -> None:
    staffstuddash_client.post(STUDENTS, json=a_student())
    batch = [
        a_student(),
        a_student(name="Grace"),
        a_student(id="s2", name="Alan"),
        a_student(id="s3", name=""),
        {"name": "Edsger"},
    ]

    answer = staffstuddash_client.post(f"{STUDENTS}/batch", json=batch).json()

    assert outcomes(answer) == ["repeated", "refused", "stored", "refused", "stored"]
    assert (answer["stored"], answer["repeated"], answer["refused"]) == (2, 1, 2)
    assert answer["items"][3]["errors"][0]["field"] == "name"
    assert set(all_names(staffstuddash_client)) == {"Ada Lovelace", "Alan", "Edsger"}
    assert staffstuddash_client.get(f"{STUDENTS}/s2/performance").json()["assessment_count"] == 0


def test_a_batch_can_be_all_repeats_or_all_refusals(staffstuddash_client: TestClient) -> None:
    staffstuddash_client.post(STUDENTS, json=a_student())

    again = staffstuddash_client.post(f"{STUDENTS}/batch", json=[a_student(), a_student()])
    bad = staffstuddash_client.post(f"{STUDENTS}/batch", json=[{"name": 1}])

    assert outcomes(again.json()) == ["repeated", "repeated"]
    assert (bad.status_code, bad.json()["refused"]) == (200, 1)


def test_an_erased_student_is_refused_and_the_others_are_stored(
    staffstuddash_client: TestClient,
) -> None:
    staffstuddash_client.post(STUDENTS, json=a_student())
    staffstuddash_client.delete(f"{STUDENTS}/s001")

    answer = staffstuddash_client.post(
        f"{STUDENTS}/batch", json=[a_student(), a_student(id="s2", name="Alan")]
    ).json()

    assert outcomes(answer) == ["refused", "stored"]
    assert "deleted" in answer["items"][0]["errors"][0]["message"]
    assert staffstuddash_client.get(f"{STUDENTS}/s001").status_code == 410


def test_assessments_of_a_batch_count_once_each(staffstuddash_client: TestClient) -> None:
    for id_ in ("s1", "s2", "gone"):
        staffstuddash_client.post(STUDENTS, json=a_student(id=id_))
    staffstuddash_client.delete(f"{STUDENTS}/gone")
    marks = [
        an_assessment(id=f"a{n}", student_id=f"s{1 + n % 2}", score=10 * n, topic="sets")
        for n in range(6)
    ]
    lines = [
        *marks,
        marks[0],
        {**marks[1], "score": 99},
        an_assessment(id="b", student_id="nobody"),
        an_assessment(id="c", student_id="gone"),
        an_assessment(id="d", student_id="s1", score=101),
    ]
    body = "\n".join(map(json.dumps, lines))

    answer = staffstuddash_client.post(
        "/api/v1/assessments/batch",
        content=body,
        headers={"content-type": "application/x-ndjson"},
    ).json()

    assert outcomes(answer) == ["stored"] * 6 + ["repeated"] + ["refused"] * 4
    assert [item["errors"][0]["field"] for item in answer["items"][7:]] == [
        "id",
        "student_id",
        "student_id",
        "score",
    ]
    means = [
        staffstuddash_client.get(f"{STUDENTS}/{id_}/performance").json()["mean_percentage"]
        for id_ in ("s1", "s2")
    ]
    assert means == [20, 30]


def test_a_batch_updates_a_record_of_earlier_assessments(staffstuddash_client: TestClient) -> None:
    staffstuddash_client.post(STUDENTS, json=a_student())
    staffstuddash_client.post("/api/v1/assessments", json=an_assessment(score=90))
    later = [
        an_assessment(id=f"b{n}", score=score, timestamp=(NOON + days(7 * n)).isoformat())
        for n, score in enumerate((70, 50), 1)
    ]

    staffstuddash_client.post("/api/v1/assessments/batch", json=later)

    record = staffstuddash_client.get(f"{STUDENTS}/s001/performance").json()
    assert record["assessment_count"] == 3
    assert record["trend_per_30_days"] == pytest.approx(-20 / 7 * 30)
    assert record["status"] == "review_needed"
    assert record["learning_state"] == "STALLED"
    assert record["last_activity_at"] == "2026-03-16T12:00:00Z"
