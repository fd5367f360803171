"""Maps of tables and other parameters, over HTTP on both stores."""

from typing import Any

import pytest
from starlette.testclient import TestClient

from staffstuddash_service.datastore import DatastoreManager
from tests.support.rosters import fill

API = "/api/v1"
HEADERS = {"content-type": "text/csv"}


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


MAPS = [
    ("Student No;Full Name;Grade\nn1;Ada King;5\n", "name:Full Name,id:Student No"),
    ("ID;First;Last\nn1;Ada;King\n", "name:First+Last"),
    ('id;"Name; full"\nn1;Ada King\n', "name:Name; full"),
    ('id;x;"Last, First"\nn1;;Ada King\n', '"name:Last, First"'),
    ("Number;A+B;x\n1;Ada King;y\n", "name:A+B,id:=n+Number"),
]


@pytest.mark.parametrize(("table", "column_map"), MAPS)
def test_a_map_names_the_columns(client: TestClient, table: str, column_map: str) -> None:
    [item] = send(client, "students", table, map=column_map)["items"]

    assert item["outcome"] == "stored"
    assert client.get(f"{API}/students/{item['id']}").json()["name"] == "Ada King"


def test_a_map_has_constants(client: TestClient) -> None:
    table = "ID number,First name,Quiz 1 (Real)\ns001,Ada,7.5\ns002,Grace,\n,,5\n"
    column_map = (
        "id:=quiz1+ID number,student_id:ID number,score:Quiz 1 (Real),max_score:=10,"
        "type:=quiz,subject:=Math"
    )

    answer = send(client, "assessments", table, map=column_map)

    assert outcomes(answer) == ["stored", "refused", "refused"]
    assert answer["items"][0]["id"] == "quiz1 s001"
    assert [item["errors"][0]["field"] for item in answer["items"][1:]] == ["score", "student_id"]


WRONG_MAPS = [
    ("nickname:Full Name", "nickname, which is none of id, name, email"),
    ("name:Surname", "no column Surname"),
    ("name:Full Name+", "no column"),
    ("name", "pairs"),
    ("name:", "pairs"),
    ("name:Full Name,name:Full Name", "twice"),
    ("id:Full Name", "name is missing"),
    ("name:Twice", "the column Twice comes twice"),
    ('"name:Full Name', "quote"),
]


def test_a_wrong_map_is_refused(client: TestClient, subtests: pytest.Subtests) -> None:
    for column_map, reason in WRONG_MAPS:
        with subtests.test(column_map=column_map):
            answer = client.post(
                f"{API}/students/csv",
                content=b"Full Name,Twice,Twice\nAda,a,b\n",
                headers=HEADERS,
                params={"map": column_map},
            )

            assert answer.status_code == 422
            assert reason in answer.json()["detail"]


@pytest.mark.parametrize("parameters", [{"on_conflict": "ignore"}, {"dry_run": "perhaps"}])
def test_a_wrong_parameter_is_refused(client: TestClient, parameters: dict[str, str]) -> None:
    answer = client.post(
        f"{API}/people/csv", content=b"id,name\nn1,Ada\n", headers=HEADERS, params=parameters
    )

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] in parameters
