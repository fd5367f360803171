"""CSV tables as spreadsheets save them, over HTTP on both stores."""

import codecs
import gzip
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.support.factories import a_student

STUDENTS = "/api/v1/students"
CSV = "text/csv"
GUESSED = "read as Windows-1252"


def send(client: TestClient, table: str | bytes, content_type: str = CSV) -> Any:
    content = table if isinstance(table, bytes) else table.encode()
    return client.post(f"{STUDENTS}/csv", content=content, headers={"content-type": content_type})


def outcomes(answer: Any) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [item["outcome"] for item in answer.json()["items"]]


def all_students(client: TestClient) -> dict[str, tuple[str, str | None]]:
    items = client.get(STUDENTS).json()["items"]
    return {item["id"]: (item["name"], item["email"]) for item in items}


def all_names(client: TestClient) -> list[str]:
    return [name for name, _ in all_students(client).values()]


TABLES = {
    "commas": "id,name,email\ns1,Ada,ada@x.example\ns2,Grace,\n",
    "semicolons": "\ufeffID;Name;Email\r\ns1;Ada;ada@x.example\r\ns2;Grace;",
    "quotes and blank lines": 'email,name,id\nada@x.example,"Ada",s1\n\n,"Grace",s2\n,,\n',
    "tabs": "id\tname\temail\ns1\tAda\tada@x.example\ns2\tGrace\t\n",
    "sep line": "sep=;\r\nid;name;email\r\ns1;Ada;ada@x.example\r\ns2;Grace;\r\n",
    "sep line of tab": "SEP=\t\r\nid\tname\temail\r\ns1\tAda\tada@x.example\r\ns2\tGrace\t\r\n",
    "quoted sep line": '"sep=,"\nid,name,email\ns1,Ada,ada@x.example\ns2,Grace,\n',
    "trailing columns": "id,name,email,,,\ns1,Ada,ada@x.example,,,\ns2,Grace,,,\n",
    "more trailing columns": "id,name,email\ns1,Ada,ada@x.example,,\ns2,Grace,, \n",
    "spaces": ' id , name ,email \n s1 , "Ada" , ada@x.example\n"s2" ,Grace , \n',
    "carriage returns": "id,name,email\rs1,Ada,ada@x.example\rs2,Grace,\r",
    "blank lines first": "\n\r\n,,\nid,name,email\ns1,Ada,ada@x.example\ns2,Grace,\n",
}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_tables_of_spreadsheets_are_read(staffstuddash_client: TestClient, table: str) -> None:
    answer = send(staffstuddash_client, table)

    assert outcomes(answer) == ["stored", "stored"]
    assert all_students(staffstuddash_client) == {
        "s1": ("Ada", "ada@x.example"),
        "s2": ("Grace", None),
    }
    assert (answer.json()["encoding"], answer.json()["notes"]) == ("utf-8", [])


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\x0b", "\x0c", "\x1c", "\x85"])
def test_only_line_feed_and_carriage_return_end_a_row(
    staffstuddash_client: TestClient, mark: str
) -> None:
    answer = send(staffstuddash_client, f"id,name\r\ns1,Zoe{mark}Quill\r\n")

    assert outcomes(answer) == ["stored"]
    assert all_names(staffstuddash_client) == [f"Zoe{mark}Quill"]


def test_quoted_cells_keep_what_they_contain(staffstuddash_client: TestClient) -> None:
    table = (
        'sep=;\nid;name\ns1;"Ada\r\nLovelace"\ns2;"Grace ""Amazing"" ; Hopper"  \n'
        's3;Meier, "Hans" Peter\n'
    )

    assert outcomes(send(staffstuddash_client, table)) == ["stored"] * 3
    assert all_names(staffstuddash_client) == [
        "Ada\r\nLovelace",
        'Grace "Amazing" ; Hopper',
        'Meier, "Hans" Peter',
    ]


ENCODED = [
    ("utf-8", CSV, "utf-8", False),
    ("utf-8", f"{CSV}; charset=UTF-8", "utf-8", False),
    ("utf-8-sig", f"{CSV}; charset=windows-1252", "utf-8", False),
    ("windows-1252", f"{CSV};charset=windows-1252", "windows-1252", False),
    ("windows-1252", f'{CSV}; header=present; charset="ISO-8859-1"', "windows-1252", False),
    ("windows-1252", CSV, "windows-1252", True),
    ("utf-16", f"{CSV}; charset=utf-16", "utf-16", False),
    ("utf-16-le", f"{CSV}; charset=utf-16le", "utf-16", False),
    ("utf-16-be", f"{CSV}; charset=utf-16be", "utf-16", False),
    ("utf-16", CSV, "utf-16", False),
]


