"""Headers of the pages, static files, and addresses without a page."""

import re

import pytest
from starlette.testclient import TestClient

from tests.support.databases import OpenDatabase
from tests.support.pages import pages, services
from veritas_web.languages import LANGUAGES


def styles_of(client: TestClient) -> str:
    found = re.search(r'href="(/static/[^"]+\.css)"', client.get("/").text)
    assert found
    return found[1]


def test_pages_load_only_own_files_and_are_not_stored(open_database: OpenDatabase) -> None:
    with services(open_database) as apps, pages(apps) as client:
        found = client.get("/")
        head = client.head("/")

    assert (found.status_code, head.status_code, head.text) == (200, 200, "")
    assert "default-src 'none'" in found.headers["Content-Security-Policy"]
    assert found.headers["Cache-Control"] == "no-store"
    assert "style=" not in found.text
    assert "<script>" not in found.text


def test_static_files_are_kept_under_the_address_of_their_content() -> None:
    with pages({}, away=("monitoring", "staffstuddash", "dropout")) as client:
        address = styles_of(client)
        found = client.get(address)
        stale = client.get(address.replace("/static/", "/static/0"))

    assert (found.status_code, stale.status_code) == (200, 404)
    assert "immutable" in found.headers["Cache-Control"]
    assert found.headers["Content-Type"].startswith("text/css")


def test_unknown_address_is_a_page_with_a_way_back() -> None:
    with pages({}, away=("monitoring", "staffstuddash", "dropout")) as client:
        found = client.get("/nowhere")

    assert found.status_code == 404
    assert '<a href="/">' in found.text


@pytest.mark.parametrize(
    "path", ["/", "/sign-in", "/nowhere", "/readyz", "/api/dropout/api/v1/courses", "/api/x"]
)
def test_every_answer_has_the_headers(path: str) -> None:
    with pages({}, away=("monitoring", "staffstuddash", "dropout")) as client:
        found = client.get(path)

    assert found.headers.get_list("X-Content-Type-Options") == ["nosniff"]
    assert found.headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert found.headers["Referrer-Policy"] == "same-origin"
    assert "frame-ancestors 'none'" in found.headers["Content-Security-Policy"]
    assert found.headers["Cache-Control"] == "no-store"
    assert len(found.headers["X-Request-ID"]) > 10


def test_the_language_is_that_of_the_browser_until_one_is_chosen() -> None:
    with pages({}, away=("monitoring", "staffstuddash", "dropout")) as client:
        accepting = {"Accept-Language": "de-AT,de;q=0.9,en;q=0.1"}
        accepted = client.get("/", headers=accepting).text
        assert '<html lang="de" dir="ltr">' in accepted
        arabic = client.get("/", headers={"Accept-Language": "ar-EG"}).text
        assert '<html lang="ar" dir="rtl">' in arabic
        assert re.findall(r'name="language" value="(\w+)"', accepted) == list(LANGUAGES)
        chosen = {"language": "en", "place": "/classes"}
        own = {"Origin": "http://127.0.0.1"}
        answer = client.post("/language", data=chosen, headers=own)
        assert (answer.status_code, answer.headers["location"]) == (303, "/classes")
        assert '<html lang="en"' in client.get("/", headers=accepting).text
        away = {"language": "xx", "place": "//evil.example"}
        assert client.post("/language", data=away, headers=own).headers["location"] == "/"
