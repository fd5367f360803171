"""Page of the school: new students by course, material, activity by week, pairs and actions."""

from html import unescape

import pytest

from tests.support.page_schools import NAMES, OTHER_TEACHER, TEACHER, PageSchool
from tests.support.school_weeks import LEARNER, fill_weeks
from tests.support.screens import complete
from tests.support.visible import words


@pytest.fixture(scope="module")
def school(page_school: PageSchool) -> PageSchool:
    """Give the school with all that its page shows."""
    complete(page_school)
    fill_weeks(page_school)
    return page_school


def text_of(school: PageSchool, acting: str | None = TEACHER) -> str:
    with school.pages(acting=acting) as client:
        return " ".join(words(client.get("/school").text).split())


def test_the_school_is_shown_in_the_sight_of_the_reader(school: PageSchool) -> None:
    text = text_of(school)

    hint = text.index("In Art the marks of 5 of 5 students fell")
    assert hint < text.index("Class 5a 1 of 2 5")
    # All five were active in each earlier week, one of them in the last one.
    assert "the students of 1 of 1 course were less active than usual" in text
    assert "20% ▼▼" in text
    assert "Class 5a 5 100%" in text
    assert f"Ada Lovelace can explain sets ( Math ) to {NAMES[LEARNER]}" in text
    assert "This week: actions done 1, steps still planned" in text
    assert "97" not in text[text.index("Students who can help") : text.index("Actions per week")]


def test_a_reader_of_few_students_gets_no_figures(school: PageSchool) -> None:
    text = text_of(school, OTHER_TEACHER)

    assert text.count("You see fewer than 5 students") == 3
    assert [name for name in NAMES.values() if name in unescape(text)] == []


@pytest.mark.parametrize(
    ("away", "unknown"),
    [("dropout", {"Courses", "Activity"}), ("staffstuddash", {"Hints at material", "Actions"})],
)
def test_blocks_of_a_service_that_is_away_are_not_known(
    school: PageSchool, away: str, unknown: set[str]
) -> None:
    with school.pages(away=(away,)) as client:
        answer = client.get("/school")

    assert answer.status_code == 200
    assert [one for one in unknown if f"{one}: not known now" not in answer.text] == []
