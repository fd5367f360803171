"""Rights of students on the pages: reads, openings, holds, export and erasure."""

import re
from collections.abc import Iterator
from io import BytesIO
from typing import Any
from zipfile import ZipFile

import pytest
from starlette.testclient import TestClient

from dropout_service.database.students.erasure import OWNED as FOLLOWED
from staffstuddash_service.datastore import StudentToStore
from staffstuddash_service.datastore.erasure import OWNED
from staffstuddash_service.domain.roster import RosterKind, StaffRole
from tests.api.pages.conftest import OWN
from tests.api.test_audited_routes import SERVICES, routes
from tests.support.page_schools import HOSTILE, OTHER_TEACHER, TEACHER, PageSchool
from tests.support.rosters import a_person
from tests.support.visible import words
from veritas_web.domain.rights.erasure_words import ACTIVITY, RECORDS
from veritas_web.domain.rights.read_words import read_words

DORA, HEAD = "/students/s004", "p-head"
GROUND = f"call by the police {HOSTILE}"


@pytest.fixture
def head(page_school: PageSchool) -> Iterator[TestClient]:
    """Give the pages as a person with all rights."""
    person = a_person(HEAD, role=StaffRole.PRINCIPAL, name="Head of School")
    page_school.datastore.roster.apply(RosterKind.PERSON, [person], "manual")
    page_school.datastore.person_access.give(HEAD, "admin", actor="test")
    with page_school.pages(acting=HEAD) as client:
        yield client


def move_reads(school: PageSchool) -> None:
    """Move the reads that wait in files to the tables, as the services do each minute."""
    for name in ("staffstuddash", "dropout"):
        app: Any = school.apps[name]
        app.state.read_audit.move()


def test_reads_are_listed_with_names_and_in_words(
    page_school: PageSchool, head: TestClient
) -> None:
    with page_school.pages(acting=TEACHER) as client:
        client.get(DORA)
        refused = client.get(f"{DORA}/reads")
    move_reads(page_school)
    listed = words(head.get(f"{DORA}/reads").text)
    with page_school.pages(acting=HEAD, away=("dropout",)) as client:
        half = client.get(f"{DORA}/reads")

    assert refused.status_code == 403
    records, activity = listed.split("Activity and reasons", 1)
    reader = f"By {TEACHER} through development Role Teacher Kind of data"
    assert f"{reader} Page of the student" in records
    assert f"{reader} Places and reasons" in activity
    assert half.status_code == 200
    assert "Page of the student" in half.text
    assert "Reads: not known now" in half.text


def test_every_read_has_words() -> None:
    paths = {
        route.path
        for name in ("staffstuddash", "dropout")
        for route in routes(SERVICES[name])
        if route.shown_students is not None
    }

    assert len(paths) > 30
    assert {path for path in paths if read_words(f"/api/v1{path}") is None} == set()
    assert read_words("/api/v1/new") is None
    assert read_words(None) is None


def test_a_student_out_of_sight_is_opened_with_a_reason_that_others_read(
    page_school: PageSchool, head: TestClient
) -> None:
    with page_school.pages(acting=OTHER_TEACHER) as client:
        missing = client.get(DORA)
        form = client.get("/break-glass/open?student=s004").text
        sent = {"student": "s004", "reason": GROUND}
        short = client.post("/break-glass/open", data=sent | {"reason": "now"}, headers=OWN)
        nobody = client.post("/break-glass/open", data=sent | {"student": "x"}, headers=OWN)
        first, again = (client.post("/break-glass/open", data=sent, headers=OWN) for _ in range(2))
        seen = client.get(DORA)
        assert client.get("/break-glass").status_code == 403

    assert missing.status_code == 404
    assert 'href="/break-glass/open?student=s004"' in missing.text
    assert 'value="s004"' in form
    assert (short.status_code, ">now</textarea>" in short.text) == (422, True)
    assert "Write the reason in 10 to 500 characters" in short.text
    assert (nobody.status_code, "There is no student of this id." in nobody.text) == (404, True)
    assert first.text == again.text
    assert HOSTILE not in first.text
    assert (seen.status_code, "Dora" in seen.text) == (200, True)

    [opening] = re.findall(r"/break-glass/([^/\"]+)/end", first.text)
    noticed = words(head.get("/more").text)
    listed = head.get("/break-glass")
    assert "More (1)" in noticed
    assert "1 opening that you have not looked at" in noticed
    assert "call by the police" in listed.text
    assert HOSTILE not in listed.text
    for _ in range(2):
        answer = head.post(f"/break-glass/{opening}/acknowledge", headers=OWN)
        assert answer.headers["location"] == "/break-glass"
    assert "not looked at" not in head.get("/more").text
    assert "I know of it" not in head.get("/break-glass").text

    with page_school.pages(acting=OTHER_TEACHER) as client:
        ended = client.post(f"/break-glass/{opening}/end", headers=OWN)
        assert ended.headers["location"] == "/students"
        assert client.get(DORA).status_code == 404
    assert "ended early" in head.get("/break-glass").text
    refused = head.post("/break-glass/open", data=sent, headers=OWN)
    assert (refused.status_code, "You see every student" in refused.text) == (409, True)