@pytest.mark.parametrize(("codec", "content_type", "encoding", "is_guessed"), ENCODED)
def test_encodings_are_declared_or_detected(
    staffstuddash_client: TestClient,
    codec: str,
    content_type: str,
    encoding: str,
    *,
    is_guessed: bool,
) -> None:
    table = "id;name\r\ns1;Änne Müßig \u20ac\r\n".encode(codec)
    answer = send(staffstuddash_client, table, content_type)

    assert outcomes(answer) == ["stored"]
    assert all_names(staffstuddash_client) == ["Änne Müßig \u20ac"]
    assert answer.json()["encoding"] == encoding
    assert [GUESSED in note for note in answer.json()["notes"]] == [True] * is_guessed


def test_a_bad_row_does_not_affect_others(staffstuddash_client: TestClient) -> None:
    table = 'sep=,\nname,email\n"Meier,\nÄnne",\n\nGrace,no address\nAlan\n,x@y.example\n'

    answer = send(staffstuddash_client, table)

    assert outcomes(answer) == ["stored", "refused", "refused", "refused"]
    errors = [item["errors"][0] for item in answer.json()["items"][1:]]
    assert [error["field"] for error in errors] == ["email", "body", "name"]
    assert errors[0]["message"].startswith("line 6, column 2: ")
    assert errors[1]["message"] == "line 7: has 1 cells, but the header has 2"
    assert errors[2]["message"] == "line 8, column 1: Field required"
    assert all_names(staffstuddash_client) == ["Meier,\nÄnne"]


def test_a_repeated_table_stores_no_row(staffstuddash_client: TestClient) -> None:
    first = send(staffstuddash_client, "id,name\ns1,Ada\n")
    again = send(staffstuddash_client, "id,name\ns1,Ada\n")
    other = send(staffstuddash_client, "id,name\ns1,Grace\n")

    assert outcomes(first) == ["stored"]
    assert outcomes(again) == ["repeated"]
    [item] = other.json()["items"]
    assert item["errors"][0]["message"] == "line 2, column 1: is stored with other content"


def test_a_compressed_table_is_read(staffstuddash_client: TestClient) -> None:
    answer = staffstuddash_client.post(
        f"{STUDENTS}/csv",
        content=gzip.compress(b"name\nAda\n"),
        headers={"content-type": CSV, "content-encoding": "gzip"},
    )

    assert answer.json()["stored"] == 1


MALFORMED = [
    (b"", CSV, "name is missing"),
    (b"id,email\ns1,\n", CSV, "name is missing"),
    (b"name,grade\nAda,1\n", CSV, "line 1, is wrong: column 2"),
    (b"sep=;\n\nname;grade\nAda;1\n", CSV, "line 3, is wrong: column 2"),
    (b"name,,email\nAda,,\n", CSV, "column 2"),
    (b"name,name\nAda,Ada\n", CSV, "twice"),
    (b"name\n", CSV, "no rows"),
    (b"sep=|\nname|id\nAda|s1\n", CSV, "separator"),
    (b'name\n"Ada\n', CSV, "line 2, column 1 has a quote that is not closed"),
    (b'id,name\n1,Ada\n2,"Bea\n3,Cy\n', CSV, "line 3, column 2 has a quote that is not closed"),
    (b'id,name\n1,Ada\n\n"2"x,Bea\n', CSV, "line 4, column 1 has text after a closed quote"),
    (b'id,name\n1,"A\nda"\n2,"B"ea,x\n', CSV, "line 4, column 2 has text after a closed quote"),
    (b"id,name\n1," + b"A" * 32_768 + b"\n", CSV, "line 2, column 2 has 32768 characters"),
    (b"id,name\n1," + b"A" * 200_000 + b"\n", CSV, "line 2, column 2 has 200000 characters"),
    (b"name\nAda\n\xc4nn\x81e\n", CSV, "not UTF-8 or Windows-1252: look at line 3, character 4"),
    ("name\nÄnne\n".encode("latin-1"), f"{CSV}; charset=utf-8", "line 2, character 1"),
    ("name\nAda\n".encode("utf-16-le"), CSV, "UTF-16"),
    ("name\nAda\n".encode("utf-16-le")[:-1], f"{CSV}; charset=utf-16le", "line 2, character 4"),
    (codecs.BOM_UTF8 + b"name\n\xc4\n", CSV, "line 2, character 1"),
]


def test_a_malformed_table_is_refused(
    staffstuddash_client: TestClient, subtests: pytest.Subtests
) -> None:
    for table, content_type, reason in MALFORMED:
        with subtests.test(reason=reason):
            answer = send(staffstuddash_client, table, content_type)

            assert answer.status_code == 422
            assert reason in answer.json()["detail"]
            assert all_names(staffstuddash_client) == []


def test_another_type_is_refused(staffstuddash_client: TestClient) -> None:
    answer = staffstuddash_client.post(f"{STUDENTS}/csv", json=[a_student()])
    unknown = send(staffstuddash_client, "name\nAda\n", f"{CSV}; charset=ebcdic")

    assert (answer.status_code, unknown.status_code) == (415, 415)
    assert "windows-1252" in unknown.json()["detail"]


def test_too_many_rows_are_refused(staffstuddash_client: TestClient) -> None:
    table = b"name\n" + b"Ada\n" * 10_001

    assert send(staffstuddash_client, table).status_code == 413
