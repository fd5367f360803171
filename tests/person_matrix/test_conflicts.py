"""Ids of rows of students out of sight, and batches and tables with items in and out of sight."""

from typing import Any

import pytest

from tests.person_matrix.world import ABSENT, NOBODYS, OWN_CLASS, World

MARK = {"type": "quiz", "subject": "Math", "score": 7}
OWN = {"student_id": OWN_CLASS}
# Writes under an id that names a row of the student: service, path and body.
TAKEN: list[tuple[str, str, dict[str, Any]]] = [
    ("staffstuddash", "/assessments", {**MARK, **OWN, "id": "mark-0-{s}"}),
    ("dropout", "/assessments", {**MARK, **OWN, "id": "mark-0-{s}"}),
    (
        "staffstuddash",
        f"/students/{OWN_CLASS}/drafts",
        {"id": "draft-{s}", "assignment_id": "essay", "content": "Another text."},
    ),
    ("dropout", f"/students/{OWN_CLASS}/features", {"id": "features-{s}"}),
    ("dropout", f"/students/{OWN_CLASS}/predictions", {"id": "prediction-{s}"}),
    (
        "dropout",
        f"/predictions/prediction-{OWN_CLASS}/feedback",
        {"id": "feedback-{s}", "verdict": "not_applicable"},
    ),
]
ITEMS = [
    ("mark-0-{s}", OWN_CLASS, "is stored with other content"),
    ("mark-1-{s}", NOBODYS, "no such student|No student has the id"),
    ("new-1", NOBODYS, "no such student|No student has the id"),
    ("new-2", ABSENT, "no such student|No student has the id"),
    ("new-3", "s-old-nobodys", "no such student|No student has the id"),
    ("new-4", OWN_CLASS, None),
    ("new-5", "s-old-own", None),
]


@pytest.mark.parametrize(("service", "path", "body"), TAKEN)
def test_an_id_that_is_taken_is_a_conflict_without_content(
    world: World, service: str, path: str, body: dict[str, Any]
) -> None:
    def refused(student: str) -> dict[str, Any]:
        sent = {name: str(value).format(s=student) for name, value in body.items() if name == "id"}
        before = world.rows()
        with world.undone():
            answer = world.send(service, "deputy", "POST", path, json=body | sent)
            assert world.rows() == before
        assert answer.status_code == 409, answer.text
        assert NOBODYS not in answer.text.replace(sent["id"], "ID")
        return {
            name: str(value).replace(sent["id"], "ID")
            for name, value in answer.json().items()
            if name != "request_id"
        }

    problem = refused(NOBODYS)
    assert problem == refused("s-advised")
    assert len(problem.keys() - {"type", "title", "status", "detail"}) == 1  # the id that was sent


@pytest.mark.parametrize("copies", [1, 3])
def test_items_of_a_batch_are_answered_one_by_one(world: World, copies: int) -> None:
    """With more than four rows of a batch the rows go by COPY."""
    items: list[dict[str, Any]] = [
        {**MARK, "id": id_.format(s=NOBODYS) + (f"-{copy}" if id_[0] == "n" else "")}
        | {"student_id": student}
        for copy in range(copies)
        for id_, student, _ in ITEMS
    ]
    before = world.rows()
    with world.undone():
        answer = world.send("staffstuddash", "teacher", "POST", "/assessments/batch", json=items)
        stored = stored_marks(world)
        assert changed(before, world.rows()) <= MARKS
    check(answer.json()["items"], stored, [item["id"] for item in items])


@pytest.mark.parametrize("conflict", ["refuse", "update"])
@pytest.mark.parametrize("dry_run", ["false", "true"])
def test_rows_of_a_table_are_answered_one_by_one(world: World, conflict: str, dry_run: str) -> None:
    ids = [id_.format(s=NOBODYS) for id_, _, _ in ITEMS]
    rows = [f"{id_},{item[1]},quiz,Math,7" for id_, item in zip(ids, ITEMS, strict=True)]
    table = "\n".join(["id,student_id,type,subject,score", *rows])
    path = f"/assessments/csv?on_conflict={conflict}&dry_run={dry_run}"
    before = world.rows()
    with world.undone():
        answer = world.send("staffstuddash", "teacher", "POST", path, content=table)
        stored = stored_marks(world)
        if dry_run == "true":
            assert world.rows() == before
        assert changed(before, world.rows()) <= MARKS
    check(answer.json()["items"], stored if dry_run == "false" else None, ids)


MARKS = {f"staffstuddash.{table}" for table in ("assessment_logs", "performance_records")}


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    """Return the tables whose rows differ."""
    return {table for table in {*before, *after} if before.get(table) != after.get(table)}


def stored_marks(world: World) -> set[str]:
    """Return the ids of new marks."""
    found = world.send("staffstuddash", None, "GET", f"/students/{OWN_CLASS}/assessments")
    hidden = world.send("staffstuddash", None, "GET", f"/students/{NOBODYS}/assessments")
    assert all(not item["id"].startswith("new") for item in hidden.json()["items"])
    return {item["id"] for item in found.json()["items"] if item["id"].startswith("new")}


def check(items: list[dict[str, Any]], stored: set[str] | None, ids: list[str]) -> None:
    """Check the outcomes; stored: ids of new marks, None if nothing is to be stored."""
    expected = [reason for _, _, reason in ITEMS] * (len(ids) // len(ITEMS))
    for item, reason in zip(items, expected, strict=True):
        if reason is None:
            assert item["outcome"] == "stored", item
            continue
        [error] = item["errors"]
        assert any(words in error["message"] for words in reason.split("|")), item
    wanted = {id_ for id_, reason in zip(ids, expected, strict=True) if reason is None}
    if stored is not None:
        assert stored == wanted


@pytest.mark.parametrize("service", ["dropout", "monitoring"])
@pytest.mark.parametrize("is_batch", [False, True])
def test_events_are_for_systems(world: World, service: str, is_batch: bool) -> None:
    event: dict[str, Any] = {"source": "catalogue", "event_type": "request"}
    if service == "dropout":
        event = {"event_type": "QUESTION_SUBMIT", "question_id": "q1", **OWN}
    path = "/events" if service == "dropout" else "/monitoring/events"
    sent: Any = [event] if is_batch else event
    before = world.rows()
    with world.undone():
        answer = world.send(service, "deputy", "POST", path + "/batch" * is_batch, json=sent)
        assert world.rows() == before
    assert answer.status_code == 403
    assert answer.json()["type"] == "urn:veritas:problem:not-for-persons"


def test_a_key_of_idempotence_is_each_persons_own(world: World) -> None:
    body, key = {**MARK, **OWN}, {"Idempotency-Key": "one"}
    with world.undone():
        first, again, other = (
            world.send("staffstuddash", role, "POST", "/assessments", json=body, headers=key)
            for role in ("teacher", "teacher", "deputy")
        )
    assert [answer.status_code for answer in (first, again, other)] == [201, 201, 201]
    assert again.json()["id"] == first.json()["id"] != other.json()["id"]
    assert again.headers["Idempotent-Replay"] == "true"
