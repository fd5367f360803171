"""Page of freshness: late data first, unknown ones grey, and banners on the pages concerned."""

import re
from html import unescape

from tests.support.page_schools import CLASS, OTHER_TEACHER, TEACHER, PageSchool
from tests.support.screens import STUDENT, complete
from tests.support.visible import words
from veritas_web.domain.trust.freshness import refused_imports, rows_of, spooled_of


def test_late_rows_come_first_and_unknown_ones_before_those_in_time() -> None:
    def item(kind: str, *, is_stale: bool | None) -> dict[str, object]:
        return {
            "course": "5a",
            "kind": kind,
            "last_received_at": None,
            "last_occurred_at": "2026-01-01T00:00:00Z",
            "is_stale": is_stale,
        }

    items = [
        item("marks", is_stale=False),
        item("events", is_stale=None),
        item("predictions", is_stale=True),
    ]

    assert [row.kind for row in rows_of(items)] == ["predictions", "events", "marks"]
    assert [row.is_judgement for row in rows_of(items)] == [True, False, False]


def test_rows_of_a_service_that_is_away_are_not_known() -> None:
    waiting, away = spooled_of({"staffstuddash": {"waiting": 0, "refused": 2}, "dropout": None})

    assert (waiting.waiting, waiting.refused) == (0, 2)
    assert (away.waiting, away.refused) == (None, None)


def test_imports_that_stored_nothing_are_listed() -> None:
    jobs = [
        {"id": "fine", "refused": 0, "state": "done"},
        {"id": "some", "refused": 3, "state": "done"},
        {"id": "file", "refused": 0, "state": "refused"},
    ]

    assert [job["id"] for job in refused_imports(jobs)] == ["some", "file"]


def test_late_events_are_on_the_page_and_on_those_of_their_class(page_school: PageSchool) -> None:
    complete(page_school)
    with page_school.pages(acting=TEACHER) as client:
        freshness = client.get("/freshness").text
        addresses = (f"/classes/{CLASS}", f"{STUDENT}?course={CLASS}", "/")
        concerned = [client.get(address).text for address in addresses]
    with page_school.pages(acting=OTHER_TEACHER) as client:
        foreign = client.get("/freshness").text

    rows = re.findall(r"<tr><th scope=\"row\"><a.*?</tr>", unescape(freshness), re.DOTALL)
    assert "Learning events" in rows[0]
    assert "late" in words(rows[0])
    assert "Imports with refused rows" not in freshness
    assert [page for page in (freshness, *concerned) if "Data that are late" not in page] == []
    assert "Data that are late" not in foreign
    assert 'class="ok' not in freshness


def test_the_office_sees_refused_imports(page_school: PageSchool) -> None:
    with page_school.pages() as client:
        text = words(client.get("/freshness").text)

    assert "2 refused rows of 2" in text
    assert "Learning events and places 0 0" in text
