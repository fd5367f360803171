"""Corrections and deletions of marks that were sent to dropout, on both stores."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from starlette.testclient import TestClient

from dropout_service.database import DropoutDatabaseManager
from dropout_service.database.assessments import AssessmentToStore
from dropout_service.models import Base
from shared_db.results import Outcome
from tests.support.databases import OpenDatabase
from tests.support.factories import NOON, a_learning_event, days

API = "/api/v1"
ASSESSMENTS = f"{API}/assessments"
MARK = f"{ASSESSMENTS}/m1"
ADA = f"{API}/students/s001"
REASON = {"reason": "typing error"}
BY = {"actor": "office", "reason": "test"}


def a_mark(id_: str = "m1", **changes: Any) -> dict[str, Any]:
    mark = {"id": id_, "student_id": "s001", "type": "exam", "subject": "Math", "score": 80}
    return {**mark, "submitted_at": NOON.isoformat(), **changes}


@pytest.fixture
def client(dropout_client: TestClient) -> TestClient:
    """Give a client of a school whose student has two marks."""
    dropout_client.post(f"{API}/events", json=a_learning_event())
    for mark in (a_mark(), a_mark("m2", score=40)):
        assert dropout_client.post(ASSESSMENTS, json=mark).status_code == 201
    return dropout_client


def share_and_count(client: TestClient) -> tuple[Any, int]:
    as_of = {"as_of": (NOON + days(9)).isoformat()}
    features = client.post(f"{ADA}/features", json=as_of).json()["features"]
    return features["mark_share_recent"], features["mark_count"]


def corrections(client: TestClient) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = client.get(f"{ADA}/corrections").json()["items"]
    return items


def test_a_correction_counts_in_later_features_and_is_kept(client: TestClient) -> None:
    before = share_and_count(client)
    body = {"score": 0.1 + 0.2, "max_score": 0.3, "course": "math", **REASON}
    changed = client.patch(MARK, json=body)
    again = client.patch(MARK, json=body)
    original = client.post(ASSESSMENTS, json=a_mark())
    present = client.post(ASSESSMENTS, json=a_mark(score=0.3, max_score=0.3, course="math"))

    assert before == (pytest.approx(0.6), 2)
    assert (changed.status_code, changed.json()["score"]) == (200, 0.3)
    assert again.json() == changed.json()
    assert original.status_code == 409
    assert (present.json()["score"], present.headers["Idempotent-Replay"]) == (0.3, "true")
    assert share_and_count(client) == (pytest.approx(0.7), 2)
    [correction] = corrections(client)
    assert (correction["assessment_id"], correction["reason"]) == ("m1", "typing error")
    assert correction["actor"]
    assert correction["before"] == {"score": 80, "max_score": 100, "course": None}
    assert correction["after"] == {"score": 0.3, "max_score": 0.3, "course": "math"}


def test_a_deleted_mark_no_longer_counts_and_its_id_is_never_used_again(
    client: TestClient,
) -> None:
    first = client.delete(MARK, params={"reason": "sent twice"})
    again = client.delete(MARK, params={"reason": "sent twice"})
    posted = client.post(ASSESSMENTS, json=a_mark())
    patched = client.patch(MARK, json={"score": 1, **REASON})

    assert (first.status_code, again.json()) == (200, first.json())
    assert again.headers["Idempotent-Replay"] == "true"
    assert (posted.status_code, patched.status_code) == (410, 410)
    assert share_and_count(client) == (pytest.approx(0.4), 1)
    listed = client.get(f"{ADA}/assessments").json()["items"]
    assert [mark["id"] for mark in listed] == ["m2"]
    [correction] = corrections(client)
    assert (correction["before"]["score"], correction["after"]) == (80, None)


def test_a_mark_is_excused_and_counted_again(client: TestClient) -> None:
    excused = client.patch(MARK, json={"excused": True, **REASON})
    without = share_and_count(client)
    unstated = client.patch(MARK, json={"score": 70, **REASON})
    client.patch(MARK, json={"score": 120, "extra_credit": True, "excused": False, **REASON})

    assert (excused.json()["score"], without) == (None, (pytest.approx(0.4), 1))
    assert unstated.json()["type"].endswith("score-out-of-range")
    assert share_and_count(client) == (pytest.approx(0.8), 2)


def test_invalid_corrections_change_nothing(client: TestClient) -> None:
    bodies: list[dict[str, Any]] = [
        {"score": 55},
        REASON,
        {"score": 101, **REASON},
        {"max_score": 70, **REASON},
        {"subject": None, **REASON},
    ]
    for body in bodies:
        assert client.patch(MARK, json=body).status_code == 422
    assert client.delete(MARK).status_code == 422
    assert client.patch(f"{ASSESSMENTS}/nothing", json={"score": 1, **REASON}).status_code == 404
    assert client.delete(f"{ASSESSMENTS}/nothing", params=REASON).status_code == 404
    assert client.get(f"{API}/students/nobody/corrections").status_code == 404
    assert corrections(client) == []
    assert share_and_count(client) == (pytest.approx(0.6), 2)


def test_a_batch_of_the_spool_restores_no_deleted_mark(db_manager: DropoutDatabaseManager) -> None:
    marks = [
        AssessmentToStore("s001", "quiz", "Math", 50, id=id_, accepted_at=NOON)
        for id_ in ("a", "b")
    ]
    db_manager.assessments.add_many(marks)
    db_manager.assessments.delete("a", **BY)

    results = db_manager.assessments.add_many(marks)

    assert [result.outcome for result in results] == [Outcome.REFUSED, Outcome.REPEATED]
    assert results[0].refusal is not None
    assert results[0].refusal.slug == "assessment-deleted"


def test_parallel_corrections_are_kept_one_after_the_other(
    open_own_database: OpenDatabase,
) -> None:
    manager = DropoutDatabaseManager(open_own_database(Base.metadata))
    manager.assessments.add("s001", "quiz", "Math", 0, assessment_id="m1", submitted_at=NOON)

    def change(number: int) -> None:
        manager.assessments.update("m1", {"score": float(number)}, **BY)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(change, range(1, 17)))

    [mark] = manager.assessments.search("s001").items
    kept = manager.assessments.search_corrections("s001").items
    steps = {one.before["score"]: (one.after or {})["score"] for one in kept}
    score = 0.0
    for _ in range(16):
        score = steps.pop(score)
    assert (steps, score) == ({}, mark.score)
