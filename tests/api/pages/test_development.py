"""The pages of a developer without keys: everything, or the sight of another person."""

from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient
from starlette.types import ASGIApp

from shared_db.errors import ConfigurationError
from shared_db.settings import Environment
from tests.api.pages.conftest import OWN, SECRET, OpenPages
from tests.support.databases import OpenDatabase
from tests.support.pages import pages, services
from veritas_web.main import create_app
from veritas_web.settings import Settings, require_usable

ME = "/api/staffstuddash/api/v1/me"
ALL_AWAY = ("monitoring", "staffstuddash", "dropout")


@pytest.fixture
def developer(apps: dict[str, ASGIApp]) -> Iterator[TestClient]:
    """Give the pages on services without keys."""
    with pages(apps) as client:
        yield client


def test_a_developer_sees_everything_and_is_told(open_database: OpenDatabase) -> None:
    with services(open_database) as apps, pages(apps) as client:
        found = client.get("/")
        me = client.get(ME).json()

    assert "you see every student" in found.text
    assert me["kind"] == "developer"


def test_a_developer_looks_as_somebody_else(developer: TestClient) -> None:
    offered = developer.get("/act-as").text
    assert 'value="p-teacher"' in offered
    assert "<bdi>Ada Lovelace</bdi> (student)" in offered

    for person, name in (("p-teacher", "Grace teacher"), ("s001", "Ada Lovelace")):
        assert developer.post("/act-as", data={"person": person}, headers=OWN).status_code == 303
        page = developer.get("/", follow_redirects=True).text
        assert f"you see the pages as <bdi>{name}</bdi>" in page
        assert developer.get(ME).json()["id"] == person
    developer.post("/act-as", headers=OWN)
    assert developer.get(ME).json()["kind"] == "developer"


def test_somebody_unknown_is_refused_with_a_way_back(developer: TestClient) -> None:
    developer.post("/act-as", data={"person": "nobody"}, headers=OWN)

    assert developer.get("/").status_code == 403
    assert developer.get("/act-as").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [{"Host": "evil.example"}, {"X-Forwarded-For": "10.0.0.1"}, {"Forwarded": "for=10.0.0.1"}],
)
def test_only_this_machine_sees_them(developer: TestClient, headers: dict[str, str]) -> None:
    for path in ("/", "/act-as", ME):
        assert developer.get(path, headers=headers).status_code == 403


def test_with_a_key_nobody_acts(open_pages: OpenPages) -> None:
    client = open_pages()

    assert client.get("/act-as").status_code == 404
    assert client.post("/act-as", data={"person": "s001"}, headers=OWN).status_code == 404


def test_services_that_require_a_key_say_how_to_make_one(
    apps: dict[str, ASGIApp], key: str
) -> None:
    assert key
    with pages(apps) as client:
        answer = client.get("/")
        ready = client.get("/readyz")

    assert answer.status_code == 503
    assert "veritas keys add web --permission act_as" in answer.text.replace("&#39;", "'")
    assert (ready.status_code, ready.json()["status"]) == (200, "fail")


def test_pages_come_while_all_services_are_away() -> None:
    with pages({}, away=ALL_AWAY) as client:
        found = client.get("/")
        ready = client.get("/readyz").json()

    assert found.status_code == 200
    assert ready == {"status": "pass", "staffstuddash": "away"}


@pytest.mark.parametrize("absent", ["WEB_KEY", "WEB_SECRET", "WEB_URL"])
def test_production_needs_key_secret_and_address(absent: str) -> None:
    values: dict[str, Any] = {
        "web_key": "key",
        "web_secret": SECRET,
        "web_url": "https://veritas.school.example",
    }
    require_usable(Settings(environment=Environment.PRODUCTION, **values))
    del values[absent.lower()]

    with pytest.raises(ConfigurationError, match=absent):
        create_app(Settings(environment=Environment.PRODUCTION, **values)).state.prepare()


def test_an_empty_key_is_none() -> None:
    assert Settings.load(environment=Environment.DEVELOPMENT, web_key="").is_open


def test_several_processes_need_a_secret() -> None:
    with pytest.raises(ConfigurationError, match="WEB_SECRET"):
        require_usable(Settings(environment=Environment.DEVELOPMENT, workers=2))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"web_url": "http://school.example"}, "WEB_URL"),
        ({"web_url": "https://school.example/veritas"}, "WEB_URL"),
        ({"web_secret": "short"}, "WEB_SECRET"),
        ({"web_oidc_issuer": "http://school.example"}, "WEB_OIDC_ISSUER"),
        ({"web_oidc_issuer": "https://login.school.example"}, "WEB_OIDC_CLIENT_ID"),
        ({"school_timezone": "Berlin"}, "SCHOOL_TIMEZONE"),
    ],
)
def test_a_wrong_setting_is_named(values: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        Settings.load(**values)
