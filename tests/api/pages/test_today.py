"""Page of today: own steps, newcomers, first steps of an empty installation."""

from datetime import timedelta
from html import unescape

import pytest
import structlog

from shared_db.clock import utc_now
from staffstuddash_service.domain.follow_ups.states import ActionState
from tests.support.databases import OpenDatabase
from tests.support.page_schools import OTHER_TEACHER, TEACHER, PageSchool
from tests.support.pages import pages, services


def words(page: str) -> str:
    return " ".join(unescape(page).split())


@pytest.fixture
def step(page_school: PageSchool) -> str:
    """Plan a step of the teacher that was due yesterday; return its id."""
    return page_school.datastore.actions.add(
        "s001",
        TEACHER,
        "call.home",
        state=ActionState.PLANNED,
        assigned_to=TEACHER,
        due_on=utc_now().date() - timedelta(days=1),
        data={"note": "ask for <b>Monday</b>"},
    ).id


def test_own_steps_are_due_and_are_done_by_a_button(page_school: PageSchool, step: str) -> None:
    with page_school.pages(acting=TEACHER) as client:
        own = {"Origin": str(client.base_url).rstrip("/")}
        before = client.get("/").text
        done = client.post(f"/actions/{step}/done", data={"place": "//evil.example"}, headers=own)
        after = client.get("/").text
    with page_school.pages(acting=OTHER_TEACHER) as client:
        foreign = client.get("/").text

    assert "call.home" in before
    assert "ask for &lt;b&gt;Monday&lt;/b&gt;" in before
    assert "was due on" in words(before)
    assert (done.status_code, done.headers["location"]) == (303, "/")
    assert "No step is planned for this week." in after
    assert "call.home" not in foreign


def test_newcomers_stand_under_their_course_with_their_places(page_school: PageSchool) -> None:
    with page_school.pages() as client:
        text = words(client.get("/").text)

    news = text[text.index("New near the top this week") :]
    assert "Dora" in news
    assert "place 1, was 4" in news
    assert "Ada Lovelace" not in news


def test_the_number_of_students_seen_is_kept(page_school: PageSchool) -> None:
    with page_school.pages() as client:
        own = {"Origin": str(client.base_url).rstrip("/")}
        kept = client.post("/students-seen", data={"count": 5}, headers=own)
        refused = client.post("/students-seen", data={"count": 0}, headers=own)
        text = client.get("/").text

    assert (kept.status_code, refused.status_code) == (303, 422)
    assert 'value="5"' in text


@pytest.mark.parametrize(
    ("away", "unknown"), [("dropout", "Places"), ("staffstuddash", "Steps"), ("monitoring", None)]
)
def test_with_a_service_away_the_rest_is_there(
    page_school: PageSchool, away: str, unknown: str | None
) -> None:
    with page_school.pages(away=(away,)) as client:
        found = client.get("/")

    assert found.status_code == 200
    assert (": not known now" in found.text) == (unknown is not None)
    assert unknown is None or f"{unknown}: not known now" in found.text


def test_an_empty_installation_names_the_next_steps(open_database: OpenDatabase) -> None:
    with services(open_database) as apps, pages(apps) as client:
        found = client.get("/").text

    assert "First steps" in found
    for command in ("veritas demo", "veritas predict --all", "veritas people invite ID"):
        assert command in found


def test_late_data_are_asked_for_once_a_minute(page_school: PageSchool) -> None:
    with page_school.pages() as client, structlog.testing.capture_logs() as logs:
        first, second = (client.get("/").text for _ in range(2))

    assert first == second
    routes = [log["route"] for log in logs if log["event"] == "request"]
    assert routes.count("/api/v1/freshness") == 1
    assert routes.count("/api/v1/changes") == 2
