"""`veritas owner`."""

import pytest
from sqlalchemy import make_url, text
from typer.testing import CliRunner

from tests.support.databases import engine_on
from tests.support.server import new_name
from veritas_cli.main import app


def test_the_login_of_the_admin_url_becomes_the_owner(
    monkeypatch: pytest.MonkeyPatch, empty_url: str
) -> None:
    name = new_name()
    url = make_url(empty_url).set(username=name, password="s3cret")  # noqa: S106 - an example
    owner_url = url.render_as_string(hide_password=False)
    monkeypatch.setenv("DATABASE_SUPERUSER_URL", empty_url)
    monkeypatch.setenv("DATABASE_ADMIN_URL", owner_url)

    first = CliRunner().invoke(app, ["owner"])
    again = CliRunner().invoke(app, ["owner"])

    assert (first.exit_code, again.exit_code) == (0, 0), first.output + again.output
    assert again.output.endswith(": 0 changes.\n")
    assert "s3cret" not in first.output
    with engine_on(owner_url).begin() as connection:
        connection.execute(text("CREATE SCHEMA dropout"))


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        ("DATABASE_SUPERUSER_URL", "DATABASE_SUPERUSER_URL is not set"),
        ("DATABASE_ADMIN_URL", "DATABASE_ADMIN_URL is not set"),
    ],
)
def test_a_missing_setting_is_named(
    monkeypatch: pytest.MonkeyPatch, empty_url: str, missing: str, said: str
) -> None:
    for variable in ("DATABASE_SUPERUSER_URL", "DATABASE_ADMIN_URL"):
        monkeypatch.setenv(variable, "" if variable == missing else empty_url)

    answer = CliRunner().invoke(app, ["owner"])

    assert answer.exit_code == 1
    assert answer.output.startswith("veritas owner: ")
    assert said in answer.output


def test_both_urls_must_name_the_same_database(
    monkeypatch: pytest.MonkeyPatch, empty_url: str
) -> None:
    monkeypatch.setenv("DATABASE_SUPERUSER_URL", empty_url)
    elsewhere = make_url(empty_url).set(database="elsewhere")
    monkeypatch.setenv("DATABASE_ADMIN_URL", elsewhere.render_as_string(hide_password=False))

    answer = CliRunner().invoke(app, ["owner"])

    assert answer.exit_code == 1
    assert "names the database elsewhere" in answer.output