def test_a_held_student_is_not_erased(page_school: PageSchool, head: TestClient) -> None:
    place = "/students/s002"
    empty = head.post(f"{place}/hold", data={"reason": " "}, headers=OWN)
    held = head.post(f"{place}/hold", data={"reason": GROUND}, headers=OWN)
    page = head.get(f"{place}/erase")
    refused = head.post(f"{place}/erase", data={"typed": "s002"}, headers=OWN)

    assert (empty.status_code, "Write the reason" in empty.text) == (422, True)
    assert held.headers["location"] == f"{place}/hold"
    assert "call by the police" in page.text
    assert HOSTILE not in page.text + refused.text
    assert "Erase for good" not in page.text
    assert (refused.status_code, "so nothing was erased" in refused.text) == (409, True)
    assert page_school.datastore.students.get("s002")

    unsure = head.post(f"{place}/hold/lift", headers=OWN)
    assert (unsure.status_code, "Confirm this first." in unsure.text) == (422, True)
    for _ in range(2):
        assert head.post(f"{place}/hold/lift", data={"sure": "true"}, headers=OWN).is_redirect
    assert "Erase for good" in head.get(f"{place}/erase").text


def test_a_student_is_erased_in_both_services(page_school: PageSchool, head: TestClient) -> None:
    page_school.datastore.students.add_many([StudentToStore("Gone Girl", None, "s-gone")])
    page_school.datastore.assessments.add("s-gone", "quiz", "Math", 70)
    page_school.dropout.events.add(None, "s-gone", "q1", "QUESTION_SUBMIT")
    place = "/students/s-gone/erase"
    question = words(head.get(place).text)
    mistyped = head.post(place, data={"typed": "s-Gone"}, headers=OWN)
    with page_school.pages(acting=HEAD, away=("staffstuddash",)) as client:
        assert client.get("/more").status_code == 503

    assert "Type the id of the student to confirm: s-gone" in question
    assert (mistyped.status_code, "so nothing was erased" in mistyped.text) == (422, True)
    assert page_school.datastore.students.get("s-gone")

    with page_school.pages(acting=HEAD, away=("dropout",)) as client:
        done = words(client.post(place, data={"typed": "s-gone"}, headers=OWN).text)
    assert "the student is erased" in done
    assert "Marks: 1" in done
    assert "Activity and reasons: not known now." in done
    later = words(head.get(place).text)
    assert "nothing can be read any more" in later
    rest = words(head.post(place, data={"typed": "s-gone"}, headers=OWN).text)
    assert "the student is erased" in rest
    assert "nothing of the student is stored any more" in rest
    assert "Learning events: 1" in rest
    again = words(head.post(place, data={"typed": "s-gone"}, headers=OWN).text)
    assert "nothing of the student is stored any more" in again
    assert "Learning events: 1" not in again
    assert page_school.dropout.students.erase_deleted() == 0
    assert "Gone Girl" not in done + later + rest + again
    assert head.get("/students/s-gone").status_code == 404


def test_the_outcome_of_an_erasure_is_not_invented(page_school: PageSchool) -> None:
    with page_school.pages(away=("staffstuddash",)) as client:
        answer = client.post(f"{DORA}/erase", data={"typed": "s004"}, headers=OWN)

    assert answer.status_code == 503
    assert "it is not known whether this was done" in answer.text
    assert 'value="s004"' in answer.text
    assert page_school.datastore.students.get("s004")


def test_a_student_of_activity_alone_needs_the_command(
    page_school: PageSchool, head: TestClient
) -> None:
    page_school.dropout.events.add(None, "s-activity", "q1", "QUESTION_SUBMIT")

    assert "veritas erase s-activity" in head.get("/students/s-activity/erase").text
    assert head.get("/students/s-nobody/erase").status_code == 404


def test_everything_is_downloaded_from_both_services(head: TestClient) -> None:
    page = head.get(f"{DORA}/export").text
    links = re.findall(r'href="(/api/[^"]+/export)"', page)
    files = [head.get(link) for link in links]

    assert len(files) == 2
    assert {file.headers["content-type"] for file in files} == {"application/zip"}
    assert all(ZipFile(BytesIO(file.content)).namelist() for file in files)


def test_every_table_that_an_erasure_counts_has_words() -> None:
    always = {"students", "aliases"}
    of_enrolments = {"prediction_feedback", "submissions", "enrolment_backgrounds"}

    assert set(RECORDS) == {model.__tablename__ for model in OWNED} | always
    assert set(ACTIVITY) == {model.__tablename__ for model in FOLLOWED} | always | of_enrolments
