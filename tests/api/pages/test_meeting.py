"""Agenda of the meeting: reasons by class, steps with person and day, and nothing of places."""

import re

from tests.support.page_schools import CLASS, NAMES, OTHER_TEACHER, TEACHER, PageSchool
from tests.support.screens import complete
from tests.support.visible import words


def test_an_agenda_has_students_reasons_and_steps(page_school: PageSchool) -> None:
    complete(page_school)
    with page_school.pages(acting=TEACHER) as client:
        usual = client.get("/meeting")
        chosen = client.get("/meeting", params={"class": [CLASS, "none"]})
        foreign = client.get("/meeting", params={"class": ["none"]})
        too_many = client.get("/meeting", params={"class": [str(number) for number in range(26)]})
    text = words(usual.text)

    new = text[text.index("New near the top this week") :]
    # Dora came from place 4 to place 1.
    assert "Dora 5 of 5 pieces of work that were due were missed" in new
    assert new.index("Improved") < new.index(NAMES["s002"])
    assert re.search("Ada Lovelace call.home . ask for <b>Monday<.b> p-teacher was due on", text)
    assert not re.search(r"\bplace\b", text, re.IGNORECASE)
    assert f'value="{CLASS}" checked' in usual.text
    assert "Dora" in chosen.text
    assert "Dora" not in words(foreign.text)
    assert too_many.status_code == 422


def test_an_agenda_is_of_the_students_in_sight(page_school: PageSchool) -> None:
    with page_school.pages(acting=OTHER_TEACHER) as client:
        answer = client.get("/meeting", params={"class": CLASS})

    assert answer.status_code == 200
    assert [name for name in NAMES.values() if name in answer.text] == []
    assert "You see fewer than 5 students" in answer.text
    assert "not known now" not in answer.text
