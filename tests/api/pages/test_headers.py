"""Headers of the pages, static files, and addresses without a page."""

import re

from starlette.testclient import TestClient

from tests.support.databases import OpenDatabase
from tests.support.pages import pages, services


def styles_of(client: TestClient) -> str:
    found = re.search(r'href="(/static/[^"]+\.css)"', client.get("/").text)
    assert found
    return found[1]


def test_pages_load_only_own_files_and_are_not_stored(open_database: OpenDatabase) -> None:
    with services(open_database) as apps, pages(apps) as client:
        found = client.get("/")

    assert found.status_code == 200
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
