"""Page of the systems: blocks, incidents handled by forms, and readers without the permission."""

import re
from html import unescape

import pytest

from monitoring_service.database import MonitoringDatabase
from tests.support.incidents import add_incidents
from tests.support.page_schools import HOSTILE, TEACHER, PageSchool
from tests.support.visible import words
from veritas_web.domain.system.words import STATUSES

OWN = {"Origin": "http://127.0.0.1"}
INCIDENT = "/system/incidents/i-1"


@pytest.fixture
def monitoring(page_school: PageSchool) -> MonitoringDatabase:
    """Give monitoring with an open incident and one that is over."""
    manager = MonitoringDatabase(page_school.datastore.database)
    add_incidents(manager)
    return manager


def test_the_page_has_all_blocks(page_school: PageSchool, monitoring: MonitoringDatabase) -> None:
    assert monitoring.incidents.get("i-1").notes
    with page_school.pages() as client:
        html = client.get("/system").text
        over = words(client.get("/system?over=true").text)
    text = words(html)

    assert "Students, marks and notes: works" in text
    assert "several bad events in a short row" in text
    assert re.search(r"All systems together: (disturbed|badly disturbed)", text)
    assert "Of the last 30 days" in text
    assert "Of 29 days nothing is known." in text
    assert unescape(html).count(HOSTILE) > 3
    assert HOSTILE not in html
    # Each day has its shape: 29 rings and a bar, of all systems and of the one.
    assert html.count('<circle class="unknown"') == 2 * 29
    assert "declared to be over" not in text
    assert "of a later release" in over
    assert "It is over" not in over


def test_an_incident_is_handled_by_forms(
    page_school: PageSchool, monitoring: MonitoringDatabase
) -> None:
    with page_school.pages() as client:
        name = re.findall(r'name="name" value="([^"]+)"', client.get(INCIDENT).text)[0]
        taken = client.post(f"{INCIDENT}/acknowledge", data={"place": INCIDENT}, headers=OWN)
        noted = [
            client.post(
                f"{INCIDENT}/notes", data={"name": name, "text": " disk full "}, headers=OWN
            )
            for _ in range(2)
        ]
        empty = client.post(f"{INCIDENT}/notes", data={"name": name, "text": " "}, headers=OWN)
        shown = words(client.get(INCIDENT).text)
        ended = client.post(f"{INCIDENT}/resolve", data={"place": "//evil.example"}, headers=OWN)
        late = client.post("/system/incidents/i-2/acknowledge", headers=OWN)
        absent = client.post("/system/incidents/nothing/resolve", headers=OWN)
        after = words(client.get(INCIDENT).text)

    places = [(one.status_code, one.headers["location"]) for one in (taken, *noted, ended, late)]
    assert places == [(303, INCIDENT)] * 3 + [(303, "/"), (303, "/system")]
    assert (empty.status_code, absent.status_code) == (422, 404)
    assert "Write a note of one to 5,000 characters." in words(empty.text)
    assert "Taken care of by: development" in shown
    assert [note.text for note in monitoring.incidents.get("i-1").notes][1:] == ["disk full"]
    assert "declared to be over: development" in after
    assert "Take care of it" not in after


def test_the_pages_need_their_permissions(
    page_school: PageSchool, monitoring: MonitoringDatabase
) -> None:
    with page_school.pages(acting=TEACHER) as client:
        pages = [client.get(path).status_code for path in ("/system", INCIDENT)]
        changed = client.post(f"{INCIDENT}/resolve", headers=OWN).status_code
        further = client.get("/more").text

    assert (pages, changed) == ([403, 403], 403)
    assert "/system" not in further
    assert monitoring.incidents.get("i-1").incident.resolved_at is None


def test_a_service_that_is_away_leaves_the_other_blocks(
    page_school: PageSchool, monitoring: MonitoringDatabase
) -> None:
    assert monitoring.incidents.get("i-1").notes
    with page_school.pages(away=("monitoring",)) as client:
        answer = client.get("/system")
    text = words(answer.text)

    assert answer.status_code == 200
    assert "Places and reasons: works" in text
    for block in ("Incidents", "Background work", "State of the systems", "The last 30 days"):
        assert f"{block}: not known now" in text
    # Unknown is never called well.
    assert not re.search(rf"\b({'|'.join(STATUSES.values())})\.", text)


def test_routes_with_enough_requests_are_listed(page_school: PageSchool) -> None:
    path = "/api/v1/monitoring/sources"
    with page_school.pages() as client:
        for _ in range(20):
            assert client.get(f"/api/monitoring{path}").status_code == 200
        after = words(client.get("/system").text)

    assert re.search(rf"GET {path} \d\d 0 ?% [\d,]+ ms", after)
