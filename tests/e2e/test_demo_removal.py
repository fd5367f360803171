"""Made-up school of `veritas demo`: its roster, a second run, and its removal."""

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import httpx
import pytest
from sqlalchemy import create_engine
from typer.testing import CliRunner, Result

from shared_db.clock import utc_now
from shared_db.connection.database import Database
from shared_db.connection.engine import normalised_url
from tests.support.live_services import live_services
from veritas_cli.http_client import ClientSettings
from veritas_cli.main import app

LISTS = ("students", "organisations", "terms", "courses", "classes", "people")


@pytest.fixture
def urls(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Yield the options with the URLs of the services on an empty store."""
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.setitem(ClientSettings.model_config, "env_file", None)
    for name in ClientSettings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    # A run takes seconds, so each test has one of the stores.
    with ExitStack() as stack:
        if request.param == "memory":
            running = live_services(Database.in_memory)
        else:
            # Kept connections: the commands send hundreds of requests.
            engine = create_engine(normalised_url(request.getfixturevalue("private_url")))
            stack.callback(engine.dispose)
            running = live_services(lambda _metadata: Database.for_bind(engine))
        by_option = stack.enter_context(running)
        yield [part for option in by_option.items() for part in option]


def run(urls: list[str], *arguments: str) -> Result:
    return CliRunner().invoke(app, ["demo", *arguments, *urls])


def listed(urls: list[str], path: str) -> list[dict[str, Any]]:
    url = urls[urls.index("--staffstuddash-url") + 1]
    items: list[dict[str, Any]] = httpx.get(f"{url}/api/v1/{path}", params={"limit": 1000}).json()[
        "items"
    ]
    return items


def put(urls: list[str], path: str, body: dict[str, Any]) -> None:
    url = urls[urls.index("--staffstuddash-url") + 1]
    httpx.put(f"{url}/api/v1/{path}", json=body).raise_for_status()


@pytest.mark.parametrize("urls", ["postgres"], indirect=True)
def test_the_school_comes_with_its_roster_and_is_removed(urls: list[str]) -> None:
    first = run(urls)
    assert (first.exit_code, first.stderr) == (0, "")
    assert "23 stored, 0 already there, 1 not assessable" in first.stdout
    highest = first.stdout.split("highest risks as of")[1]
    assert highest.index("gone since the fourth week") < highest.index("fading away")
    assert "12 stored, 0 already there" in first.stdout
    of_class = first.stdout.split("The class demo-")[1]
    assert "mathematics-a: 12 students by their risk in it" in of_class
    assert "1 of 12" in of_class
    assert len(listed(urls, "dashboard/teacher")) == 24
    prefix = f"demo-{utc_now():%Y-%m-%d}"
    assert f"Veritas-On-Behalf-Of: {prefix}-advisor" in first.stdout
    stored = {name: listed(urls, name) for name in LISTS}
    assert {name: len(rows) for name, rows in stored.items()} == {
        "students": 24,
        "organisations": 1,
        "terms": 1,
        "courses": 4,
        "classes": 8,
        "people": 5,
    }
    relations = [
        f"classes/{prefix}-physics-a/students",
        f"classes/{prefix}-physics-a/staff",
        f"people/{prefix}-advisor/students",
    ]
    before = [listed(urls, path) for path in relations]
    assert [len(rows) for rows in before] == [12, 1, 12]

    again = run(urls)
    assert "0 stored, 116 already there" in again.stdout
    assert "none, as nothing was new" in again.stdout
    assert {name: listed(urls, name) for name in LISTS} == stored
    assert [listed(urls, path) for path in relations] == before

    removed = run(urls, "--remove")
    assert (removed.exit_code, removed.stderr) == (0, "")
    assert "24 students erased, 19 rows of the roster ended" in removed.stdout
    assert {name: listed(urls, name) for name in LISTS} == {name: [] for name in LISTS}

    refused = run(urls, "--remove")
    assert refused.exit_code == 1
    assert refused.stderr == "veritas demo: Nothing of the made-up school is stored.\n"


@pytest.mark.parametrize("urls", ["memory"], indirect=True)
def test_rows_of_others_stay_and_the_school_can_come_again(urls: list[str]) -> None:
    put(urls, "organisations/demo-school", {"name": "Made-up School"})
    put(urls, "people/demo-2026-01-01-advisor", {"name": "Real Advisor"})
    url = urls[urls.index("--staffstuddash-url") + 1]
    real = {"id": "demo-2026-01-01-01", "name": "Real Student", "email": "real@school.example"}
    httpx.post(f"{url}/api/v1/students", json=real).raise_for_status()

    assert "Nothing of the made-up school is stored" in run(urls, "--remove").stderr
    prefix = f"demo-{utc_now():%Y-%m-%d}"
    ada = {"id": f"{prefix}-01", "name": "Ada Apricot"}
    httpx.post(f"{url}/api/v1/students", json=ada).raise_for_status()
    httpx.delete(f"{url}/api/v1/students/{prefix}-01").raise_for_status()
    second = run(urls)
    assert (second.exit_code, second.stderr) == (0, "")
    assert f"{prefix}-run-2-01" in {row["id"] for row in listed(urls, "students")}
    removed = run(urls, "--remove")

    assert "24 students erased, 19 rows" in removed.stdout
    assert [row["id"] for row in listed(urls, "students")] == [real["id"]]
    assert [row["id"] for row in listed(urls, "organisations")] == ["demo-school"]
    assert [row["id"] for row in listed(urls, "people")] == ["demo-2026-01-01-advisor"]


@pytest.mark.parametrize("urls", ["memory"], indirect=True)
def test_the_removal_takes_no_course(urls: list[str]) -> None:
    refused = run(urls, "--remove", "--course", "AAA/2013J")

    assert refused.exit_code == 1
    assert "the made-up school only" in refused.stderr
