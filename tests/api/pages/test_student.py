"""Page of a student, and the notes that are written down on it."""

import re
from datetime import timedelta
from html import unescape
from urllib.parse import urlsplit

import pytest
from starlette.testclient import TestClient

from shared_db.clock import utc_now
from tests.support.page_schools import CLASS, HOSTILE, OTHER_TEACHER, TEACHER, PageSchool

DORA = "/students/s004"


def words(page: str) -> str:
    return " ".join(unescape(page).split())


def write(client: TestClient, **fields: str) -> str:
    """Fill in the form of Dora's page and send it twice; return the page that follows."""
    form = client.get(DORA).text
    kept = dict(
        re.findall(r'type="hidden" name="(name|course|prediction_id)" value="([^"]*)"', form)
    )
    own = {"Origin": str(client.base_url).rstrip("/")}
    first, second = (
        client.post(f"{DORA}/write-down", data={**kept, **fields}, headers=own) for _ in range(2)
    )
    assert first.headers.get("location") == second.headers.get("location")
    if first.status_code != 303:
        return first.text
    return client.get(first.headers["location"]).text


def undo(client: TestClient, page: str) -> str:
    action = re.search(r'action="([^"]+/withdraw)"', page)
    assert action
    own = {"Origin": str(client.base_url).rstrip("/")}
    answer = client.post(unescape(action[1]), data={"place": DORA}, headers=own)
    assert answer.status_code == 303, answer.text
    assert urlsplit(answer.headers["location"]).path == DORA
    return words(client.get(DORA).text)


def test_a_student_has_reasons_advice_and_a_time_line(page_school: PageSchool) -> None:
    with page_school.pages() as client:
        text = words(client.get(f"{DORA}?course={CLASS}").text)

    assert "5 of 5 pieces of work that were due were missed (course: 1)." in text
    assert "Advice: Ask what keeps the student from handing in, and agree on a date" in text
    assert "Active on 1 day in the week from" in text
    assert "As of" in text
    assert "Nothing is written down yet." in text


def test_a_talk_is_written_down_and_taken_back(page_school: PageSchool) -> None:
    with page_school.pages(acting=TEACHER) as client:
        page = write(client, kind="talked", text="asked about <i>Monday</i>")
        assert "asked about &lt;i&gt;Monday&lt;/i&gt;" in page
        assert page.count("<li>Talk with the student") == 1
        assert "taken back" in undo(client, page)


def test_a_step_needs_a_text_and_a_day(page_school: PageSchool) -> None:
    tomorrow = utc_now().date() + timedelta(days=1)
    with page_school.pages(acting=TEACHER) as client:
        refused = words(write(client, kind="plan"))
        too_late = words(write(client, kind="plan", text="call home", due_on="2020-01-01"))
        page = write(client, kind="plan", text="call home", due_on=tomorrow.isoformat())
        today = words(client.get("/").text)
        undone = undo(client, page)

    assert "Write which step you plan." in refused
    assert "Choose the day by which it is to be done." in refused
    assert "This day is over: choose today or a later day." in too_late
    assert "call home" in today
    assert "taken back" in undone


def test_a_verdict_needs_a_reason_and_is_taken_back(page_school: PageSchool) -> None:
    with page_school.pages(acting=TEACHER) as client:
        refused = words(write(client, kind="incorrectly_flagged"))
        page = write(client, kind="incorrectly_flagged", reason="cause_is_known", text="was ill")
        undone = undo(client, page)

    assert "Choose a reason." in refused
    assert "Written down." in page
    assert "Wrongly listed: The cause is known" in words(page)
    assert "<bdi>was ill</bdi>" in page
    assert "Written down." not in undone
    assert "was ill" not in undone
    [prediction] = page_school.dropout.predictions.search_student("s004", limit=1)
    given = page_school.dropout.feedback.search(prediction.id)
    assert [(one.verdict, one.reason, one.withdrawn_at is None) for one in given] == [
        ("incorrectly_flagged", "cause_is_known", False)
    ]


def test_somebody_else_can_be_chosen_for_a_step(page_school: PageSchool) -> None:
    with page_school.pages() as client:
        assert f'value="{OTHER_TEACHER}"' in client.get(f"{DORA}/write-down").text


def test_students_are_found_by_name(page_school: PageSchool) -> None:
    with page_school.pages() as client:
        found = client.get("/students", params={"q": "alert"}).text
        hostile = client.get("/students/s003").text

    assert HOSTILE not in found + hostile
    assert found.count('<li><a href="/students/') == 1


@pytest.mark.parametrize(
    ("away", "unknown"),
    [("dropout", "Place and reasons"), ("staffstuddash", "Actions"), ("monitoring", None)],
)
def test_with_a_service_away_the_rest_is_there(
    page_school: PageSchool, away: str, unknown: str | None
) -> None:
    with page_school.pages(away=(away,)) as client:
        found = client.get(DORA)

    assert found.status_code == 200
    assert (": not known now" in found.text) == (unknown is not None)
    assert unknown is None or f"{unknown}: not known now" in found.text


def test_a_student_out_of_sight_is_not_found(page_school: PageSchool) -> None:
    with page_school.pages(acting=OTHER_TEACHER) as client:
        assert client.get(DORA).status_code == 404


def test_a_student_who_objected_has_no_reasons(page_school: PageSchool) -> None:
    page_school.datastore.restrictions.put("s005", "objection", actor="office")
    try:
        with page_school.pages() as client:
            text = words(client.get(f"/students/s005?course={CLASS}").text)
    finally:
        page_school.datastore.restrictions.lift("s005", actor="office")

    assert "On request, this student gets no reasons and no place." in text
    assert "missed" not in text
    assert "not known now" not in text
