"""Settings: their sources, and the refusal of wrong values."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pytest

from dropout_service.database import DropoutDatabaseManager
from dropout_service.settings import Settings as DropoutSettings
from monitoring_service.database import MonitoringDatabase
from monitoring_service.settings import Settings as MonitoringSettings
from shared_db.errors import ConfigurationError
from shared_db.settings import DatabaseSettings, Environment
from shared_web.settings import ServiceSettings
from staffstuddash_service.datastore import DatastoreManager
from staffstuddash_service.settings import Settings as StaffstuddashSettings


@pytest.fixture
def env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the .env of the current folder, from which the settings are read."""
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


class UsesDatabase(Protocol):
    """Common property of all managers."""

    @property
    def use_fallback(self) -> bool: ...


SETTINGS: dict[str, type[ServiceSettings]] = {
    "monitoring": MonitoringSettings,
    "staffstuddash": StaffstuddashSettings,
    "dropout": DropoutSettings,
}


@pytest.mark.parametrize("service", SETTINGS)
class TestUrlOfAService:
    """A service may have a URL of its own, and the commands another one."""

    def test_it_wins_over_the_common_one(
        self, service: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        variable = f"{service.upper()}_DATABASE_URL"
        monkeypatch.setenv("DATABASE_URL", "postgres://common/a")
        before = SETTINGS[service].load()
        monkeypatch.setenv(variable, "postgres://own/a")
        after = SETTINGS[service].load()

        assert (url_of(before), before.url_variable) == ("postgres://common/a", "DATABASE_URL")
        assert (url_of(after), after.url_variable) == ("postgres://own/a", variable)

    def test_other_services_do_not_use_it(
        self, service: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv(f"{service.upper()}_DATABASE_URL", "postgres://own/a")

        others = [kind.load() for name, kind in SETTINGS.items() if name != service]

        assert [url_of(other) for other in (*others, ServiceSettings.load())] == [None] * 3

    def test_it_may_be_a_secret_file(
        self, service: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        (tmp_path / "secret").write_text("postgres://from-file/a\n")
        monkeypatch.setenv(f"{service.upper()}_DATABASE_URL_FILE", str(tmp_path / "secret"))

        assert url_of(SETTINGS[service].load()) == "postgres://from-file/a"

    def test_the_services_manager_uses_it(
        self, service: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kinds: dict[str, Callable[[], UsesDatabase]] = {
            "monitoring": MonitoringDatabase,
            "staffstuddash": DatastoreManager,
            "dropout": DropoutDatabaseManager,
        }
        variable = f"{service.upper()}_DATABASE_URL"
        monkeypatch.setenv(variable, "postgres://ada:hunter2@127.0.0.1:1/a?sslmode=nonsense")

        with pytest.raises(ConfigurationError, match=variable) as refusal:
            _ = kinds[service]().use_fallback

        assert "hunter2" not in str(refusal.value)


def test_the_commands_use_the_owners_url(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DATABASE_URL", "postgres://common/a")
    common = ServiceSettings.load().as_admin()
    monkeypatch.setenv("DATABASE_ADMIN_URL", "postgres://owner/a")
    owner = ServiceSettings.load().as_admin()

    assert (url_of(common), common.url_variable) == ("postgres://common/a", "DATABASE_URL")
    assert (url_of(owner), owner.url_variable) == ("postgres://owner/a", "DATABASE_ADMIN_URL")


@pytest.mark.parametrize("prefix", ["", "Veritas", "a-b", 'a"b', "1a", "a" * 41])
def test_a_prefix_of_roles_is_a_plain_name(prefix: str) -> None:
    with pytest.raises(ConfigurationError, match="DATABASE_ROLE_PREFIX"):
        DatabaseSettings.load(database_role_prefix=prefix)


def test_production_is_the_default() -> None:
    assert DatabaseSettings.load().environment is Environment.PRODUCTION


def test_proxies_are_trusted_by_their_address(monkeypatch: pytest.MonkeyPatch) -> None:
    assert ServiceSettings.load().trusted_proxies == ()

    monkeypatch.setenv("TRUSTED_PROXIES", "10.0.0.1, 192.0.2.0/24,2001:db8::/32")
    proxies = [str(proxy) for proxy in ServiceSettings.load().trusted_proxies]
    assert proxies == ["10.0.0.1/32", "192.0.2.0/24", "2001:db8::/32"]


@pytest.mark.parametrize("value", ["*", "proxy.example", "10.0.0.1/8", "10.0.0.1,,"])
def test_a_proxy_without_an_address_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRUSTED_PROXIES", value)

    with pytest.raises(ConfigurationError, match="TRUSTED_PROXIES"):
        ServiceSettings.load()


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("https://a.example/", ("https://a.example",)),
        ("https://A.example, http://[::1]:5173", ("https://a.example", "http://[::1]:5173")),
        ("*", ("*",)),
        ("https://a.example,", ("https://a.example",)),
    ],
)
def test_origins_are_as_browsers_send_them(
    value: str, expected: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CORS_ORIGINS", value)

    assert ServiceSettings.load().cors_origins == expected


@pytest.mark.parametrize(
    "value", ['["https://a.example"]', "a.example", "https://a.example/app", "https://a b", "null"]
)
def test_a_wrong_origin_is_refused_in_one_line(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORS_ORIGINS", value)

    with pytest.raises(ConfigurationError, match=r"CORS_ORIGINS: .*https://dashboard") as refusal:
        ServiceSettings.load()
    assert "\n" not in str(refusal.value)


def test_a_file_of_settings_in_another_encoding_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_bytes("# Schlüssel\nHOST=::1\n".encode("latin-1"))
    monkeypatch.chdir(tmp_path)

    with pytest.raises(ConfigurationError, match=r"\.env.*not UTF-8: look at byte 6"):
        ServiceSettings.load()
