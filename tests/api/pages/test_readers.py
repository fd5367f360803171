"""Screens by reader: staff see their own classes, students are refused, and names are text."""

import re
from gzip import compress
from html import escape, unescape

from fastapi import FastAPI

from tests.support.page_schools import CLASS, HOSTILE, NAMES, OTHER_TEACHER, TEACHER, PageSchool
from tests.support.screens import (
    AIDE,
    OFFICE,
    OTHERS,
    OWN,
    SCREENS,
    STUDENT,
    STUDENT_READER,
    complete,
)
from veritas_web.main import create_app
from veritas_web.pages import STATIC
from veritas_web.settings import Settings

NO_SCREENS = re.compile(r"/(api|static|livez|metrics|readyz)\b|/sign-in(/provider|/callback)?$")
ABOUT_ONE = ("student", "form")
MARKUP = "<b onmouseover=alert(1)>Call</b>"


def pages_of(app: FastAPI) -> set[str]:
    """Return the paths of the app that answer with a screen."""
    contexts = [one for router in app.routes for one in router.effective_route_contexts()]  # type: ignore[attr-defined] # of FastAPI
    found = {str(one.path) for one in contexts if "GET" in (one.methods or ())}
    return {path for path in found if not NO_SCREENS.match(path)}


def test_every_address_of_a_screen_is_tested() -> None:
    screens = SCREENS | OFFICE | OWN | OTHERS
    addresses = [address.partition("?")[0] for address in screens.values()]
    patterns = {
        path: re.sub(r"\{[^}]+\}", "[^/]+", path) for path in pages_of(create_app(Settings()))
    }

    assert len(patterns) > 5
    assert [
        path
        for path, pattern in patterns.items()
        if not any(re.fullmatch(pattern, address) for address in addresses)
    ] == []


def test_a_teacher_reads_every_screen_of_their_class(page_school: PageSchool) -> None:
    complete(page_school)
    with page_school.pages(acting=TEACHER) as client:
        found = {name: client.get(address) for name, address in SCREENS.items()}

    assert {name for name, answer in found.items() if answer.status_code != 200} == set()
    assert "Dora" in found["class"].text
    assert "Dora" in found["student"].text


def test_screens_and_styles_are_small(page_school: PageSchool) -> None:
    with page_school.pages() as client:
        pages = [client.get(address).content for address in (SCREENS | OFFICE).values()]
    styles = b"".join(file.read_bytes() for file in STATIC.glob("*.css"))
    scripts = b"".join(file.read_bytes() for file in STATIC.glob("*.js"))

    assert max(len(compress(page)) for page in pages) < 30_000
    assert len(compress(styles)) < 10_000
    assert len(compress(scripts)) < 15_000


def test_another_teacher_reads_no_student(page_school: PageSchool) -> None:
    with page_school.pages(acting=OTHER_TEACHER) as client:
        found = {name: client.get(address) for name, address in SCREENS.items()}

    # A class without a student in sight is not found either.
    assert {answer.status_code for answer in found.values()} == {200, 404}
    assert {
        name
        for name, answer in found.items()
        if name.startswith(ABOUT_ONE) and not name.startswith("students")
        if answer.status_code != 404
    } == set()
    seen = {
        (name, known)
        for name, answer in found.items()
        for known in NAMES.values()
        if known in unescape(answer.text)
    }
    assert seen == set()


def test_a_student_is_refused(page_school: PageSchool) -> None:
    with page_school.pages(acting=STUDENT_READER) as client:
        found = {name: client.get(address) for name, address in (SCREENS | OFFICE).items()}

    today = found.pop("today")
    assert (today.status_code, today.headers["location"]) == (303, "/me")
    assert {name for name, answer in found.items() if answer.status_code != 403} == set()
    assert 'href="/me"' in found["class"].text
    others = [name for id_, name in NAMES.items() if id_ != STUDENT_READER]
    shown = unescape("".join(answer.text for answer in found.values()))
    assert [name for name in others if name in shown] == []


def test_a_teacher_is_refused_the_pages_of_the_office(page_school: PageSchool) -> None:
    with page_school.pages(acting=TEACHER) as client:
        found = {name: client.get(address).status_code for name, address in OFFICE.items()}
        listed = client.get("/more").text

    assert {name for name, status in found.items() if status != 403} == set()
    assert 'href="/students"' in listed
    assert [address for address in OFFICE.values() if f'href="{address}"' in listed] == []


def test_names_and_advice_are_text_in_their_own_direction(page_school: PageSchool) -> None:
    complete(page_school)
    page_school.dropout.predictions.add(
        None, "s003", "SILENT", 0.5, course=CLASS, recommendations=[MARKUP]
    )
    with page_school.pages() as client:
        addresses = [
            *(SCREENS | OFFICE).values(),
            f"/students/s003?course={CLASS}",
            "/students/s002",
        ]
        found = {address: client.get(address).text for address in addresses}

    hostile = (HOSTILE, MARKUP, AIDE)
    assert [place for place, html in found.items() if any(map(html.__contains__, hostile))] == []
    assert escape(AIDE) in found["/people"]
    assert "&lt;b onmouseover=alert(1)&gt;Call" in found[f"/students/s003?course={CLASS}"]
    # A mark of direction in a name must not turn the text after it.
    assert [
        address
        for address, html in found.items()
        for place in re.finditer("\u202e", html)
        if not re.search(r"<(bdi|title|option)[^<]*$", html[: place.start()])
        and not re.search(r'="[^"]*$', html[: place.start()])
    ] == []


def test_a_student_of_another_class_is_not_found(page_school: PageSchool) -> None:
    with page_school.pages(acting=OTHER_TEACHER) as client:
        own = {"Origin": str(client.base_url).rstrip("/")}
        form = {"name": "form-1", "kind": "talked", "text": "hello"}
        answer = client.post(f"{STUDENT}/write-down", data=form, headers=own)
    with page_school.pages() as client:
        after = client.get(STUDENT).text

    assert answer.status_code == 404
    assert "hello" not in after
