"""Outcomes after talks, and lists in drawn order, on the pages."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from html import unescape
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient

from dropout_service.domain.drawn_order import Lottery
from dropout_service.models import Course
from shared_db.clock import utc_now
from staffstuddash_service.datastore import StudentToStore
from tests.support.page_schools import CLASS, TEACHER, PageSchool

COURSE, COUNT = "bio", 44
STUDENTS = [f"e{number:02}" for number in range(1, COUNT + 1)]
# Two runs with four weeks after them, those of these weeks, and the present one.
DAYS = (60, 53, 32, 25, 0)
NO_PROOF = "This is no proof of a cause"


def words(page: str) -> str:
    return " ".join(unescape(page).split())


@pytest.fixture(scope="module")
def school(page_school: PageSchool) -> PageSchool:
    """Give the school with a large course: every second student was talked to."""
    now = utc_now()
    lottery = Lottery(20, "pepper")
    app: Any = page_school.apps["dropout"]
    app.state.manager.draws.lottery = page_school.dropout.draws.lottery = lottery
    with page_school.dropout.database.unit_of_work() as session:
        about = {"module": COURSE, "presentation": "1", "length_days": 3000, "digest": b"0"}
        session.add(Course(id=COURSE, starts_on=date(2025, 9, 1), **about))
    page_school.datastore.students.add_many([StudentToStore(id_, id=id_) for id_ in STUDENTS])
    for ago in DAYS:
        as_of = now - timedelta(days=ago, hours=1)
        for place, id_ in enumerate(STUDENTS, start=1):
            # Contacted students move by two places; one of them leaves.
            moved = 2 if ago < 50 and place % 2 else 0
            if ago < 50 and place == 1:
                continue
            made = page_school.dropout.predictions.add(
                None, id_, "SILENT", 0.9 - place / 100, as_of=as_of, course=COURSE
            )
            with page_school.dropout.database.unit_of_work() as session:
                rank = {"id": made.id, "rank": min(place + moved, COUNT)}
                session.execute(
                    text(
                        "UPDATE dropout.dropout_predictions SET course_rank = :rank,"
                        " course_ranked = 44 WHERE id = :id"
                    ),
                    rank,
                )
        page_school.dropout.draws.draw(as_of)
    for id_ in STUDENTS[::2]:
        at = now - timedelta(days=60)
        page_school.datastore.actions.add(id_, TEACHER, "talk.with-student", timestamp=at)
    return page_school


@pytest.fixture(scope="module")
def client(school: PageSchool) -> Iterator[TestClient]:
    with school.pages(seen=10) as client:
        yield client


def test_the_groups_are_told_with_their_intervals(client: TestClient) -> None:
    found = client.get(f"/effects?course={COURSE}").text
    told = words(found)

    assert (
        "Of 22 students who were talked to, 21 were still active in the course four weeks later;"
        " of 22 similar ones who were not, 22." in told
    )
    assert "In 100 students that is a difference of -5; the numbers fit anything from -" in told
    assert "So it is not known if there is a difference at all." in told
    assert "moved by +2 more" in told
    assert NO_PROOF in told
    assert found.count('class="interval"') == 2
    assert "95 (78 to 99)" in told


def test_lots_are_told_with_both_sides(client: TestClient) -> None:
    told = words(client.get("/effects").text)

    assert "On lists 20 students were drawn, beside them 20." in told
    assert "in 100 on lists" in told
    assert "This is about being on a list for a week" in told
    # With the other courses; nobody was talked to in them for so long.
    assert "Of 22 students who were talked to" in told


def test_a_drawn_list_names_bands_and_says_so(client: TestClient) -> None:
    paths = (f"/classes/{COURSE}", f"/classes/{COURSE}/all", "/")
    listed, everybody, today = (words(client.get(path).text) for path in paths)

    for page in (listed, everybody):
        assert "Within each 20 places need is about equal, so lots decided the order" in page
        assert "1 to 20" in page
    assert "Within each 20 places" in today
    order, shown = (re.findall(r"<bdi>(e\d\d)</bdi>", page) for page in (everybody, listed))
    assert len(order) == COUNT
    assert order != sorted(order)
    assert set(shown) <= set(order[:20])
    assert "/effects?course=bio" in listed
    assert "What followed talks" in listed


def test_with_few_students_there_are_no_figures(school: PageSchool) -> None:
    with school.pages(acting=TEACHER) as client:
        found = words(client.get(f"/effects?course={CLASS}").text)
    with school.pages(away=("staffstuddash",)) as client:
        away = client.get("/effects")
    with school.pages(acting="s001") as client:
        refused = client.get("/effects").status_code

    assert "Too few: 0 pairs of students. Figures are shown from 20 pairs on." in found
    assert NO_PROOF in found
    assert "No lots have decided yet" in found
    assert (away.status_code, refused) == (200, 403)
    assert "What followed talks: not known now" in words(away.text)
