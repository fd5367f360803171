"""Page of quality: sentences with their base, charts with tables, and the own school's feedback."""

import pytest

from tests.support.databases import OpenDatabase
from tests.support.evaluated_models import store_model
from tests.support.page_schools import TEACHER, PageSchool
from tests.support.pages import pages, services
from tests.support.visible import words


@pytest.fixture(scope="module")
def version(page_school: PageSchool) -> str:
    """Store a model in use; return its version."""
    return store_model(page_school.dropout)


def test_a_model_is_described_by_sentences_first(page_school: PageSchool, version: str) -> None:
    with page_school.pages() as client:
        html = client.get("/quality").text
        other = client.get("/quality?day=14").text
    text = words(html)

    assert "learned from 1,000 enrolments in 2 courses" in text
    assert (
        "At the end of day 28 of a course: of the tenth of students with the most signs, about "
        "3 in 10 left; of all students about 1 in 25." in text
    )
    assert "At the end of day 14 of a course" in words(other)
    assert "Of the first 5 of each course, 4 of 10 left." in text
    assert "M 45% 60 F 25% 40" in text
    assert "Order of the students: better" in text
    assert "Chances: not known" in text
    assert "13 were expected to leave until the end, 3 are known to have left" in text
    assert "differs much: train again" in text
    assert "nor the rules look at gender" in text
    assert version in text
    assert "<b>math</b>" not in html
    assert html.index("3 in 10") < html.index('<svg class="line')


def test_few_students_give_no_numbers_of_decisions(page_school: PageSchool, version: str) -> None:
    [prediction] = page_school.dropout.predictions.search_student("s004", limit=1)
    page_school.dropout.feedback.add(prediction.id, "not_applicable", signs=["missed_work"])
    with page_school.pages(acting=TEACHER) as client:
        seen = words(client.get("/quality").text)
    with page_school.pages(acting="p-other") as client:
        unseen = words(client.get("/quality").text)

    assert version in seen
    assert "Work not handed in 0 1 0" in seen
    assert "Not known to you: numbers of fewer than five students are not shown." in unseen


def test_without_a_model_the_rules_are_named_and_the_next_step(
    open_database: OpenDatabase,
) -> None:
    with services(open_database) as apps, pages(apps) as client:
        text = words(client.get("/quality").text)

    assert "Places are made by fixed rules" in text
    assert "veritas train" in text
    assert "Nobody has confirmed or rejected reasons yet." in text
    assert "In the week" not in text
