"""Where settings come from, and how a wrong one is refused."""

from pathlib import Path

import pytest

from shared_db.errors import ConfigurationError
from shared_db.settings import DatabaseSettings, Environment
from shared_web.settings import ServiceSettings


@pytest.fixture
def env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give the .env of a folder in which the settings are read."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(DatabaseSettings.model_config, "env_file", ".env")
    return tmp_path / ".env"


def url_of(settings: DatabaseSettings) -> str | None:
    return settings.database_url.get_secret_value() if settings.database_url else None


def test_the_environment_wins_over_a_secret_file_and_both_over_dotenv(
    env_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert url_of(DatabaseSettings.load()) is None

    env_file.write_text("DATABASE_URL=postgres://from-dotenv/a\n")
    assert url_of(DatabaseSettings.load()) == "postgres://from-dotenv/a"

    secret = tmp_path / "secret"
    secret.write_text("postgres://from-file/a\n")
    monkeypatch.setenv("DATABASE_URL_FILE", str(secret))
    assert url_of(DatabaseSettings.load()) == "postgres://from-file/a"

    monkeypatch.setenv("DATABASE_URL", "postgres://from-environment/a")
    assert url_of(DatabaseSettings.load()) == "postgres://from-environment/a"


def test_a_secret_file_may_be_named_in_dotenv(env_file: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("postgres://from-file/a")
    env_file.write_text(f"DATABASE_URL_FILE={tmp_path / 'secret'}\n")

    assert url_of(DatabaseSettings.load()) == "postgres://from-file/a"


def test_an_empty_variable_is_not_set(env_file: Path) -> None:
    env_file.write_text("DATABASE_URL=\n")

    assert url_of(DatabaseSettings.load()) is None


def test_a_secret_file_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL_FILE", "/nowhere/secret")

    with pytest.raises(ConfigurationError, match=r"DATABASE_URL_FILE names /nowhere/secret"):
        DatabaseSettings.load()


def test_a_wrong_value_names_the_variable_and_not_the_value(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DATABASE_POOL", "hunter2")

    with pytest.raises(ConfigurationError) as refusal:
        DatabaseSettings.load()

    assert "DATABASE_POOL" in str(refusal.value)
    assert "hunter2" not in str(refusal.value)


def test_secrets_are_in_no_representation() -> None:
    settings = ServiceSettings.load(
        database_url="postgres://ada:hunter2@localhost/a", key_pepper="hunter3"
    )

    assert "hunter" not in repr(settings) + str(settings.model_dump())


@pytest.mark.parametrize(
    ("environment", "fallback", "serves"),
    [
        (Environment.DEVELOPMENT, None, True),
        (Environment.DEVELOPMENT, "serve", True),
        (Environment.DEVELOPMENT, "off", False),
        (Environment.PRODUCTION, None, False),
        (Environment.PRODUCTION, "serve", False),
    ],
)
def test_only_development_serves_from_memory_when_the_server_is_away(
    environment: Environment, fallback: str | None, serves: bool
) -> None:
    settings = DatabaseSettings.load(environment=environment, fallback=fallback)

    assert settings.serves_from_memory_when_away is serves


def test_production_is_the_default() -> None:
    assert DatabaseSettings.load().environment is Environment.PRODUCTION
