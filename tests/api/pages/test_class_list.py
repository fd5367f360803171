"""Class list: students by the change of their place, with names, reasons and activity."""

from html import unescape

import pytest

from tests.support.page_schools import HOSTILE, OTHER_TEACHER, TEACHER, PageSchool

CLASS = "/classes/5a"


def words(page: str) -> str:
    return " ".join(unescape(page).split())


def test_students_stand_under_the_change_of_their_place(page_school: PageSchool) -> None:
    with page_school.pages() as client:
        text = words(client.get(CLASS).text)

    new, still, improved = (
        text.index(f"<caption>{caption}")
        for caption in ("New near the top this week", "Still near the top", "Improved")
    )
    assert new < text.index("Dora") < still < text.index("Ada Lovelace") < improved
    assert improved < text.index("Bob")
    assert "1, was 4" in text
    assert "5 of 5 pieces of work that were due were missed (course: 1)." in text
    assert "Active on 1 day in the last week shown" in text
    assert "Talk with the student" in text


def test_a_shared_reason_leads_to_one_message_for_all(page_school: PageSchool) -> None:
    with page_school.pages() as client:
        assert f'{CLASS}?reason=missed_work"' in client.get(CLASS).text
        text = words(client.get(CLASS, params={"reason": "missed_work"}).text)
        other = words(client.get(CLASS, params={"reason": "marks"}).text)

    assert "Nothing is sent from here" in text
    assert "Dora" in text
    assert "Dora" not in other


def test_names_are_text_and_are_found(page_school: PageSchool) -> None:
    with page_school.pages() as client:
        found = client.get(CLASS, params={"q": "SCRIPT"}).text
        nobody = words(client.get(CLASS, params={"q": "nobody"}).text)
        everybody = client.get(f"{CLASS}/all").text

    assert HOSTILE not in found + everybody
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in found
    assert "Dora" not in found
    assert "Nobody of that name is in this class." in nobody
    assert everybody.count('<th scope="row">') == 5


@pytest.mark.parametrize(
    ("away", "unknown", "known"),
    [
        ("dropout", "Places and reasons", "Dora"),
        ("staffstuddash", "Names, marks and actions", "pieces of work that were due were missed"),
    ],
)
def test_with_a_service_away_the_rest_is_there(
    page_school: PageSchool, away: str, unknown: str, known: str
) -> None:
    with page_school.pages(away=(away,)) as client:
        found = client.get(CLASS)

    assert found.status_code == 200
    assert f"{unknown}: not known now" in found.text
    assert known in words(found.text)


def test_a_teacher_sees_their_class_alone(page_school: PageSchool) -> None:
    with page_school.pages(acting=TEACHER) as client:
        assert "Dora" in client.get(CLASS).text
    with page_school.pages(acting=OTHER_TEACHER) as client:
        assert "Dora" not in client.get(CLASS).text
    with page_school.pages(acting="s001") as client:
        assert client.get(CLASS).status_code == 403


def test_classes_are_listed(page_school: PageSchool) -> None:
    with page_school.pages() as client:
        found = client.get("/classes").text
        unknown = client.get("/classes/x")

    assert '<a href="/classes/5a">' in found
    assert unknown.status_code == 404


def test_a_class_has_its_title(page_school: PageSchool) -> None:
    with page_school.pages(acting=TEACHER) as client:
        assert "<h1><bdi>Class 5a</bdi></h1>" in client.get(CLASS).text
        assert "<bdi>Class 5a</bdi></a>" in client.get("/classes").text
