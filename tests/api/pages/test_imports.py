"""Imports on the pages: a file is sent, its columns are matched, and its rows are stored."""

import re
import time
from collections.abc import Iterator
from html import unescape

import httpx2
import pytest
from starlette.testclient import TestClient

from staffstuddash_service.importing.jobs import run_imports
from tests.api.pages.conftest import OWN
from tests.support.page_schools import HOSTILE, TEACHER, PageSchool
from tests.support.visible import words

NEW = "/imports/new/students"
MEGABYTE = 1024 * 1024


@pytest.fixture
def client(page_school: PageSchool) -> Iterator[TestClient]:
    with page_school.pages() as client:
        yield client


def send(client: TestClient, table: str | bytes, path: str = NEW) -> httpx2.Response:
    content = table.encode() if isinstance(table, str) else table
    return client.post(path, files={"file": ("../x.csv", content, "text/csv")}, headers=OWN)


def sent_to(answer: httpx2.Response) -> str:
    """Return the address of the import to which an answer leads."""
    assert answer.status_code == 303, words(answer.text)
    return answer.headers["location"].partition("?")[0]


def seen(client: TestClient, school: PageSchool, address: str) -> str:
    """Return the page of an import once it does not go on."""
    deadline = time.monotonic() + 60
    while True:
        run_imports(school.datastore)
        html = client.get(address).text
        if "Reload every" not in html or time.monotonic() > deadline:
            return html
        time.sleep(0.1)


def matched(client: TestClient, address: str, **columns: str) -> httpx2.Response:
    form = {f"column-{field}": column for field, column in columns.items()}
    return client.post(f"{address}/check", data={**form, "on_conflict": "update"}, headers=OWN)


def shown_form(html: str) -> dict[str, str]:
    """Return the fields of the form that stores the rows."""
    fields = re.findall(r'name="(column_map|on_conflict)" value="([^"]*)"', html)
    return {name: unescape(value) for name, value in fields[:2]}


def names(school: PageSchool) -> dict[str, str]:
    return {one.id: one.name for one in school.datastore.students.search(limit=1000)}


def test_a_file_is_matched_checked_and_stored(client: TestClient, page_school: PageSchool) -> None:
    table = f'Schülernummer;Rufname;"x, ""y"""\nn1;Grace;1\nn2;{HOSTILE};2\n'
    address = sent_to(send(client, table))
    going_on = client.get(f"{address}?watch=true").text
    unmatched = seen(client, page_school, address)
    incomplete = matched(client, address, id="Schülernummer", name="")
    checked = sent_to(matched(client, address, id="Schülernummer", name="Rufname"))
    right = seen(client, page_school, checked)
    before = names(page_school)
    sent_to(client.post(f"{address}/store", data=shown_form(right), headers=OWN))
    stored = seen(client, page_school, address)
    again = client.post(f"{address}/store", data=shown_form(right), headers=OWN)

    assert 'http-equiv="refresh"' in going_on or "Check with these columns" in going_on
    assert "Choose which column of the file is which" in unmatched
    assert "Store these rows" not in unmatched
    assert '<option value="Schülernummer" selected>' in unmatched
    assert "Choose a column for:" in words(incomplete.text)
    assert incomplete.status_code == 422
    assert "The file is right." in right
    assert "Would be new 2" in words(right)
    assert "n1" not in before
    assert "New 2" in words(stored)
    assert names(page_school)["n1"] == "Grace"
    assert names(page_school)["n2"] == HOSTILE
    assert sent_to(again) == address
    # The columns are remembered for the next file of the kind.
    following = sent_to(send(client, "Rufname,Schülernummer\nAda,n3\n"))
    assert '<option value="Rufname" selected>' in seen(client, page_school, following)
    assert "Marks" in client.get("/imports").text
    sent_to(client.post(f"{following}/cancel", headers=OWN))
    assert "It was cancelled" in client.get(following).text


@pytest.mark.parametrize(
    ("table", "texts"),
    [
        ("id,name\nn8,Ada\nn9,\n", ["Rows have problems", "3 name Name", "Cancel the import"]),
        ("id,name\n", ["cannot be stored like this", "The table has no rows."]),
        (b"id,name\nn8,\xff\x00", ["cannot be stored like this", "look at line 2"]),
        (b"\x89PNG\r\n\x1a\n\x00", ["cannot be stored like this"]),
        ('id,name\nn8,"=cmd()|x\n', ["cannot be stored like this", "line 2"]),
        (
            "id,name\nn8,Zo\xe9\n".encode("latin-1"),
            ["The file is right.", "read as windows-1252"],
        ),
    ],
)
def test_problems_are_told_with_their_place(
    client: TestClient, page_school: PageSchool, table: str | bytes, texts: list[str]
) -> None:
    shown = words(seen(client, page_school, sent_to(send(client, table))))

    assert [text for text in texts if text not in shown] == []


def test_what_is_no_file_is_refused_at_once(client: TestClient) -> None:
    empty = send(client, "")
    none = client.post(NEW, files={"other": (None, "x")}, headers=OWN)
    no_form = client.post(NEW, data={"file": "x"}, headers=OWN)
    boundary = {"Content-Type": "multipart/form-data; boundary=x", **OWN}
    head = b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\nid,name\r\n'
    cut = client.post(NEW, content=head, headers=boundary)
    announced = {**boundary, "Content-Length": str(101 * MEGABYTE)}
    large = client.post(NEW, content=head, headers=announced)

    for answer in (empty, none, no_form, cut, large):
        assert answer.status_code == 422
        assert "problem" in answer.text
    assert "Choose a file" in words(empty.text)
    assert "Choose a file" in words(none.text)
    assert "did not arrive as a whole" in words(cut.text)
    assert "more than 100 MB" in words(large.text)
    assert send(client, "id\n1\n", "/imports/new/grades").status_code == 404
    assert client.get("/imports/none").status_code == 404


def test_a_teacher_may_not_import_and_an_absent_service_stores_nothing(
    page_school: PageSchool,
) -> None:
    with page_school.pages(acting=TEACHER) as client:
        refused = send(client, "id,name\nn7,Ada\n")
    with page_school.pages(away=("staffstuddash",)) as client:
        away = send(client, "id,name\nn7,Ada\n")
        elsewhere = client.post(NEW, files={"file": ("x", b"id\n")})

    assert (refused.status_code, away.status_code) == (403, 503)
    assert elsewhere.status_code == 403
    assert "n7" not in names(page_school)
