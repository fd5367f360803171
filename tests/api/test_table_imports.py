"""Tables of every kind over HTTP on both stores: dry runs, conflicts and updates."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from staffstuddash_service.datastore import DatastoreManager
from tests.support.dumps import dump
from tests.support.rosters import fill, periods, today

API = "/api/v1"
HEADERS = {"content-type": "text/csv"}
UPDATE = {"on_conflict": "update"}


@pytest.fixture
def client(staffstuddash_client: TestClient, datastore: DatastoreManager) -> TestClient:
    """Give the client of a school with students s001 to s003, the class 5a and a teacher t1."""
    fill(datastore)
    return staffstuddash_client


def send(client: TestClient, kind: str, table: str, **parameters: Any) -> Any:
    answer = client.post(
        f"{API}/{kind}/csv", content=table.encode(), headers=HEADERS, params=parameters
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def outcomes(answer: Any) -> list[str]:
    return [item["outcome"] for item in answer["items"]]


def counts(answer: Any) -> tuple[int, int, int, int]:
    names = ("stored", "changed", "repeated", "refused")
    stored, changed, repeated, refused = (answer[name] for name in names)
    return stored, changed, repeated, refused


MARKS = "id;student_id;type;subject;score"
# A first table, and one with other content in its first row.
KINDS = {
    "students": (
        "id,name,email\nn1,Ada,ada@x.example\nn2,Grace,\n",
        "id,name,email\nn1,Ada King,ada@x.example\nn2,Grace,\n",
    ),
    "people": (
        "id;name;role;organisation_ids\nn1;Ada;Advisor;school\nn2;Grace;;\n",
        "id;name;role;organisation_ids\nn1;Ada King;Advisor;school\nn2;Grace;;\n",
    ),
    "classes": (
        "id;title;term_ids;subjects\nn1;Math 5;2026;Math | Physics\nn2;Art 5;;\n",
        "id;title;term_ids;subjects\nn1;Math 5b;2026;Math | Physics\nn2;Art 5;;\n",
    ),
    "enrolments": (
        "student_id,class_id,valid_from\ns001,5a,2026-08-24\ns002,5a,\n",
        "student_id,class_id,valid_from\ns001,5a,2026-09-01\ns002,5a,\n",
    ),
    "assessments": (
        f"{MARKS};timestamp\nn1;s001;exam;Math;85,5;2026-03-02\nn2;s002;exam;Math;70;\n",
        f"{MARKS};timestamp\nn1;s001;exam;Math;58,5;2026-03-02\nn2;s002;exam;Math;70;\n",
    ),
}
every_kind = pytest.mark.parametrize("kind", KINDS)


@every_kind
def test_a_table_is_stored_once(client: TestClient, datastore: DatastoreManager, kind: str) -> None:
    first = send(client, kind, KINDS[kind][0])
    before = dump(datastore.database)
    again = send(client, kind, KINDS[kind][0])
    updated = send(client, kind, KINDS[kind][0], **UPDATE)

    assert (counts(first), counts(again)) == ((2, 0, 0, 0), (0, 0, 2, 0))
    assert counts(updated) == (0, 0, 2, 0)
    assert [(item["index"], item["line"]) for item in first["items"]] == [(0, 2), (1, 3)]
    assert [item["id"] for item in again["items"]] == [item["id"] for item in first["items"]]
    assert dump(datastore.database) == before


@every_kind
def test_other_content_is_refused_or_updates(
    client: TestClient, datastore: DatastoreManager, kind: str
) -> None:
    table, other = KINDS[kind]
    send(client, kind, table)
    before = dump(datastore.database)
    refused = send(client, kind, other)
    unchanged = dump(datastore.database)
    updated = send(client, kind, other, **UPDATE)
    again = send(client, kind, other, **UPDATE)

    assert outcomes(refused) == ["refused", "repeated"]
    [error] = refused["items"][0]["errors"]
    assert error["message"].startswith("line 2")
    assert "is stored with other content" in error["message"]
    assert unchanged == before
    assert outcomes(updated) == ["changed", "repeated"]
    assert counts(again) == (0, 0, 2, 0)


@every_kind
@pytest.mark.parametrize("parameters", [{}, UPDATE])
def test_a_dry_run_has_the_outcomes_and_stores_nothing(
    client: TestClient, datastore: DatastoreManager, kind: str, parameters: dict[str, str]
) -> None:
    table, other = KINDS[kind]
    empty = dump(datastore.database)
    new = send(client, kind, table, dry_run=True, **parameters)
    assert dump(datastore.database) == empty

    send(client, kind, table)
    before = dump(datastore.database)
    dry = send(client, kind, other, dry_run=True, **parameters)
    unchanged = dump(datastore.database)
    real = send(client, kind, other, **parameters)

    assert (new["dry_run"], counts(new)) == (True, (2, 0, 0, 0))
    assert unchanged == before
    assert outcomes(dry) == outcomes(real)
    assert real["dry_run"] is False


UNKNOWN = {
    "enrolments": (
        "student_id,class_id\nnone,5a\ns001,none\ns001,5a\n",
        ["student_id", "class_id"],
    ),
    "assessments": (
        (
            "id,student_id,type,subject,score\nn1,none,exam,Math,5\nn2,s001,exam,Math,x\n"
            "n3,s001,exam,Math,7\n"
        ),
        ["student_id", "score"],
    ),
    "classes": (
        "id,title,course_id,term_ids\nn1,A,none,\nn2,B,,2026|none\nn3,C,,\n",
        ["course_id", "term_ids"],
    ),
    "people": (
        "id,name,role,organisation_ids\nn1,A,pilot,\nn2,B,,none\nn3,C,,\n",
        ["role", "organisation_ids"],
    ),
}


@pytest.mark.parametrize("kind", UNKNOWN)
@pytest.mark.parametrize("dry_run", [True, False])
def test_wrong_cells_and_unknown_references_are_refused_by_line(
    client: TestClient, kind: str, *, dry_run: bool
) -> None:
    table, fields = UNKNOWN[kind]
    answer = send(client, kind, table, dry_run=dry_run)

    assert outcomes(answer) == ["refused", "refused", "stored"]
    errors = [item["errors"][0] for item in answer["items"][:2]]
    assert [error["field"] for error in errors] == fields
    assert errors[0]["message"].startswith("line 2, column ")
    assert errors[1]["message"].startswith("line 3, column ")


def test_an_update_leaves_fields_without_a_column(
    client: TestClient, datastore: DatastoreManager
) -> None:
    send(client, "students", "id,name,email\nn1,Ada,ada@x.example\n")
    send(client, "enrolments", f"student_id,class_id,valid_to\ns001,5a,{today(90)}\n")
    send(
        client,
        "assessments",
        "id,student_id,type,subject,topic,score,max_score\nn1,s001,exam,Math,sets,5,10\n",
    )

    students = send(client, "students", "id,name\nn1,Ada King\n", **UPDATE)
    classes = send(client, "classes", "id,title\n5a,Five A\n", **UPDATE)
    days = "student_id,class_id,valid_from\ns001,5a,2026-08-24\n"
    enrolments = send(client, "enrolments", days, **UPDATE)
    mark = "id,student_id,type,subject,score\nn1,s001,exam,Math,6\n"
    marks = send(client, "assessments", mark, **UPDATE)

    for answer in (students, classes, enrolments, marks):
        assert outcomes(answer) == ["changed"]
    assert client.get(f"{API}/students/n1").json()["email"] == "ada@x.example"
    changed = client.get(f"{API}/classes/5a").json()
    assert (changed["title"], changed["course_id"], changed["term_ids"]) == (
        "Five A",
        "math",
        ["2026"],
    )
    [(_, first, last)] = periods(datastore)
    assert (str(first), last) == ("2026-08-24", today(90))
    [stored] = client.get(f"{API}/students/s001/assessments").json()["items"]
    assert (stored["score"], stored["max_score"], stored["topic"]) == (6, 10, "sets")


def test_an_empty_cell_removes_a_value(client: TestClient) -> None:
    send(client, "students", "id,name,email\nn1,Ada,ada@x.example\n")

    assert outcomes(send(client, "students", "id,name,email\nn1,Ada,\n", **UPDATE)) == ["changed"]
    assert client.get(f"{API}/students/n1").json()["email"] is None


def test_updates_are_logged_and_records_computed_again(client: TestClient) -> None:
    for kind in ("students", "assessments"):
        send(client, kind, KINDS[kind][0])
        send(client, kind, KINDS[kind][1], **UPDATE)

    [student] = client.get(f"{API}/students/n1/actions").json()["items"]
    [mark] = client.get(f"{API}/students/s001/actions").json()["items"]
    record = client.get(f"{API}/students/s001/performance").json()
    assert (student["action"], student["data"]) == ("student.changed", {"fields": ["name"]})
    assert (mark["action"], mark["data"]["reason"]) == ("assessment.changed", "import")
    assert record["mean_percentage"] == pytest.approx(58.5)


def test_marks_of_another_student_and_deleted_marks_are_refused(client: TestClient) -> None:
    header = "id,student_id,type,subject,score\n"
    send(client, "assessments", f"{header}n1,s001,exam,Math,5\nn2,s001,exam,Math,5\n")
    client.delete(f"{API}/assessments/n2", params={"reason": "sent twice"})

    moved = send(
        client, "assessments", f"{header}n1,s002,exam,Math,6\nn2,s001,exam,Math,6\n", **UPDATE
    )

    assert outcomes(moved) == ["refused", "refused"]
    assert client.get(f"{API}/students/s002/assessments").json()["items"] == []


@pytest.mark.parametrize("kind", ["students", "classes", "assessments"])
def test_an_id_has_one_content_in_a_table(client: TestClient, kind: str) -> None:
    header, first, _ = KINDS[kind][0].split("\n", 2)
    other = KINDS[kind][1].split("\n")[1]

    answer = send(client, kind, f"{header}\n{first}\n{other}\n{first}\n", **UPDATE)

    assert outcomes(answer) == ["stored", "refused", "repeated"]


def test_an_erased_student_stays_erased(client: TestClient) -> None:
    client.delete(f"{API}/students/s001")

    for parameters in ({}, UPDATE):
        assert outcomes(send(client, "students", "id,name\ns001,Ada\n", **parameters)) == [
            "refused"
        ]
        table = "student_id,class_id\ns001,5a\n"
        assert outcomes(send(client, "enrolments", table, **parameters)) == ["refused"]


def test_an_ended_row_begins_again_by_an_update_only(client: TestClient) -> None:
    send(client, "people", "id,name\nn1,Ada\n")
    client.delete(f"{API}/people/n1")

    assert outcomes(send(client, "people", "id,name\nn1,Ada\n")) == ["refused"]
    assert outcomes(send(client, "people", "id,name\nn1,Ada\n", **UPDATE)) == ["changed"]
    assert client.get(f"{API}/people/n1").json()["ended_at"] is None


def test_a_returning_student_keeps_the_earlier_period(
    client: TestClient, datastore: DatastoreManager
) -> None:
    send(client, "enrolments", "student_id,class_id,valid_from\ns001,5a,2026-08-24\n")
    client.delete(f"{API}/classes/5a/students/s001")

    again = send(client, "enrolments", "student_id,class_id\ns001,5a\n")

    assert outcomes(again) == ["stored"]
    assert {last for _, _, last in periods(datastore)} == {today(), None}


def test_ids_of_paths_are_refused(client: TestClient) -> None:
    for kind in ("students", "people"):
        assert outcomes(send(client, kind, "id,name\ncsv,Ada\n")) == ["refused"]
    assert outcomes(send(client, "classes", "id,title\ncsv,Art\n")) == ["refused"]
    for path, body in {"people/csv": {"name": "Ada"}, "classes/csv": {"title": "Art"}}.items():
        assert client.put(f"{API}/{path}", json=body).status_code == 422
